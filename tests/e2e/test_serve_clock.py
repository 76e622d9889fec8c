"""The wall clock jumps while sessions sleep and schedules wait: forward, what is due comes at once; backward, a deadline stays the
instant that it is. The server's clock is moved by a preloaded library (clock_shim.c); the monotonic one goes on."""
import os
import time

import pytest

from clock_host import Clock
from run_host import wait_until
from serve_host import Server, copy_of

DAY = 86400
pytestmark = pytest.mark.skipif("AK_SANITIZED" in os.environ, reason="a sanitizer's library wants to be loaded first as well")


@pytest.fixture
def jumping(tmp_path, monkeypatch):
    """A server whose clock is as far ahead as jump() says."""
    clock = Clock(tmp_path)
    server = Server(tmp_path / "state")

    def start():
        with monkeypatch.context() as env:
            for name, value in clock.env.items():
                env.setenv(name, value)
            return server.start()

    server.begin = start
    yield server, clock.set_ahead
    if server.process and server.process.poll() is None:
        server.kill()


def project(server, tmp_path):
    """The counter, ticking once an hour."""
    server.deploy(copy_of("counter", tmp_path / "project", ("@every 1s", "@every 1h")))


def ticks(server):
    return [e for e in server.ak.lines("event", "list", "--json") if e["type"] == "tick"]


def next_tick(server):
    return next(t["next_at"] for t in server.ak.lines("trigger", "list", "--json") if t["kind"] == "schedule")


def until_one_tick(server):
    """The hours that a jump skips are one tick."""
    wait_until(lambda: ticks(server))
    time.sleep(2.5)
    assert len(ticks(server)) == 1


@pytest.mark.parametrize("awake", [True, False], ids=["with its process", "without one"])
def test_a_day_forward_wakes_a_sleeper(jumping, tmp_path, awake):
    server, jump = jumping
    project(server, tmp_path)
    if awake:
        server.ak("config", "set", "serve.idle", "600")
    server.begin()
    session = server.post("nap", {"seconds": DAY}).json["session_id"]
    wait_until(lambda: server.session(session).get("wait"))
    if not awake:
        wait_until(lambda: not server.request("GET", "/healthz").json["sessions"])
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
    wait_until(lambda: ticks(server))
    jump(0)
    wait_until(lambda: next_tick(server) < time.time() + DAY)


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
