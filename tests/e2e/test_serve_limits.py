"""How much of a deployment or a trigger is under way at a time, and what waits: nothing that was accepted is lost."""
import pytest

from run_host import wait_until
from serve_host import Server, copy_of


@pytest.fixture
def limited(tmp_path):
    """The counter project with settings of its own, deployed."""
    made = []

    def make(settings, **config):
        folder = tmp_path / "project"
        if not folder.exists():
            copy_of("counter", folder, ("@every 1s", "@every 1h"))
        (folder / "pyproject.toml").write_text("[tool.ak]\n" + settings)
        if not made:
            made.append(Server(tmp_path / "state", {f"limits.{k}": v for k, v in config.items()}))
        made[0].deploy(folder)
        return made[0]

    yield make
    for server in made:
        if server.process and server.process.poll() is None:
            server.kill()


def under_way(server):
    return [s for s in server.ak.sessions() if s["state"] == "running"]


def test_a_triggers_sessions_go_one_by_one_in_their_order_and_others_pass(limited):
    server = limited("[tool.ak.triggers.nap]\nmax-sessions = 1\n").start()
    ids = [server.post("nap", {"seconds": 0.3}).json["session_id"] for _ in range(5)]
    assert server.wait(server.post("add", {"n": 1}).json["session_id"])["value"] == "4"
    most = 0
    while server.session(ids[-1])["state"] in ("created", "running"):
        most = max(most, len(under_way(server)))
    assert most == 1
    ended = [server.wait(i) for i in ids]
    assert {s["state"] for s in ended} == {"completed"}
    starts = [server.ak.log(i)[1]["start"] if "start" in server.ak.log(i)[1] else server.ak.log(i)[1]["at"] for i in ids]
    assert starts == sorted(starts)


def test_a_sleeping_session_keeps_its_place_through_a_restart(limited):
    server = limited("max-sessions = 2\n").start()
    ids = [server.post("nap", {"seconds": n}).json["session_id"] for n in (12, 12, 0, 0)]
    wait_until(lambda: [bool(server.session(i).get("wait")) for i in ids] == [True, True, False, False])
    wait_until(lambda: server.request("GET", "/healthz").json["sessions"] == 2)  # both have given their process back
    server.kill()
    server.start()
    wait_until(lambda: server.request("GET", "/healthz").json["waiting"] == 2)
    assert [server.session(i)["state"] for i in ids] == ["running", "running", "created", "created"]
    assert {server.wait(i, 40)["state"] for i in ids} == {"completed"}


def test_a_full_queue_is_429_and_nothing_accepted_is_lost(limited):
    server = limited("[tool.ak.triggers.nap]\nmax-sessions = 1\nmax-queue = 3\n").start()
    answers = [server.post("nap", {"seconds": n}) for n in (5, *[0.2] * 11)]
    assert {a.status for a in answers} == {202, 429}
    assert all(int(a.headers["Retry-After"]) > 0 for a in answers if a.status == 429)
    assert server.post("add", {"n": 1}).status == 202, "another trigger is not held up"
    taken = [a.json["session_id"] for a in answers if a.status == 202]
    assert len(taken) >= 4
    assert {server.wait(i)["state"] for i in taken} == {"completed"}
    assert len(server.ak.sessions()) == len(taken) + 1
    assert server.post("nap", {"seconds": 0}).status == 202


def test_a_session_that_waits_for_its_place_can_be_stopped(limited):
    server = limited("max-sessions = 1\n").start()
    first, second, third = (server.post("nap", {"seconds": n}).json["session_id"] for n in (5, 0, 0))
    wait_until(lambda: server.session(first)["state"] == "running")
    assert server.ak("session", "stop", second).returncode == 0
    assert server.wait(second)["state"] == "stopped"
    assert server.session(first)["state"] == "running"
    assert server.wait(third)["state"] == "completed" and server.wait(first)["state"] == "completed"


def test_a_server_ends_well_while_sessions_wait_for_their_place(limited):
    server = limited("max-sessions = 1\n").start()
    ids = [server.post("nap", {"seconds": 600}).json["session_id"] for _ in range(3)]
    wait_until(lambda: len(under_way(server)) == 1)
    assert server.stop() == 0, server.words()
    assert [server.session(i)["state"] for i in ids] == ["running", "created", "created"]


def test_a_new_limit_holds_for_what_comes(limited):
    server = limited("max-sessions = 1\n").start()
    ids = [server.post("nap", {"seconds": 1}).json["session_id"] for _ in range(3)]
    limited("max-sessions = 3\n")
    more = [server.post("nap", {"seconds": 1}).json["session_id"] for _ in range(3)]
    wait_until(lambda: len([s for s in under_way(server) if s["id"] in more]) == 3)
    assert {server.wait(i)["state"] for i in ids + more} == {"completed"}


def test_a_child_does_not_wait_for_its_parents_place(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "autokitteh.yaml").write_text("version: v1\nproject:\n  name: family\n  triggers:\n    - name: hook\n      type: webhook\n      call: program.py:parent\n")
    (folder / "program.py").write_text(
        "import autokitteh\n\n\ndef parent(event):\n    child = autokitteh.start('program.py:child')\n"
        "    return autokitteh.next_signal(child).payload['value']\n\n\ndef child(_):\n    return 'grown'\n")
    (folder / "pyproject.toml").write_text("[tool.ak]\nmax-sessions = 1\n")
    server = Server(tmp_path / "state")
    server.deploy(folder)
    server.start()
    try:
        assert server.wait(server.post("hook", {}).json["session_id"])["state"] == "completed"
    finally:
        server.kill()
