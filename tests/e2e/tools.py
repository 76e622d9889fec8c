"""Programs around aklint, for the tests that meet it through them."""
import importlib.util
import os
import shutil
import subprocess
import sys

import pytest

from conftest import ROOT, unavailable

# These build programs of their own: what sanitizers would see of them is nothing.
once = pytest.mark.skipif("AK_SANITIZED" in os.environ, reason="says nothing about a build with sanitizers")


def need_module(*names):
    for name in names:
        if importlib.util.find_spec(name) is None:
            unavailable(f"the Python package {name} is not there (tests/requirements-tools.txt)")


def need_program(*names):
    for name in names:
        if shutil.which(name) is None:
            unavailable(f"{name} is not there")


def run(*args, cwd=None, env=None, timeout=240, status=0):
    """Runs a program; its output, both kinds. A test fails with that output if the status is another."""
    done = subprocess.run([str(a) for a in args], cwd=cwd, env={**os.environ, **(env or {})}, timeout=timeout,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert status is None or done.returncode == status, done.stdout
    return done.stdout


def pip(*args, python=sys.executable, **kwargs):
    """pip that asks no network for anything."""
    return run(python, "-m", "pip", "--disable-pip-version-check", *args,
               env={"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}, **kwargs)


def wheel(folder):
    """A wheel built from this tree into folder."""
    need_module("scikit_build_core", "pip")
    need_program("cmake", "ninja", "cc", "pkg-config")
    if os.environ.get("AK_WHEEL"):
        return os.environ["AK_WHEEL"]
    env = {"CMAKE_BUILD_PARALLEL_LEVEL": "2", "PATH": os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"],
           "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    run(sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps", "--no-build-isolation",
        "-C", "cmake.define.AK_STATIC_DEPS=ON", "-C", "cmake.define.AK_LTO=OFF", "-w", folder, ROOT, env=env)
    return str(next(folder.glob("aklint-*.whl")))
