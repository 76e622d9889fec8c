"""A runner of the first protocol under our engine: first execution, replay, and its way to fail."""
import sys
from pathlib import Path

import pytest

from run_host import Ak

RUNNER = Path(__file__).with_name("base_runner.py")
PROGRAM = '''
import json
import os


def handler(event):
    first = json.loads(event["data"]["text"])
    os.system("echo one >> $EFFECTS")
    os.getpid()
    print("sum", len(first))


def fails(event):
    os.stat("/no/such/file")
'''


@pytest.fixture
def program(tmp_path):
    (tmp_path / "code").mkdir()
    file = tmp_path / "code" / "old.py"
    file.write_text(PROGRAM)
    return file


def base(program, name):
    return ("run", "%s:%s" % (program, name), "--python", sys.executable, "--runner", RUNNER, "--data", 'text="[1, 2]"')


def test_first_execution(tmp_path, program):
    ak = Ak(tmp_path / "data")
    done = ak(*base(program, "handler"), env={"EFFECTS": str(tmp_path / "effects")})
    assert (done.returncode, done.stdout) == (0, "sum 2\n"), done.stderr
    calls = [r["name"] for r in ak.log(ak.last()["id"]) if r["kind"] == "call"]
    assert calls == ["loads", "system", "getpid"]


@pytest.mark.parametrize("who", ["ak", "runner"])
def test_replay_after_a_kill(tmp_path, program, who):
    """At every point: with the first protocol too, no recorded step is done again."""
    ak = Ak(tmp_path / "data", "ak_kill")
    for point in range(6, 40, 3):
        effects = tmp_path / ("effects-%d" % point)
        env = {"EFFECTS": str(effects)}
        first = ak(*base(program, "handler"), env={**env, "AK_KILL_AT": str(point), "AK_KILL_WHO": who})
        session = ak.last()
        assert first.returncode == -9 if session["state"] in ("created", "running") else first.returncode in (0, -9), first.stderr
        recorded = [r["name"] for r in ak.log(session["id"]) if r["kind"] == "call"]
        if session["state"] in ("created", "running"):
            second = ak("run", "--resume", session["id"], env=env)
            assert second.returncode == 0, second.stderr
        assert [r["name"] for r in ak.log(session["id"]) if r["kind"] == "call"] == ["loads", "system", "getpid"]
        assert effects.read_text() == "one\n" or "system" not in recorded, point
        assert ak.last()["state"] == "completed"


def test_an_error_ends_that_session(tmp_path, program):
    ak = Ak(tmp_path / "data")
    done = ak(*base(program, "fails"))
    assert done.returncode == 1
    assert "FileNotFoundError" in done.stderr and ak.last()["state"] == "error"
