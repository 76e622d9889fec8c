"""`ak deploy --migrate`: live sessions are tried against the new code first, and go on there only if every step agrees."""
import json
import time

import pytest

from run_host import wait_until
from serve_host import Server

MANIFEST = """version: v1
project:
  name: moving
  triggers:
    - name: hook
      type: webhook
      call: program.py:on_event
    - name: go
      type: webhook
    - name: slow
      type: webhook
      call: program.py:on_slow
"""
HEAD = """import time

import autokitteh


@autokitteh.activity
def charge(n):
    return n + 1


@autokitteh.activity
def refund(n):
    return -n


@autokitteh.activity
def grind(n):
    time.sleep(n)
    return n


def on_slow(event):
    for seconds in (0.1, 1.5):
        grind(seconds)
    return time.sleep(5) or "ground"


"""
BODY = """def on_event(event):
    paid = charge(event.data.body.json.n)
    autokitteh.next_event(autokitteh.subscribe("go"))
    return ["old", paid, charge(10)]
"""


def version(body=BODY, head=HEAD):
    return head + body


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "autokitteh.yaml").write_text(MANIFEST)
    server = Server(tmp_path / "state")
    server.folder = folder

    def write(text):
        (folder / "program.py").write_text(text)
        return folder

    server.write = write
    server.deploy(write(version()))
    server.start()
    yield server
    if server.process.poll() is None:
        server.kill()


def waiting(server, n=1):
    session = server.post("hook", {"n": n}).json["session_id"]
    wait_until(lambda: len(server.ak.log(session)) >= 4)
    return session


def migrate(server, text, *args):
    return server.ak("deploy", server.write(text), "--migrate", *args, timeout=90)


def states(server):
    return [d["state"] for d in server.ak.lines("deployment", "list", "--json")]


def go(server):
    assert server.post("go", {}).status == 202


def test_sessions_that_agree_go_on_with_the_new_code(server):
    first, second = waiting(server), waiting(server, 2)
    time.sleep(1.5)  # one has given its process back, or both
    third = waiting(server, 3)
    done = migrate(server, version("# two more\n# lines\n" + BODY.replace('"old"', '"new"').replace("charge(10)", "refund(10)")))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("agrees in 3 steps") == 3 and "[exec] migrate: 3 sessions" in done.stdout
    assert states(server) == ["ACTIVE", "INACTIVE"]
    go(server)
    assert [server.wait(s)["value"] for s in (first, second, third)] == [f"['new', {n}, -10]" for n in (2, 3, 4)]
    assert {server.session(s)["deployment_id"] for s in (first, second)} == {server.ak.lines("deployment", "list", "--json")[0]["deployment_id"]}


def everything(server):
    return (server.ak.lines("deployment", "list", "--json"), [(s["id"], s["deployment_id"], s["state"]) for s in server.ak.sessions()],
            server.ak.lines("trigger", "list", "--json"))


DIFFERENT = {
    "another call": (BODY.replace("paid = charge", "paid = refund"), "-    1  charge  program.py:29", "+    1  refund  program.py:29"),
    "a call more": (BODY.replace("    autokitteh.next_event", "    refund(1)\n    autokitteh.next_event"), "-    2  subscribe  program.py:30", "+    2  refund  program.py:30"),
    "a wait less": (BODY.replace('    autokitteh.next_event(autokitteh.subscribe("go"))\n', ""), "-    2  subscribe", "+    2  charge"),
    "another wait": (BODY.replace('next_event(autokitteh.subscribe("go"))', 'next_signal(autokitteh.subscribe("go"))'), "-    3  next_event  program.py:30", "+    3  next_signal  program.py:30"),
    "an early end": (BODY.replace("    autokitteh.next", "    return paid\n    autokitteh.next"), "-    2  subscribe", "ends before it"),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_a_difference_is_shown_with_both_calls_and_nothing_changes(server, what):
    text, recorded, now = DIFFERENT[what]
    session = waiting(server)
    before = everything(server)
    done = migrate(server, version(text))
    assert done.returncode == 42, done.stdout + done.stderr
    assert f"session {session} (program.py:on_event): differs" in done.stdout
    assert recorded in done.stdout and now in done.stdout, done.stdout
    assert "1 of 1 live sessions would not go on as recorded" in done.stderr and "nothing was changed" in done.stderr
    assert everything(server) == before
    rows = json.loads(migrate(server, version(text), "--json").stdout)["sessions"]
    assert rows[0]["result"] == "differs" and rows[0]["steps"][0]["recorded"]["line"] == 29
    go(server)
    assert server.wait(session)["value"] == "['old', 2, 11]"


def test_check_shows_the_same_and_moves_nothing(server):
    session = waiting(server)
    before = everything(server)
    done = migrate(server, version(BODY.replace('"old"', '"new"')), "--check")
    assert done.returncode == 0 and "agrees in 3 steps" in done.stdout
    assert everything(server) == before
    go(server)
    assert server.wait(session)["value"] == "['old', 2, 11]"


def test_other_arguments_are_shown_and_do_not_stand_in_the_way(server):
    session = waiting(server)
    done = migrate(server, version(BODY.replace("charge(event.data.body.json.n)", "charge(event.data.body.json.n + 1)")))
    assert done.returncode == 0, done.stderr
    assert "~    1  charge" in done.stdout
    go(server)
    assert server.wait(session)["state"] == "completed"


def test_code_that_hangs_between_steps_or_lacks_the_handler_is_refused(server):
    waiting(server)
    assert server.ak("config", "set", "limits.turn", "1").returncode == 0
    hangs = migrate(server, version(BODY.replace("    autokitteh.next", "    while True:\n        pass\n    autokitteh.next")))
    assert hangs.returncode == 42 and "computes too long" in hangs.stdout, hangs.stdout
    (server.folder / "autokitteh.yaml").write_text(MANIFEST.replace("program.py:on_event", "program.py:other"))
    gone = migrate(server, version(BODY.replace("def on_event", "def other")))
    assert gone.returncode == 42 and "fails" in gone.stdout, gone.stdout
    assert states(server) == ["ACTIVE"]


def calls(server, session):
    return [r for r in server.ak.log(session) if r["kind"] == "call"]


def test_a_session_that_works_is_moved_between_two_of_its_steps(server):
    """Not in the middle of a call, which would be done twice: once it rests."""
    session = server.post("slow", {}).json["session_id"]
    wait_until(lambda: calls(server, session))
    done = migrate(server, version(BODY, HEAD.replace('"ground"', '"ground anew"')))
    assert done.returncode == 0, done.stdout + done.stderr
    ended = server.wait(session)
    assert ended["value"] == "'ground anew'"
    assert len(calls(server, session)) == 2


def test_without_a_server_it_is_done_in_place(server):
    session = waiting(server)
    server.stop()
    done = migrate(server, version(BODY.replace('"old"', '"new"')))
    assert done.returncode == 0, done.stderr
    server.start()
    go(server)
    assert server.wait(session)["value"] == "['new', 2, 11]"
