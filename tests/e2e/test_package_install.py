"""`cmake --install` into a prefix: both programs, used from there, with nothing of the source tree."""
import re

import pytest

import tools
from conftest import ROOT
from run_host import build_dir

pytestmark = tools.once


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    tools.need_program("cmake", "pkg-config", "cc")
    root = tmp_path_factory.mktemp("prefix")
    tools.run("cmake", "--install", build_dir(), "--prefix", root)
    return root


def test_everything_is_in_its_place(prefix):
    share = prefix / "share"
    for name in ("bin/ak", "bin/aklint", "share/man/man1/ak.1", "share/man/man1/ak-serve.1", "share/man/man1/aklint.1",
                 "share/bash-completion/completions/ak", "share/zsh/site-functions/_ak", "share/fish/vendor_completions.d/ak.fish",
                 "share/doc/ak/ak.md", "share/doc/aklint/pitfalls.md", "share/ak/python/autokitteh/__init__.py"):
        assert (prefix / name).is_file(), name
    assert not list(share.rglob("__pycache__"))
    # The unit starts the program that was installed beside it.
    unit = (prefix / "lib/systemd/system/ak.service").read_text()
    assert f"ExecStart={prefix}/bin/ak " in unit


def test_both_programs_open_nothing_of_the_source_tree(prefix, tmp_path):
    tools.need_program("strace")
    env = {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path / "config")}

    def traced(*args):
        out = tools.run("strace", "-f", "-qq", "-e", "trace=file", "-o", tmp_path / "trace", *args, cwd=tmp_path, env=env)
        opened = re.findall(r'"(/[^"]*)"', (tmp_path / "trace").read_text())
        assert opened and not [path for path in opened if path.startswith(str(ROOT) + "/")], args
        return out
    traced(prefix / "bin/ak", "init", "hello")
    assert "1 passed" in traced(prefix / "bin/ak", "test", "hello")
    assert "activated" in traced(prefix / "bin/ak", "deploy", "hello")
    event = 'body={"form": {"name": "Ada"}}'
    assert "Hello, Ada!" in traced(prefix / "bin/ak", "run", "hello/program.py:on_hello", "--data", event)
    traced(prefix / "bin/aklint", "hello")


def test_pkg_config_leads_to_a_library_that_links(prefix, tmp_path):
    found = sorted(prefix.rglob("aklint.pc"))
    assert len(found) == 1
    env = {"PKG_CONFIG_PATH": str(found[0].parent)}
    flags = tools.run("pkg-config", "--cflags", "--libs", "--static", "aklint", env=env).split()
    assert not [flag for flag in flags if str(ROOT) in flag]
    tools.run("cc", ROOT / "examples/c_api/check.c", *flags, "-o", tmp_path / "check")
    assert "flow.py:8:16: AK301" in tools.run(tmp_path / "check")
