"""What a step costs the disk, and `ak` the memory: figures that are the same on a busy machine. Times are in tests/bench."""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conftest import unavailable
from run_host import Ak, wait_until

PROGRAM = """
import os
import time


def steps(event):
    for _ in range(event.data.n):
        os.getpid()


def rests(event):
    os.getpid()
    time.sleep(60)
"""
SANITIZED = os.environ.get("AK_SANITIZED")


@pytest.fixture
def program(tmp_path):
    (tmp_path / "code").mkdir()
    file = tmp_path / "code" / "costs.py"
    file.write_text(PROGRAM)
    return file


def syncs(ak, program, n, log):
    subprocess.run(["strace", "-f", "-e", "trace=fdatasync,fsync", "-e", "signal=none", "-o", log, ak.program, "--data", ak.data, "run",
                    "%s:steps" % program, "--data", "n=%d" % n], check=True, capture_output=True, timeout=120)
    return len(re.findall(r"f(?:data)?sync\(", Path(log).read_text()))


def test_a_step_costs_one_sync(tmp_path, program):
    if not shutil.which("strace"):
        unavailable("no strace here")
    ak = Ak(tmp_path / "data")
    _, few, many = (syncs(ak, program, n, tmp_path / "strace") for n in (1, 20, 120))      # the first one makes the store
    assert few >= 20 and many >= 120    # none is saved at the price of a step
    # The write-ahead log is taken over into the database now and then, and that syncs both.
    assert many - few <= 104


@pytest.mark.skipif(bool(SANITIZED), reason="a sanitizer takes memory of its own")
def test_a_waiting_run_takes_little_memory(tmp_path, program):
    ak = Ak(tmp_path / "data")
    process = ak.start("run", "%s:rests" % program)
    try:
        wait_until(lambda: any(s["state"] == "running" and s.get("wait") for s in ak.sessions()))
        resident = int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/%d/status" % process.pid).read_text()).group(1))
        assert resident <= 8 * 1024
    finally:
        process.kill()
        process.communicate()
