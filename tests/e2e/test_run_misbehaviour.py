"""A runner that breaks, hangs, bombs or lies: that session alone fails, in words. Each is a child of a session that has to go
on, hear of it, and complete."""
import json
import os

import pytest

from run_host import Ak, wait_until

PROGRAM = '''
import ctypes
import os
import signal
import sqlite3
import sys
import threading
import time

import autokitteh


def handler(event):
    child = autokitteh.start("bad.py:%s" % event.data.what, {})
    ended = autokitteh.next_signal(child)
    return ended.payload["completed"]


def link():
    return sys.modules["ak_runner"].current().link


def say(data):
    link().sock.sendall(data)
    time.sleep(5)


@autokitteh.activity
def harm(what):
    WAYS[what]()
    return 1


def fork_bomb():
    # As fast as it gets, but for so many only: what does not stop it must not stop the machine.
    left, full = os.pipe()
    os.write(full, b"x" * 1500)
    os.close(full)
    while os.read(left, 1):
        try:
            os.fork()
        except OSError:
            time.sleep(0.01)
    time.sleep(60)


def thread_and_exit():
    threading.Thread(target=time.sleep, args=(30,)).start()
    os._exit(9)


WAYS = {
    "segfault": lambda: ctypes.string_at(0),
    "exit": lambda: os._exit(7),
    "abort": os.abort,
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "memory": lambda: [bytearray(1 << 26) for _ in range(10000)],
    "forks": fork_bomb,
    "threads": thread_and_exit,
    "hang_up": lambda: (link().sock.shutdown(2), time.sleep(5)),
    "half_line": lambda: (link().sock.sendall(b'{"type": "resp'), os._exit(0)),
    "giant_line": lambda: say(b'{"type": "' + b"x" * (1 << 21)),
    "not_utf8": lambda: say(b'{"type": "print", "payload": {"text": "\\xff\\xfe"}}\\n'),
    "not_json": lambda: say(b"hello\\n"),
    "not_object": lambda: say(b"[1, 2]\\n"),
    "deep": lambda: say(b"[" * 100000 + b"\\n"),
    "wrong_type": lambda: say(b'{"type": "surprise", "payload": {}}\\n'),
    "missing": lambda: say(b'{"type": "response", "payload": {}}\\n'),
    "wrong_number": lambda: say(b'{"type": "response", "payload": {"seq": 99, "value": "Ti4="}}\\n'),
    "call_in_call": lambda: say(b'{"type": "callback", "payload": {"seq": 77, "name": "x", "args": [], "kw": {}, "data": "Ti4="}}\\n'),
    "twice": lambda: say(b'{"type": "response", "payload": {"seq": 1, "value": "Ti4="}}\\n' * 2),
    "module_again": lambda: say(b'{"type": "module", "payload": {"entries": []}}\\n'),
}


def make(what):
    def program(event):
        harm(what)
    return program


for name in WAYS:
    globals()[name] = make(name)


def endless(event):
    while True:
        pass


def unpicklable(event):
    sqlite3.connect(":memory:")


def unpicklable_argument(event):
    os.stat(lambda: 0)
'''

