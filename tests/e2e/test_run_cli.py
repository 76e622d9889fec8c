"""The command line of `ak`: what it prints, where its state lies, how it ends."""
import json
import os
import pty
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile

import pytest

from conftest import unavailable
from run_host import ROOT, Ak, build_dir, wait_until

HELLO = '''
import os
import sys
import time

import autokitteh


def handler(event):
    print("hello", event.data.get("name", "nobody"))
    print("aside", file=sys.stderr)
    os.getpid()
    return {"name": event.data.get("name")}


def fails(event):
    os.getpid()
    raise ValueError("as it should")


def waits(event):
    os.getpid()
    time.sleep(event.data.get("seconds", 60))
    print("slept")


def slow(event):
    os.system("sleep 2; echo did >> $EFFECTS")
    time.sleep(60)


def event_type(event):
    print(event.event_type, event["data"]["a"]["b"], event.data.list[0].c)


def total(event):
    x = os.getppid()
    return 10 // (0 if x else 1)
'''


@pytest.fixture
def ak(tmp_path):
    (tmp_path / "hello.py").write_text(HELLO)
    one = Ak(tmp_path / "data")
    one.file = str(tmp_path / "hello.py")
    return one


def test_run_prints_live_and_ends_with_zero(ak):
    done = ak("run", ak.file + ":handler", "--data", "name=Ada")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello Ada\n", "aside\n")


def test_a_failing_program_ends_with_one_and_its_traceback(ak):
    done = ak("run", ak.file + ":fails")
    assert done.returncode == 1
    assert 'File "hello.py", line 18, in fails\n    raise ValueError("as it should")\nValueError: as it should' in done.stderr


def test_event_from_a_file_and_from_standard_input(ak, tmp_path):
    event = {"event_type": "push", "data": {"a": {"b": 5}, "list": [{"c": "deep"}]}}
    (tmp_path / "event.json").write_text(json.dumps(event))
    assert ak("run", ak.file + ":event_type", "--event", tmp_path / "event.json").stdout == "push 5 deep\n"
    with open(tmp_path / "event.json") as file:
        assert ak("run", ak.file + ":event_type", "--event", "-", stdin=file).stdout == "push 5 deep\n"
    (tmp_path / "data.json").write_text(json.dumps(event["data"]))
    assert ak("run", ak.file + ":event_type", "-e", tmp_path / "data.json").stdout == "manual 5 deep\n"


@pytest.mark.parametrize("args, code, words", [
    (["rum"], 40, "did you mean 'ak run'"),
    (["run", "--dat"], 40, "did you mean --data"),
    (["session", "lst"], 40, "did you mean 'ak session list'"),
    (["run"], 40, "file.py:function"),
    (["run", "nothing.txt"], 40, "file.py:function"),
    (["run", "nothing.py:f"], 44, "No such file"),
    (["session", "get"], 40, "usage"),
    (["session", "get", "a", "b"], 40, "too much"),
    (["session", "list", "--state", "odd"], 40, "no state"),
    (["session", "prune", "--older-than", "x"], 40, "30d"),
    (["config", "set", "limits.turn", "soon"], 40, "whole number"),
    (["config", "set", "no.such", "1"], 44, "no setting"),
])
def test_mistakes_are_told_with_a_way_out(ak, args, code, words):
    done = ak(*args)
    assert done.returncode == code and words in done.stderr, done.stderr
    assert done.stderr.startswith("ak: ") and done.stderr.count("\n") == 1


def test_help_and_version_at_every_level(ak):
    assert re.fullmatch(r"ak \d+\.\d+\.\d+\n", ak("--version").stdout)
    for words in ([], ["--help"], ["run", "--help"], ["session"], ["session", "fork", "-h"], ["config", "--help"]):
        done = ak(*words)
        assert done.returncode == 0 and "Usage: ak" in done.stdout, words


def test_ctrl_c_leaves_the_session_waiting_and_resume_goes_on(ak):
    run = ak.start("run", ak.file + ":waits", "--data", "seconds=1.5")
    wait_until(lambda: ak.sessions() and "wait" in ak.last())
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=20)
    assert run.returncode == 130
    words = re.search(r"ak --data (\S+) run --resume (ses_\w+)", err)
    assert words and ak.last()["state"] == "running" and ak.last()["wait"]["kind"] == "sleep"
    done = ak("run", "--resume", words.group(2))
    assert (done.returncode, done.stdout) == (0, "slept\n")
    names = [r["name"] for r in ak.log(words.group(2)) if r["kind"] == "call"]
    assert names == ["getpid"]
    assert re.search(r'sleep\(\{"seconds": 1.5\}\) waits until [\d:.]{12}$', ak("session", "log", words.group(2)).stdout, re.M)
    assert ak("run", "--resume", words.group(2)).returncode == 42
    assert ak("run", "--resume", "ses_none").returncode == 44


