"""The wall clock jumps while sessions sleep and schedules wait: forward, what is due comes at once; backward, a deadline stays the
instant that it is. The server's clock is moved by a preloaded library (clock_shim.c); the monotonic one goes on."""
import os
import subprocess
import time

import pytest

from run_host import ROOT
from serve_host import Server
from tools import need_program

DAY = 86400
pytestmark = pytest.mark.skipif("AK_SANITIZED" in os.environ, reason="a sanitizer's library wants to be loaded first as well")


@pytest.fixture
def jumping(tmp_path, monkeypatch):
    """A server whose clock is as far ahead as jump() says."""
    need_program("cc")
    library, clock = tmp_path / "clock.so", tmp_path / "clock"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, ROOT / "tests" / "e2e" / "clock_shim.c"], check=True)
    clock.write_text("0")
    server = Server(tmp_path / "state")

    def jump(seconds):
        fresh = tmp_path / "clock.new"
        fresh.write_text(str(seconds))
        fresh.rename(clock)

    def start():
        with monkeypatch.context() as env:
            env.setenv("LD_PRELOAD", str(library))
            env.setenv("AK_CLOCK_FILE", str(clock))
            return server.start()

    server.begin = start
    yield server, jump
    if server.process and server.process.poll() is None:
        server.kill()


def gave_its_process_back(server):
    end = time.monotonic() + 20
    while time.monotonic() < end and server.request("GET", "/healthz").json["sessions"]:
        time.sleep(0.1)
    return server.request("GET", "/healthz").json["sessions"] == 0


def project(server, tmp_path):
    """The counter, ticking once an hour."""
    from serve_host import PROJECTS
    folder = tmp_path / "project"
    folder.mkdir()
    for name in ("autokitteh.yaml", "program.py"):
        (folder / name).write_text((PROJECTS / "counter" / name).read_text().replace("@every 1s", "@every 1h"))
    server.deploy(folder)


def ticks(server):
    return [e for e in server.ak.lines("event", "list", "--json") if e["type"] == "tick"]


def until_one_tick(server):
    """The hours that a jump skips are one tick."""
    end = time.monotonic() + 10
    while time.monotonic() < end and not ticks(server):
        time.sleep(0.1)
    time.sleep(2.5)
    assert len(ticks(server)) == 1


@pytest.mark.parametrize("awake", [True, False], ids=["with its process", "without one"])
def test_a_day_forward_wakes_a_sleeper_within_two_seconds(jumping, tmp_path, awake):
    server, jump = jumping
    project(server, tmp_path)
    if awake:
        server.ak("config", "set", "serve.idle", "600")
    server.begin()
    session = server.post("nap", {"seconds": DAY}).json["session_id"]
    if not awake:
        assert gave_its_process_back(server)
    else:
        while not server.session(session).get("wait"):
            time.sleep(0.05)
    jump(DAY + 5)
    begun = time.monotonic()
    assert server.wait(session)["value"] == "'slept'"
    print(f"woken {time.monotonic() - begun:.1f} s after the jump")


def test_a_day_backward_wakes_nobody_early_and_loses_nobody(jumping, tmp_path):
    server, jump = jumping
    project(server, tmp_path)
    server.begin()
    session = server.post("nap", {"seconds": 3}).json["session_id"]
    jump(-DAY)
    time.sleep(4)
    assert server.session(session)["state"] == "running", "its deadline is an instant, which has not come"
    quick = server.post("nap", {"seconds": 1}).json["session_id"]
    assert server.wait(quick)["value"] == "'slept'", "what sleeps from now on sleeps as long as it said"
    assert server.post("add", {"n": 1}).status == 202, "and work goes on"
    assert ticks(server) == []
    jump(0)
    assert server.wait(session)["value"] == "'slept'"
    until_one_tick(server)


def test_many_ticks_that_a_jump_skips_are_one(jumping, tmp_path):
    server, jump = jumping
    project(server, tmp_path)
    server.begin()
    jump(30 * DAY)
    until_one_tick(server)


def test_a_schedule_outlives_a_clock_that_was_years_ahead(jumping, tmp_path):
    server, jump = jumping
    project(server, tmp_path)
    server.begin()
    jump(3650 * DAY)
    end = time.monotonic() + 10
    while time.monotonic() < end and not ticks(server):
        time.sleep(0.1)
    jump(0)
    due = None
    while time.monotonic() < end + 10:
        due = next(t["next_at"] for t in server.ak.lines("trigger", "list", "--json") if t["kind"] == "schedule")
        if due < time.time() + DAY:
            break
        time.sleep(0.2)
    assert due < time.time() + DAY


def test_second_steps_to_and_fro_disturb_no_short_sleep(jumping, tmp_path):
    server, jump = jumping
    project(server, tmp_path)
    server.begin()
    ids = []
    for n in range(20):
        jump(1 if n % 2 else -1)
        ids.append(server.post("nap", {"seconds": 0.2}).json["session_id"])
    jump(0)
    assert [server.wait(i)["value"] for i in ids] == ["'slept'"] * 20
