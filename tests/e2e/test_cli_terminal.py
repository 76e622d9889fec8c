"""The progress line and Ctrl-C, at a terminal and in a pipe."""
import os
import pty
import select
import signal
import subprocess
import time

import pytest

from cli_project import CLOCK, write
from conftest import program


def many(root, files=400):
    """A third of a second's work, and more where more is asked for."""
    body = "".join(f"    def m{i}(self):\n        return [x for x in range({i})]\n\n" for i in range(400))
    text = CLOCK + "\n" + body
    return write(root, {f"p{i // 50}/flow{i}.py": text for i in range(files)})


def at_terminal(root, *args, interrupt_on=None):
    """Runs with standard error at a terminal; returns the exit code and what was shown there."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen([program("aklint"), *args], cwd=root, stdout=subprocess.DEVNULL, stderr=theirs,
                             env={**os.environ, "TERM": "xterm"})
    os.close(theirs)
    seen, end = b"", time.monotonic() + 60
    try:
        while time.monotonic() < end:
            if not select.select([ours], [], [], 1)[0]:
                if child.poll() is not None:
                    break
                continue
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
            if interrupt_on and interrupt_on in seen:
                child.send_signal(signal.SIGINT)
                interrupt_on = None
        return child.wait(timeout=30), seen
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
        os.close(ours)


def at_work(root, **how):
    """More and more of it, until a run lasts half a second and tells how far it is."""
    for files in (400, 1600, 6400):
        code, seen = at_terminal(many(root, files), **how)
        if b"Checking:" in seen:
            return code, seen
    pytest.fail("no progress was shown")


def test_nothing_of_progress_in_a_pipe(tmp_path):
    many(tmp_path)
    done = subprocess.run([program("aklint"), "-q", "--format", "json"], cwd=tmp_path, capture_output=True, timeout=120)
    assert done.returncode == 1 and done.stderr == b""


def test_progress_at_a_terminal_is_cleared(tmp_path):
    code, seen = at_work(tmp_path)
    assert code == 1 and seen.rstrip(b"\r\n").endswith(b"\r\x1b[K")


def test_ctrl_c_leaves_a_clean_line_and_130(tmp_path):
    code, seen = at_work(tmp_path, interrupt_on=b"Checking:")
    assert code == 130 and seen.endswith(b"\r\x1b[K")
