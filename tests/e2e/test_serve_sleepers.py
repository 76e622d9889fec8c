"""Sleeping sessions cost rows: a server that starts over many of them is ready at once and stays small; each wakes on time, ends once and with its
own result, and however many fall due at once, what stands in memory is bounded. AK_SLEEPERS sets how many (1000; 10000 for the figures, and 100000
by tests/sleepers.sh), AK_SPREAD over how many seconds they fall due. The last tenth, a thousand at most, fall due at one instant; a hundredth sleeps on.
They sleep for ten hours, which pass while the server is down: its clock is moved, so that nobody waits for the last to have gone to sleep."""
import http.client
import json
import os
import sqlite3
import tempfile
import threading
import time
from pathlib import Path

import pytest

from clock_host import Clock
from run_host import fast_dir
from serve_host import Server

SLEEPERS = int(os.environ.get("AK_SLEEPERS", "1000"))
AT_ONCE = min(1000, SLEEPERS // 10)
BYSTANDERS = max(100, SLEEPERS // 100)
SPREAD = float(os.environ.get("AK_SPREAD", "0"))  # 0: half as fast as they went to sleep
LOAD = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))  # others work on this machine too
SANITIZED = bool(os.environ.get("AK_SANITIZED"))
CLIENTS, RUNNERS, MIB, IDLE = 4, 8, 1024, 1


class Client(threading.Thread):
    """Posts every CLIENTS-th of the sleepers; a server whose queue is full is asked again."""

    def __init__(self, server, sleepers):
        super().__init__()
        self.server, self.sleepers, self.refused, self.failed = server, sleepers, 0, None

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        for n, until in self.sleepers:
            while not self.failed:
                connection.request("POST", self.server.paths["doze"], json.dumps({"n": n, "until": until}), {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
                if answer.status == 202:
                    break
                self.failed = None if answer.status == 503 else answer.status
                self.refused += 1
                time.sleep(0.2)
        connection.close()


def put_to_sleep(server, sleepers):
    """Returns when all sleep without a process: the seconds that it took."""
    begun = time.monotonic()
    clients = [Client(server, sleepers[i::CLIENTS]) for i in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
        assert not client.failed
    until_all_rest(server, 120)
    return time.monotonic() - begun


def until_all_rest(server, timeout):
    end = time.monotonic() + timeout
    while (health := server.request("GET", "/healthz").json)["sessions"]:
        assert time.monotonic() < end, health
        time.sleep(0.2)


def start(server, clock):
    with pytest.MonkeyPatch.context() as env:
        for name, value in (clock.env if clock else {}).items():
            env.setenv(name, value)
        server.start("--quiet")


def restart(server, clock):
    server.kill()
    begun = time.monotonic()
    start(server, clock)
    assert server.request("GET", "/healthz").status == 200
    return time.monotonic() - begun


def rows(server, what):
    with sqlite3.connect(f"file:{server.ak.data}/ak.db?mode=ro", uri=True) as database:
        return database.execute(what).fetchall()


def watch(server, wanted, timeout):
    """Until `wanted` sessions have ended: the most memory, the most processes, and the longest that another client waited."""
    most, runners, waited, looked = 0, 0, 0.0, 0.0
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        begun = time.monotonic()
        health = server.request("GET", "/healthz").json
        waited = max(waited, time.monotonic() - begun)
        most, runners = max(most, server.rss_kib()), max(runners, health["runners"])
        if begun - looked > 2:
            looked = begun
            if rows(server, "select count(*) from session where state > 2") == [(wanted,)]:
                return most, runners, waited
        time.sleep(0.1)
    raise AssertionError(rows(server, "select state, count(*) from session group by state"))


def lateness(ended, dues, numbers):
    late = sorted(ended[n] / 1e6 - dues[n] for n in numbers)
    return late, f"{late[len(late) // 2]:.3f} s (half of them), {late[int(len(late) * 0.99)]:.3f} s (99 %), {late[-1]:.3f} s (all)"


def say(*words):
    print(*words, flush=True)


def plan(rate):
    """When each falls due. A sanitizer's library wants to be the one that is preloaded: then the clock stays, and all wait."""
    count = SLEEPERS - BYSTANDERS
    spread = SPREAD or count / (0.5 * rate)
    first = time.time() + (20 + 2 * count / rate if SANITIZED else 36000)
    dues = [first + spread * i / (count - AT_ONCE) for i in range(count - AT_ONCE)]
    return dues + [first + spread + 10] * AT_ONCE, spread


def look_at_all(server, dues):
    """Each is there once, ended after its time, by its own result and as many records as every other."""
    found = rows(server, "select value, due_us, ended_us, length from session where state = 3")
    assert sorted(int(value) for value, *_ in found) == [2 * n for n in range(len(dues))]
    assert len({length for *_, length in found}) == 1
    assert rows(server, "select count(*), min(state), max(state) from session where state <> 3") == [(BYSTANDERS, 2, 2)]
    return {int(value) // 2: ended for value, _, ended, _ in found}


def test_restart_over_sleeping_sessions_is_quick_and_small_and_they_wake():
    with tempfile.TemporaryDirectory(dir=fast_dir(), prefix="ak-sleep-") as folder:
        clock = None if SANITIZED else Clock(Path(folder))
        server = Server(folder, {"limits.runners": RUNNERS, "limits.queue": 200, "serve.idle": IDLE})
        server.deploy("sleepers")
        start(server, clock)
        try:
            bystanders = [(-1, time.time() + 360000)] * BYSTANDERS
            put_to_sleep(server, bystanders[:1])  # the first waits for the interpreter
            dues, spread = plan(BYSTANDERS / (put_to_sleep(server, bystanders[1:]) - IDLE))
            took = put_to_sleep(server, list(enumerate(dues)))
            say(f"{len(dues)} went to sleep in {took:.0f} s, {len(dues) / took:.0f} a second")
            ahead = int(dues[0] - time.time() - 10) if clock else 0
            if clock:
                clock.set_ahead(ahead)
            ready = min(restart(server, clock) for _ in range(3))
            rss = server.rss_kib()
            say(f"{SLEEPERS} sleeping: ready in {ready * 1000:.0f} ms, {rss / MIB:.1f} MiB")
            assert time.time() + ahead < dues[0], "it took longer to put them to sleep than the first of them showed"
            most, runners, waited = watch(server, len(dues), 60 + dues[-1] - time.time() - ahead + len(dues) / 20)
            ended = look_at_all(server, dues)
            late, words = lateness(ended, dues, range(len(dues) - AT_ONCE))
            say(f"{len(late)} woke over {spread:.0f} s, {len(late) / spread:.0f} a second, and ended after their time by {words}")
            together, words = lateness(ended, dues, range(len(dues) - AT_ONCE, len(dues)))
            say(f"{AT_ONCE} that fell due at one instant ended after it by {words}")
            say(f"meanwhile {most / MIB:.1f} MiB and {runners} processes at most, another client waited {waited * 1000:.0f} ms at most")
            assert late[0] >= 0 and together[0] >= 0, "nobody wakes early"
            assert runners <= RUNNERS
            if not SANITIZED:
                assert ready < 0.15 * LOAD and rss < 30 * MIB and most < 60 * MIB
                assert waited < 1.0 * LOAD
                # More a second than the machine can start stand in line, and how long is its affair.
                assert SPREAD or late[len(late) // 2] < 5 * LOAD
        finally:
            server.kill()