def test_the_first_ctrl_c_lets_a_step_finish(ak, tmp_path):
    effects = tmp_path / "effects"
    run = ak.start("run", ak.file + ":slow", env={"EFFECTS": str(effects)})
    wait_until(lambda: any(line.startswith("sleep 2") for line in ak.processes()))
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=20)
    assert "Ctrl-C again" in err and effects.read_text() == "did\n"
    assert [r["name"] for r in ak.log(ak.last()["id"]) if r["kind"] == "call"] == ["system"]


def test_sessions_are_listed_shown_and_deleted(ak):
    ak("run", ak.file + ":handler", "--data", "name=Ada")
    ak("run", ak.file + ":fails")
    failed, done = ak.sessions()
    assert (failed["state"], done["state"]) == ("error", "completed")
    assert [s["id"] for s in ak.lines("session", "list", "--state", "error", "--json")] == [failed["id"]]
    shown = ak("session", "get", failed["id"]).stdout
    assert "ValueError: as it should" in shown and failed["id"] in shown
    log = ak("session", "log", done["id"]).stdout
    assert re.search(r"1 .* prints hello Ada$", log, re.M) and re.search(r"hello.py:12 +getpid\(\) → \d+", log)
    assert ak("session", "log", done["id"], "--prints").stdout == "hello Ada\naside\n"
    assert ak("session", "watch", done["id"]).returncode == 0 and ak("session", "watch", failed["id"]).returncode == 1
    assert ak("session", "delete", done["id"]).returncode == 0
    assert ak("session", "get", done["id"]).returncode == 44
    assert ak("session", "prune", "--older-than", "0s").stdout == "1 sessions deleted\n"
    assert ak.sessions() == []


def test_stop_ends_a_waiting_session(ak):
    run = ak.start("run", ak.file + ":waits")
    wait_until(lambda: ak.sessions() and "wait" in ak.last())
    session = ak.last()["id"]
    run.terminate()
    run.communicate(timeout=20)
    assert ak("session", "delete", session).returncode == 42
    assert ak("session", "stop", session, "--reason", "enough").returncode == 0
    assert ak.last()["state"] == "stopped"
    assert ak("session", "stop", session).returncode == 42


def test_the_last_session_is_deleted_by_that_name(ak):
    ak("run", ak.file + ":total")
    first = ak.last()["id"]
    ak("run", ak.file + ":total")
    second = ak.last()["id"]
    done = ak("session", "delete", "last", "--json")
    assert done.returncode == 0 and json.loads(done.stdout) == {"deleted": second}, done.stderr
    assert [s["id"] for s in ak.sessions()] == [first]


def test_replay_ends_as_recorded_and_sees_other_code(ak, tmp_path):
    ak("run", ak.file + ":total")
    session = ak.last()["id"]
    same = ak("session", "replay", session)
    assert same.returncode == 0 and "it ended as recorded" in same.stderr and "ZeroDivisionError" in same.stderr
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "hello.py").write_text(HELLO.replace("os.getppid()", "os.getpid()"))
    other = ak("session", "replay", session, "--code", tmp_path / "other")
    assert other.returncode == 1 and "differs from its record" in other.stderr and "getppid" in other.stderr
    fixed = tmp_path / "fixed"
    fixed.mkdir()
    (fixed / "hello.py").write_text(HELLO.replace("0 if x else 1", "1"))
    mended = ak("session", "replay", session, "--code", fixed, "--json")
    assert json.loads(mended.stdout)["replay"] == "the program ended otherwise than recorded"


def environment(folder):
    """What run.python may name: a folder with an interpreter in it, which its programs can tell."""
    python = folder / "bin" / "python3"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nWHERE=environment exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return folder


def test_the_setting_names_an_interpreter_or_its_folder_and_a_replay_takes_it_too(ak, tmp_path):
    program = tmp_path / "where.py"
    program.write_text("import os\n\n\ndef main(event):\n    return os.environ['WHERE']\n")
    folder = environment(tmp_path / "env")
    for python in (folder, folder / "bin" / "python3"):
        assert ak("config", "set", "run.python", python).returncode == 0
        ran = ak("run", f"{program}:main")
        assert ran.returncode == 0, ran.stderr
        same = ak("session", "replay", ak.last()["id"])
        assert same.returncode == 0 and "it ended as recorded" in same.stderr, same.stderr
    assert ak("config", "set", "run.python", "").returncode == 0
    again = ak("session", "replay", ak.last()["id"])
    assert again.returncode == 1 and "KeyError" in again.stderr
    named = ak("session", "replay", ak.last()["id"], "--python", folder)
    assert named.returncode == 0, named.stderr


@pytest.mark.parametrize("python", [[], ["--python", sys.executable]])
def test_replay_in_the_debugger(ak, python):
    ak("run", ak.file + ":total")
    done = ak("session", "replay", ak.last()["id"], "--pdb", *python, stdin=None,
              input="next\nnext\nprint('x is', type(x).__name__)\ncontinue\nprint('still', x > 0)\nquit\n")
    assert "x = os.getppid()" in done.stdout and "x is int" in done.stdout, done.stdout + done.stderr
    assert "ZeroDivisionError" in done.stdout and "still True" in done.stdout


