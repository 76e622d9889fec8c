"""Figures of one lone session: bench_run.py BUILD_DIR [--floor STEP_FLOOR PEER.PY]. Prints steps a second (beside a bare
SQLite commit, and the floor loop where given), syncs a step, replay, resident memory, start-up and fork."""
import argparse
import os
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROGRAM = """
import os
import time


def steps(event):
    for _ in range(event.data.n):
        os.getpid()


def rests(event):
    os.getpid()
    time.sleep(3)
"""
ENV = {**os.environ, "AK_CONFIG_HOME": "/nonexistent"}


def ak(*args):
    done = subprocess.run([str(BUILD / "ak"), "--data", DATA, *map(str, args)], capture_output=True, text=True, env=ENV)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(func, n):
    start = time.perf_counter()
    ak("run", "%s/bench.py:%s" % (CODE, func), "--data", "n=%d" % n)
    return time.perf_counter() - start


def newest():
    return re.search(r'"id":"(ses_\w+)"', ak("session", "list", "--json", "-n", 1)).group(1)


def commit_us(n=400):
    """One row, one commit, one sync."""
    db = sqlite3.connect(DATA + "/floor.db", isolation_level=None)
    db.execute("pragma journal_mode=wal"), db.execute("pragma synchronous=full")
    db.execute("create table j(run, seq, body, primary key(run, seq)) without rowid")
    times = []
    for i in range(n):
        start = time.perf_counter()
        db.execute("insert into j values(1, ?, ?)", (i, b"x" * 150))
        times.append(time.perf_counter() - start)
    db.close()
    return statistics.median(times) * 1e6


def steps_a_second():
    nothing = min(run("steps", 0) for _ in range(3))
    took = min(run("steps", 2000) for _ in range(3)) - nothing
    commit = commit_us()
    print("lone session: %.0f steps/s; a bare SQLite commit here: p50 %.0f us, so at best %.0f/s" % (
        2000 / took, commit, 1e6 / commit))
    bench = "%s/bench.py:steps" % CODE
    work = min(cpu("run", bench, "--data", "n=4000") for _ in range(3)) - min(cpu("run", bench, "--data", "n=0") for _ in range(3))
    print("CPU of all processes: %.0f us a step" % (work / 4))
    print("a session without steps, from nothing to its end: %.0f ms" % (nothing * 1e3))


def floor(program, peer):
    out = subprocess.run([program, sys.executable, peer, DATA], capture_output=True, text=True, timeout=400).stdout
    line = next(x for x in out.splitlines() if "sync=FULL" in x and "K=100" in x and "N=1 " in x)
    print("floor loop: %s" % re.search(r"steps/s=(\S+)", line).group(1))


def syncs():
    if not shutil.which("strace"):
        return print("syncs a step: no strace here")
    log = DATA + "/strace"
    counts = []
    for n in (100, 300):
        subprocess.run(["strace", "-f", "-c", "-e", "trace=fdatasync,fsync", "-o", log, str(BUILD / "ak"), "--data", DATA, "run",
                        "%s/bench.py:steps" % CODE, "--data", "n=%d" % n], check=True, env=ENV, capture_output=True)
        text = Path(log).read_text()
        counts.append(sum(int(c) for c in re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+).*f(?:data)?sync$", text, re.M)))
    print("syncs a step: %.2f" % ((counts[1] - counts[0]) / 200))


def cpu(*args):
    before = os.times()
    ak(*args)
    after = os.times()
    return (after.children_user + after.children_system - before.children_user - before.children_system) * 1e3


def replay(n=10000):
    run("steps", 0)
    empty = newest()
    run("steps", n)
    full = newest()
    bare = subprocess.run([sys.executable, "-c", "import time, os\nt = time.perf_counter()\nfor _ in range(%d): os.getpid()\n"
                           "print(time.perf_counter() - t)" % n], capture_output=True, text=True).stdout
    for what, measure in (("wall", lambda *a: (lambda t: (ak(*a), (time.perf_counter() - t) * 1e3)[1])(time.perf_counter())),
                          ("CPU of all processes", cpu)):
        took = min(measure("session", "replay", full) for _ in range(3)) - min(measure("session", "replay", empty) for _ in range(3))
        print("replay of %d steps: %.0f ms %s (the bare loop: %.1f ms)" % (n, took, what, float(bare) * 1e3))


def rss(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/%d/status" % pid).read_text()).group(1)) / 1024


def memory():
    for func, n, what in (("rests", 0, "waiting"), ("steps", 3000, "at work")):
        process = subprocess.Popen([str(BUILD / "ak"), "--data", DATA, "run", "%s/bench.py:%s" % (CODE, func), "--data",
                                    "n=%d" % n], env=ENV, stdout=subprocess.DEVNULL)
        most = 0.0
        end = time.monotonic() + 1.5
        while time.monotonic() < end and process.poll() is None:
            most = max(most, rss(process.pid))
            time.sleep(0.02)
        print("resident memory of ak, %s: %.1f MB" % (what, most))
        process.wait()


def fork():
    support = next(Path(DATA, "cache").glob("python-*"))
    print(subprocess.run([str(BUILD / "fork_bench"), str(BUILD / "ak"), CODE, "bench.py:steps", str(support)],
                         capture_output=True, text=True, check=True).stdout.strip())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=Path)
    parser.add_argument("--floor", nargs=2)
    options = parser.parse_args()
    BUILD = options.build.resolve()
    with tempfile.TemporaryDirectory() as CODE, tempfile.TemporaryDirectory() as DATA:
        Path(CODE, "bench.py").write_text(PROGRAM)
        run("steps", 1)
        print("load: %.1f" % os.getloadavg()[0])
        steps_a_second()
        if options.floor:
            floor(*options.floor)
        syncs()
        replay()
        memory()
        fork()
