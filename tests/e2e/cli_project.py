"""Small projects on the disk, for the tests of the command line."""
import json
import os
import subprocess

from conftest import aklint

CLOCK = """\
import time

from temporalio import workflow


@workflow.defn
class Order:
    @workflow.run
    async def run(self) -> float:
        return time.time()
"""
CLOCK_LINE = 10
CLEAN = CLOCK.replace("time.time()", "1.0")
TWO = CLOCK + """
    @workflow.query
    def luck(self) -> float:
        return time.time()
"""


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


def found(*args, **kwargs):
    """The findings of a run as JSON, and the finished process."""
    done = aklint(*args, "--format", "json", **kwargs)
    return json.loads(done.stdout), done


def shown_files(*args, cwd):
    done = aklint("--show-files", *args, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def git(root, *args):
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    return subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main",
                           *args], cwd=root, env=env, capture_output=True, text=True, check=True, timeout=30).stdout
