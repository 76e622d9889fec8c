"""--watch: a check after each change, nothing in between."""
import fcntl
import os
import pathlib
import pty
import queue
import select
import signal
import subprocess
import termios
import threading
import time

import pytest

from cli_project import CLEAN, CLOCK, write
from conftest import aklint, program


class Watching:
    """A running `aklint --watch`, whose lines can be waited for."""

    def __init__(self, root, *args):
        self.process = subprocess.Popen([program("aklint"), "--watch", "--format", "concise", *args], cwd=root, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.lines = queue.Queue()
        threading.Thread(target=lambda: [self.lines.put(line) for line in self.process.stdout] + [self.lines.put(None)],
                         daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        finally:
            self.process.kill()

    def until_idle(self):
        """The findings of the check that ends next."""
        found = []
        while True:
            line = self.lines.get(timeout=60)
            assert line is not None, found
            if line.startswith("Watching "):
                return found
            if ": error: AK" in line:
                found.append(line)


def ran(pid):
    """Its computing time so far, once it has come to rest."""
    before, now = None, -1
    while before != now:
        time.sleep(0.1)
        before, now = now, on_cores(pid)
    return now


def on_cores(pid):
    return sum(int((task / "schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir())


def test_each_change_is_checked(tmp_path):
    write(tmp_path, {"flow.py": CLEAN})
    with Watching(tmp_path) as watching:
        assert watching.until_idle() == []
        write(tmp_path, {"flow.py": CLOCK})
        found, = watching.until_idle()
        assert found.startswith("flow.py:10:") and "AK301" in found
        # As most editors save: a new file takes the old one's place.
        write(tmp_path, {"new~": CLEAN})
        os.replace(tmp_path / "new~", tmp_path / "flow.py")
        assert watching.until_idle() == []


def test_new_folders_and_settings_count(tmp_path):
    write(tmp_path, {"pyproject.toml": "", "a/flow.py": CLOCK})
    with Watching(tmp_path, "a") as watching:
        assert len(watching.until_idle()) == 1
        write(tmp_path, {"pyproject.toml": "[tool.aklint]\nignore = ['AK301']\n"})
        assert watching.until_idle() == []
        write(tmp_path, {"pyproject.toml": ""})
        assert len(watching.until_idle()) == 1
        (tmp_path / "a/deep").mkdir()
        assert len(watching.until_idle()) == 1
        write(tmp_path, {"a/deep/other.py": CLOCK})
        assert len(watching.until_idle()) == 2


def test_a_helper_of_the_project_counts(tmp_path):
    flow = CLOCK.replace("import time\n", "from lib.helper import stamp\n").replace("time.time()", "stamp()")
    write(tmp_path, {"aklint.toml": "", "flows/flow.py": flow, "lib/helper.py": "def stamp():\n    return 1.0\n"})
    with Watching(tmp_path, "flows", "lib") as watching:
        assert watching.until_idle() == []
        write(tmp_path, {"lib/helper.py": "import time\n\n\ndef stamp():\n    return time.time()\n"})
        assert len(watching.until_idle()) == 1


def test_nothing_runs_between_changes_and_ctrl_c_ends(tmp_path):
    write(tmp_path, {"flow.py": CLEAN, "notes.txt": ""})
    with Watching(tmp_path) as watching:
        watching.until_idle()
        before = ran(watching.process.pid)
        time.sleep(0.5)
        assert ran(watching.process.pid) == before
        write(tmp_path, {"notes.txt": "nobody's business", ".flow.py.swp": CLOCK})
        write(tmp_path, {"flow.py": CLOCK})
        assert len(watching.until_idle()) == 1
        watching.process.send_signal(signal.SIGINT)
        assert watching.process.wait(20) == 130


def test_fixes_are_made_as_one_goes(tmp_path):
    write(tmp_path, {"flow.py": CLEAN})
    with Watching(tmp_path, "--fix") as watching:
        watching.until_idle()
        write(tmp_path, {"flow.py": CLOCK})
        assert watching.until_idle() == []
        assert "workflow.time()" in (tmp_path / "flow.py").read_text()
        # What it wrote itself is checked once more, and that is the end of it.
        watching.until_idle()
        with pytest.raises(queue.Empty):
            watching.lines.get(timeout=0.5)


def test_files_come_and_go(tmp_path):
    write(tmp_path, {"flow.py": CLOCK, "sub/other.py": CLOCK})
    with Watching(tmp_path) as watching:
        assert len(watching.until_idle()) == 2
        (tmp_path / "flow.py").unlink()
        assert len(watching.until_idle()) == 1
        (tmp_path / "sub").rename(tmp_path / "moved")
        found, = watching.until_idle()
        assert found.startswith("moved/other.py:")


def test_an_extended_file_and_a_baseline_elsewhere_count(tmp_path):
    write(tmp_path, {"base/all.toml": "", "p/aklint.toml": 'extend = "../base/all.toml"\n', "p/flow.py": CLOCK, "known/b.json": ""})
    known = tmp_path / "known" / "b.json"
    known.unlink()
    assert aklint("--baseline", str(known), "--update-baseline", cwd=tmp_path / "p").returncode == 0
    text = known.read_text()
    with Watching(tmp_path / "p", "--baseline", str(known)) as watching:
        assert watching.until_idle() == []
        known.write_text(text.replace('"fingerprint": "', '"fingerprint": "x'))
        assert len(watching.until_idle()) == 1
        write(tmp_path, {"base/all.toml": "ignore = ['AK301']\n"})
        assert watching.until_idle() == []


def test_settings_that_cannot_be_read_are_waited_for(tmp_path):
    write(tmp_path, {"flow.py": CLOCK, "own.toml": ""})
    with Watching(tmp_path, "--config", "own.toml") as watching:
        assert len(watching.until_idle()) == 1
        (tmp_path / "own.toml").unlink()
        assert watching.until_idle() == []
        write(tmp_path, {"own.toml": "select = ['AK301']\n"})
        assert len(watching.until_idle()) == 1
        assert watching.process.poll() is None


def test_the_screen_shows_the_last_check_alone(tmp_path, request):
    write(tmp_path, {"flow.py": CLOCK})
    master, slave = pty.openpty()
    process = subprocess.Popen([program("aklint"), "-w"], cwd=tmp_path, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                               preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(slave)
    request.addfinalizer(process.kill)
    seen = b""

    def until(what):
        nonlocal seen
        while what not in seen:
            assert select.select([master], [], [], 60)[0], seen
            seen += os.read(master, 65536)

    until(b"Ctrl-C ends.")
    assert b"AK301" in seen
    write(tmp_path, {"flow.py": CLEAN})
    seen = b""
    until(b"Ctrl-C ends.")
    assert b"\x1b[2J" in seen and b"AK301" not in seen.split(b"\x1b[2J")[-1]
    os.write(master, b"\x03")
    assert process.wait(20) == 130
    os.close(master)


def test_it_ends_when_nobody_reads(tmp_path):
    write(tmp_path, {"flow.py": CLOCK})
    done = subprocess.run(f"'{program('aklint')}' --watch --format concise | head -n 1", shell=True, cwd=tmp_path, text=True, timeout=60,
                          capture_output=True)
    assert "AK301" in done.stdout


@pytest.mark.parametrize("args, why", [(["-"], "--watch and standard input"), (["--diff"], "--watch and --diff"),
                                       (["--show-files"], "--watch and --show-files"), (["--select", "AK3O1"], "AK301"),
                                       (["--reason", "x"], "--reason goes with --add-allow")])
def test_what_cannot_be_watched_is_2(tmp_path, args, why):
    done = aklint("--watch", *args, cwd=tmp_path, input="")
    assert done.returncode == 2 and why in done.stderr
