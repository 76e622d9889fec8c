"""Helpers of the end-to-end tests: they run the built programs as a user would.

AKLINT and AK name the programs; else the newest build below build/ is taken. AK_REQUIRE_ALL=1 turns
a skip for something that is not there into a failure.
"""
import atexit
import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Nothing of a test stays in the cache of whoever runs it.
if "AKLINT_CACHE_DIR" not in os.environ:
    os.environ["AKLINT_CACHE_DIR"] = tempfile.mkdtemp(prefix="aklint-cache-")
    atexit.register(shutil.rmtree, os.environ["AKLINT_CACHE_DIR"], ignore_errors=True)


def program(name):
    given = os.environ.get(name.upper())
    if given:
        return given
    built = [p for p in (ROOT / "build" / name, ROOT / "build" / "dev" / name) if p.is_file()]
    if not built:
        unavailable(f"{name} is not built")
    return str(max(built, key=lambda p: p.stat().st_mtime))


def unavailable(what):
    """Skips the test, or fails it where everything is required."""
    if os.environ.get("AK_REQUIRE_ALL") == "1":
        pytest.fail(what)
    pytest.skip(what)


def aklint(*args, cwd=None, input=None, env=None, timeout=60):
    """Runs aklint; returns the finished process, output as text."""
    return subprocess.run([program("aklint"), *args], cwd=cwd, input=input, capture_output=True, text=True,
                          env={**os.environ, **(env or {})}, timeout=timeout)