def test_fork_keeps_the_steps_before(ak):
    ak("run", ak.file + ":handler", "--data", "name=Ada")
    first = ak.last()
    call = next(r for r in ak.log(first["id"]) if r["kind"] == "call")
    kept = ak("session", "fork", first["id"], "--from", call["number"] + 1)
    anew = ak("session", "fork", first["id"], "--from", call["number"], "--json")
    assert kept.returncode == anew.returncode == 0, kept.stderr + anew.stderr
    two, one = ak.sessions()[0]["id"], ak.sessions()[1]["id"]
    results = [[r["at"] for r in ak.log(s) if r["kind"] == "call"][0] for s in (first["id"], one, two)]
    assert results[0] == results[1] < results[2]
    again = ak("session", "restart", first["id"])
    assert again.returncode == 0 and again.stdout == "hello Ada\n"
    assert ak("session", "fork", first["id"], "--from", "99").returncode == 40


def test_config_is_found_set_and_honoured(ak, tmp_path):
    home = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_DATA_HOME": str(tmp_path / "share")}
    program = str(build_dir() / "ak")

    def run(*args):
        return subprocess.run([program, *args], env={**os.environ, **home}, capture_output=True, text=True, timeout=60)

    where = run("config", "where").stdout.strip()
    assert where == str(tmp_path / "config" / "ak")
    os.makedirs(where)
    with open(where + "/config.yaml", "w") as file:
        file.write("# mine\ndb:\n  dsn: %s\n  type: sqlite\n" % (tmp_path / "ak.db"))
    assert run("run", ak.file + ":handler").returncode == 0
    assert (tmp_path / "ak.db").is_file() and not (tmp_path / "ak.db").is_symlink() and not (tmp_path / "share").exists()
    assert {n for n in os.listdir(tmp_path) if n.startswith("ak.db")} <= {"ak.db", "ak.db-wal", "ak.db-shm", "ak.db.lock", "ak.db.d"}
    assert sqlite3.connect(tmp_path / "ak.db").execute("select count(*) from session").fetchone() == (1,)
    assert len(run("session", "list", "--json").stdout.splitlines()) == 1
    assert run("config", "set", "limits.turn", "5").returncode == 0
    text = open(where + "/config.yaml").read()
    assert "# mine\n" in text and "limits:\n  turn: 5\n" in text
    settings = {s["name"]: s["value"] for s in json.loads(run("config", "list", "--json").stdout)}
    assert settings["limits.turn"] == "5" and settings["db.dsn"] == str(tmp_path / "ak.db")
    with open(where + "/config.yaml", "a") as file:
        file.write("run:\n  idle: never\n")
    broken = run("session", "list")
    assert broken.returncode == 40 and "config.yaml:8: run.idle" in broken.stderr, broken.stderr


def test_in_memory_nothing_is_left_behind(ak, tmp_path):
    memory = Ak(":memory:")
    with tempfile.TemporaryDirectory(dir="/tmp") as own:    # a short path: sockets lie in it
        env = {"XDG_CONFIG_HOME": str(tmp_path), "TMPDIR": own, "XDG_RUNTIME_DIR": own}
        assert memory("run", ak.file + ":handler", env=env).returncode == 0
        assert os.listdir(own) == []


def test_another_interpreter(ak):
    done = ak("run", ak.file + ":handler", "--data", "name=Ada", "--python", sys.executable)
    assert (done.returncode, done.stdout) == (0, "hello Ada\n"), done.stderr
    assert ak("run", ak.file + ":handler", "--python", "/no/such/python").returncode == 44


def test_a_terminal_shows_what_is_waited_for(ak):
    main, side = pty.openpty()
    run = subprocess.Popen([ak.program, "--data", ak.data, "run", ak.file + ":waits", "--data", "seconds=2"], stdin=side,
                           stdout=side, stderr=side, env={**os.environ, "TERM": "xterm"})
    os.close(side)
    seen = b""
    try:
        while chunk := os.read(main, 4096):
            seen += chunk
    except OSError:
        pass
    assert run.wait(timeout=20) == 0
    assert re.search(rb"waits for .* since .* until .* left", seen) and seen.endswith(b"slept\r\n"), seen


def test_the_simple_example_through_make(tmp_path):
    if not shutil.which("make"):
        unavailable("no make here")
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_DATA_HOME": str(tmp_path / "share")}
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "ak").symlink_to(build_dir() / "ak")
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    shutil.copy(ROOT / "Makefile", tmp_path)

    def make(target):
        return subprocess.run(["make", "-s", target], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)

    created = make("create-workflow")
    assert created.returncode == 0 and "create_deployment" in created.stdout, created.stderr
    for _ in range(2):
        done = make("run-workflow")
        assert done.returncode == 0 and "ordered 2 tea" in done.stdout, done.stderr
