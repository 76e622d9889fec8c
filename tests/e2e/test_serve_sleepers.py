"""Sleeping sessions cost rows: a server that starts over many of them is ready at once and stays small, and each wakes on time. AK_SLEEPERS
sets how many (1000; 10000 for the figures, and 100000 by tests/sleepers.sh); AK_WAKE how many of them wake while the test looks, AK_WAKE_RATE
how many a second: more than the machine has processes for stand in line."""
import os
import sqlite3
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from run_host import fast_dir
from serve_host import Server

SLEEPERS = int(os.environ.get("AK_SLEEPERS", "1000"))
WAKE = int(os.environ.get("AK_WAKE", str(min(SLEEPERS, 50))))
RATE = float(os.environ.get("AK_WAKE_RATE", "3"))
LOAD = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # others work on this machine too
SANITIZED = bool(os.environ.get("AK_SANITIZED"))


def put_to_sleep(server, seconds):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda s: server.post("nap", {"seconds": s}).status, seconds))
    assert set(answers) == {202}


def until_all_rest(server, timeout):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        health = server.request("GET", "/healthz").json
        if health["sessions"] <= 2:  # a tick may be under way
            return
        time.sleep(0.3)
    raise AssertionError(health)


def restart(server):
    server.kill()
    begun = time.monotonic()
    server.start("--quiet")
    assert server.request("GET", "/healthz").status == 200
    return time.monotonic() - begun


def rows(server, what):
    with sqlite3.connect(f"file:{server.ak.data}/ak.db?mode=ro", uri=True) as database:
        return database.execute(what).fetchall()


def test_restart_over_sleeping_sessions_is_quick_and_small_and_they_wake():
    with tempfile.TemporaryDirectory(dir=fast_dir(), prefix="ak-sleep-") as folder:
        server = Server(folder, {"limits.runners": 8, "limits.queue": SLEEPERS + 100})
        server.deploy("counter")
        server.start("--quiet")
        try:
            # Those that are to wake sleep long enough for all to have gone to sleep, and a restart.
            begun = time.monotonic()
            put_to_sleep(server, [36000] * (SLEEPERS - WAKE))
            until_all_rest(server, 60 + SLEEPERS / 10)
            rate = (SLEEPERS - WAKE) / (time.monotonic() - begun) or 100
            ahead = max(20, 2 * WAKE / max(rate, 20))
            first = time.time() + ahead
            put_to_sleep(server, [first + i / RATE - time.time() for i in range(WAKE)])
            until_all_rest(server, 60 + WAKE / 5)
            ready = min(restart(server) for _ in range(3))
            rss = server.rss_kib()
            print(f"{SLEEPERS} sleeping: ready in {ready * 1000:.0f} ms, {rss / 1024:.1f} MiB")
            due = dict(rows(server, "select id, due_us from session where wait <> 0 and due_us < (select min(due_us) from session where wait <> 0) + 3600000000"))
            assert len(rows(server, "select id from session where state <= 2")) >= SLEEPERS - WAKE
            if not SANITIZED:
                assert ready < 1.0 and rss < 60 * 1024
            end = time.monotonic() + 60 + WAKE * 3 / RATE
            while time.monotonic() < end and len(rows(server, "select id from session where entry like '%nap' and state = 3")) < WAKE:
                time.sleep(0.5)
            ended = dict(rows(server, "select id, ended_us from session where entry like '%nap' and state = 3"))
            assert len(ended) == WAKE
            late = sorted((ended[i] - due[i]) / 1e6 for i in ended if i in due)
            print(f"{len(late)} woke after the restart, {RATE:g} a second: ended {late[len(late) // 2]:.3f} s after their time (half of them), "
                  f"{late[int(len(late) * 0.99)]:.3f} s (99 %), {late[0]:.3f} s at least")
            assert late[0] >= 0, "nobody wakes early"
            assert late[len(late) // 2] < 5 * LOAD
        finally:
            server.kill()