# What a user has to be able to read.
WORDS = {
    "segfault": "SIGSEGV",
    "exit": "exit code 7",
    "abort": "SIGABRT",
    "stop": "stopped",
    "memory": "MemoryError",
    "forks": "more processes",
    "threads": "exit code 9",
    "hang_up": "closed its connection",
    "half_line": "line",
    "giant_line": "longer than 1048576 bytes",
    "not_utf8": "UTF-8",
    "not_json": "JSON",
    "not_object": "",
    "deep": "",
    "wrong_type": "surprise",
    "missing": "value",
    "wrong_number": "wrong number",
    "call_in_call": "while it performs a call",
    "twice": "in workflow code",
    "module_again": "module",
    "endless": "bad.py",
    "unpicklable": "Connection",
    "unpicklable_argument": "lambda",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("misbehaviour")
    (folder / "code").mkdir()
    (folder / "code" / "bad.py").write_text(PROGRAM)
    (folder / "data").mkdir()
    config = folder / "data" / "ak"
    config.mkdir()
    (config / "config.yaml").write_text("limits:\n  turn: 5\n  line: 1048576\n  memory: 1500000000\n  processes: 60\n")
    return folder


# A sanitizer takes the signal and the address space for itself.
SANITIZED = {"segfault", "memory"} if os.environ.get("AK_SANITIZED") else set()


@pytest.mark.parametrize("what", [w for w in WORDS if w not in SANITIZED])
def test_that_session_alone_fails(home, what):
    ak = Ak(home / "data")
    done = ak("run", home / "code" / "bad.py:handler", "--data", "what=%s" % what, timeout=60)
    sessions = ak.sessions()[:2]
    child = next(s for s in sessions if "parent_id" in s)
    parent = next(s for s in sessions if "parent_id" not in s)
    assert (parent["state"], parent.get("value")) == ("completed", "False"), (parent.get("error"), done.stderr)
    assert child["state"] == "error"
    words = json.dumps(child["error"], ensure_ascii=False)
    assert WORDS[what] in words, words
    assert done.returncode == 0
    assert "%s: %s" % (child["error"]["type"], child["error"]["message"]) in done.stderr or what == "memory"
    # Nothing of it is left behind: the fork bomb neither.
    wait_until(lambda: ak.processes() == [])


def test_what_c_code_prints_is_kept_with_its_call(tmp_path):
    (tmp_path / "c.py").write_text('import os\n\n\ndef handler(event):\n    os.system("echo from a shell; echo oops >&2")\n    print("and from Python")\n')
    ak = Ak(tmp_path / "data")
    done = ak("run", tmp_path / "c.py:handler")
    assert (done.returncode, done.stdout, done.stderr) == (0, "from a shell\nand from Python\n", "oops\n")
    prints = {r["text"]: r["stream"] for r in ak.log(ak.last()["id"]) if r["kind"] == "print"}
    assert prints == {"from a shell\n": "stdout", "oops\n": "stderr", "and from Python\n": "stdout"}


def test_a_module_that_hangs_is_named(tmp_path):
    (tmp_path / "hangs.py").write_text("import time\n\nwhile True:\n    time.sleep(0.1)\n\n\ndef handler(event):\n    pass\n")
    ak = Ak(tmp_path / "data")
    assert ak("config", "set", "limits.load", "3").returncode == 0
    done = ak("run", tmp_path / "hangs.py:handler", timeout=60)
    assert done.returncode == 1 and "hangs.py:4" in done.stderr


def test_modules_that_come_up_while_their_stack_is_asked_for_are_taken(tmp_path):
    """The stack does not come (the signal is blocked), the modules do: late, but before anybody was told."""
    (tmp_path / "data" / "ak").mkdir(parents=True)
    (tmp_path / "data" / "ak" / "config.yaml").write_text("limits:\n  load: 1\n")
    (tmp_path / "late.py").write_text("import os\nimport signal\nimport time\n\nsignal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})\n"
                                      "time.sleep(1.2)\n\n\ndef handler(event):\n    os.system('sleep 1.5')\n")
    ak = Ak(tmp_path / "data")
    for _ in range(6):      # the first one compiles what the second one needs at once; a busy machine wants more
        done = ak("run", tmp_path / "late.py:handler", timeout=60)
        if done.returncode == 0:
            return
        assert "loading took too long" in done.stderr, done.stderr
    pytest.fail(done.stderr)


def test_no_process_is_left_when_ak_is_killed(tmp_path):
    (tmp_path / "o.py").write_text("import subprocess\n\n\ndef handler(event):\n    subprocess.run(['sleep', '60'], start_new_session=True)\n")
    ak = Ak(tmp_path / "data")
    run = ak.start("run", tmp_path / "o.py:handler")

    wait_until(lambda: any("sleep" in line for line in ak.processes()))
    run.kill()
    run.communicate(timeout=10)
    wait_until(lambda: ak.processes() == [])
