"""Running the built `ak` from tests: where it is, a state of its own, what it recorded."""
import json
import os
import re
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "tests" / "programs"
# The programs that run on both engines, and may be killed anywhere.
CORPUS = sorted(p.stem for p in PROGRAMS.glob("*.py") if p.stem != "effects")
# Drawn from the session's seed.
VALUE_VARIES = {"free_values"}
# A retry asks how often it was tried, and an attempt that nobody recorded counts: the record of a killed run may be shorter.
RECORD_VARIES = {"retries"}


def build_dir():
    """AK_BUILD, else the newest folder below build/ that holds an `ak`."""
    named = os.environ.get("AK_BUILD")
    if named:
        return Path(named)
    found = [d for d in (ROOT / "build", *(ROOT / "build").glob("*")) if (d / "ak").is_file()]
    assert found, "no ak is built: cmake --preset release && cmake --build --preset release"
    return max(found, key=lambda d: (d / "ak").stat().st_mtime)


def fast_dir():
    """kill -9 asks nothing of the disk: memory will do."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert condition()


class Ak:
    """`ak` over one data directory."""

    def __init__(self, data, program="ak"):
        self.data, self.program = str(data), str(build_dir() / program)

    def __call__(self, *args, env=None, timeout=30, **options):
        options.setdefault("stdin", subprocess.DEVNULL)
        return subprocess.run([self.program, "--data", self.data, *map(str, args)], capture_output=True, text=True,
                              timeout=timeout, env={**os.environ, "XDG_CONFIG_HOME": self.data, **(env or {})}, **options)

    def start(self, *args, env=None, **options):
        return subprocess.Popen([self.program, "--data", self.data, *map(str, args)], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                                env={**os.environ, "XDG_CONFIG_HOME": self.data, **(env or {})}, **options)

    def processes(self):
        """Command lines of all that runs and was started through this directory, whatever became of its parents."""
        mark, found = b"XDG_CONFIG_HOME=" + os.fsencode(self.data) + b"\0", []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/environ" % pid, "rb") as environ, open("/proc/%s/cmdline" % pid, "rb") as line:
                    if mark in environ.read():
                        found.append(line.read().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue    # it has ended, or is not ours to look into
        return found

    def lines(self, *args):
        done = self(*args)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def sessions(self):
        """Newest first."""
        return self.lines("session", "list", "--json", "-n", "0") if os.path.exists(self.data + "/ak.db") else []

    def last(self):
        """The newest session that nobody started from a program."""
        return next((s for s in self.sessions() if "parent_id" not in s), None)

    def log(self, session_id):
        return self.lines("session", "log", session_id, "--json")


def without_ids(value):
    """Ids, times and paths differ from run to run."""
    text = re.sub(r"(ses|evt|sub|dep)_[0-9a-z]{26}", r"\1", json.dumps(value))
    return re.sub(r"20\d\d-\d\d-\d\dT[\d:]+Z", "TIME", text)


def steps(records):
    """What of a log has to be the same in every run of a program. Whether it had to wait for something, or found it there,
    and how long, is a matter of timing."""
    kept = ("kind", "name", "arguments", "result", "error", "value", "text", "stream", "state", "args")
    return [without_ids({k: r[k] for k in kept if k in r and not (k == "args" and r["name"] == "sleep")})
            for r in records if r["kind"] != "ask"]
