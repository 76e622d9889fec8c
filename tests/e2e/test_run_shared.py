"""Several `ak` over one data directory: each session has one of them as its owner, a server shares with nobody."""
import fcntl
import os
import sqlite3
import subprocess
import time

import pytest

from run_host import Ak, wait_until

PROGRAM = """
import os
import time


def steps(event):
    for _ in range(event.data.n):
        os.getpid()
    return event.data.n


def waits(event):
    os.system("echo did >> " + event.data.effects)
    time.sleep(600)


def computes(event):
    os.getpid()
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for _ in range(20):
            os.getpid()
        time.sleep(0.05)
"""


@pytest.fixture
def ak(tmp_path):
    (tmp_path / "main.py").write_text(PROGRAM)
    ak = Ak(tmp_path / "data")
    ak.file = str(tmp_path / "main.py")
    return ak


def test_two_runs_at_once_both_end(ak):
    runs = [ak.start("run", ak.file + ":steps", "--data", "n=200") for _ in range(4)]
    for run in runs:
        out, err = run.communicate(timeout=60)
        assert run.returncode == 0, err
    assert sorted(s["state"] for s in ak.sessions()) == ["completed"] * 4
    assert all(s["records"] == 202 for s in ak.sessions())


@pytest.mark.parametrize("program", ["waits", "computes"])
def test_stop_from_another_terminal_ends_the_session_there(ak, tmp_path, program):
    run = ak.start("run", ak.file + ":" + program, "--data", "effects=%s" % (tmp_path / "effects"))
    wait_until(lambda: ak.sessions() and ak.last()["records"] >= 3)
    stopped = ak("session", "stop", ak.last()["id"], "--reason", "enough")
    assert stopped.returncode == 0, stopped.stderr
    out, err = run.communicate(timeout=20)
    assert run.returncode == 1 and "was stopped" in err, err
    assert ak.last()["state"] == "stopped"
    assert [r["kind"] for r in ak.log(ak.last()["id"])].count("done") == 1


def test_a_session_that_runs_is_not_resumed_elsewhere(ak, tmp_path):
    run = ak.start("run", ak.file + ":waits", "--data", "effects=%s" % (tmp_path / "effects"))
    wait_until(lambda: ak.sessions() and "wait" in ak.last())
    second = ak("run", "--resume", ak.last()["id"])
    assert second.returncode == 42 and "another ak runs it" in second.stderr, second.stderr
    run.kill()
    run.communicate(timeout=20)
    third = ak.start("run", "--resume", ak.last()["id"])
    time.sleep(1)
    assert third.poll() is None
    third.terminate()
    third.communicate(timeout=20)
    assert (tmp_path / "effects").read_text() == "did\n"


def test_a_server_shares_with_nobody(ak):
    assert ak("run", ak.file + ":steps", "--data", "n=1").returncode == 0
    with open(ak.data + "/lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        refused = ak("run", ak.file + ":steps", "--data", "n=1")
        assert refused.returncode == 42 and "a server holds" in refused.stderr
        assert ak("session", "list").returncode == 0
    assert len(ak.sessions()) == 1


def test_db_dsn_of_another_program_is_refused_untouched(ak, tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "ak").mkdir()
    theirs = tmp_path / "theirs.db"
    db = sqlite3.connect(theirs)
    db.execute("create table t(x)")
    db.commit()
    db.close()
    before = theirs.read_bytes()
    (tmp_path / "config" / "ak" / "config.yaml").write_text("db:\n  dsn: %s\n" % theirs)
    done = subprocess.run([ak.program, "run", ak.file + ":steps", "--data", "n=1"], capture_output=True, text=True, timeout=30,
                          env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")})
    assert done.returncode == 1 and "another program" in done.stderr, done.stderr
    assert theirs.read_bytes() == before
