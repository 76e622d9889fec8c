"""The wheel and the source distribution, as pip meets them."""
import os
import subprocess
import sys
import tarfile
import zipfile

import pytest

import tools
from cli_project import CLOCK, write
from conftest import ROOT, aklint, unavailable
from test_readme import run_blocks

pytestmark = tools.once


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return tools.wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory, wheel):
    """An empty virtual environment with nothing but the wheel in it."""
    root = tmp_path_factory.mktemp("venv")
    tools.run(sys.executable, "-m", "venv", root)
    tools.pip("install", "--no-deps", wheel, python=root / "bin" / "python")
    return root


def test_wheel_lints_in_an_empty_environment(installed, tmp_path):
    write(tmp_path, {"flow.py": CLOCK})
    env = {"PATH": f"{installed}/bin:/usr/bin:/bin"}
    done = subprocess.run(["aklint", "flow.py", "--format", "concise"], cwd=tmp_path, env=env, capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 1, done.stderr
    assert done.stdout.startswith("flow.py:10:")


def test_wheel_brings_the_manual_and_completions(installed):
    share = installed / "share"
    assert (share / "man/man1/aklint.1").read_text().startswith(".TH AKLINT 1")
    assert "complete -o filenames -F _aklint aklint" in (share / "bash-completion/completions/aklint").read_text()
    assert (share / "zsh/site-functions/_aklint").read_text().startswith("#compdef aklint")
    assert "complete -c aklint -l select" in (share / "fish/vendor_completions.d/aklint.fish").read_text()


def test_wheel_fits_every_python_3_and_holds_no_development_files(wheel):
    assert "-py3-none-" in os.path.basename(wheel)
    names = zipfile.ZipFile(wheel).namelist()
    assert not [n for n in names if n.endswith((".h", ".a", ".pc", ".cmake"))]


def test_wheel_needs_no_library_but_libc(installed):
    tools.need_program("readelf")
    needed = [line for line in tools.run("readelf", "-d", installed / "bin/aklint").splitlines() if "(NEEDED)" in line]
    assert needed and all("libc.so" in line or "libm.so" in line for line in needed), needed


def test_uninstalling_leaves_nothing(wheel, tmp_path):
    tools.run(sys.executable, "-m", "venv", tmp_path / "v")
    python = tmp_path / "v/bin/python"
    tools.pip("install", "--no-deps", wheel, python=python)
    tools.pip("uninstall", "-y", "aklint", python=python)
    assert not [p for p in (tmp_path / "v").rglob("*aklint*")]


def test_source_distribution_carries_the_grammars(tmp_path):
    tools.need_module("scikit_build_core", "build")
    tools.need_program("cmake", "cc", "pkg-config")
    if not (ROOT / "third_party/src/.stamp").exists():
        unavailable("the grammar sources are not there (third_party/fetch)")
    tools.run(sys.executable, "-m", "build", "--no-isolation", "--sdist", "-o", tmp_path, ROOT)
    with tarfile.open(next(tmp_path.glob("aklint-*.tar.gz"))) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    for needed in ("third_party/src/tree-sitter/lib/src/lib.c", "third_party/src/tree-sitter-python/src/scanner.c",
                   "third_party/src/.stamp", "rules/AK101_async_entry_point.c", "tests/fixtures/AK101/example.txtar",
                   "LICENSE"):
        assert needed in names, needed
    assert not any(name.startswith("build/") for name in names)


def test_missing_library_is_named_with_its_package(tmp_path):
    tools.need_program("cmake", "cc", "pkg-config", "ninja")
    (tmp_path / "empty").mkdir()
    said = tools.run("cmake", "-G", "Ninja", "-S", ROOT, "-B", tmp_path / "b", "-DAK_RUNTIME=OFF", "-DBUILD_TESTING=OFF",
                     status=1, env={"PKG_CONFIG_LIBDIR": str(tmp_path / "empty")})
    assert "libjansson-dev (Debian, Ubuntu)" in " ".join(said.split())


def test_versions_agree():
    version = aklint("--version").stdout.split()[1]
    assert f'version = "{version}"' in (ROOT / "pyproject.toml").read_text()


def test_the_readme_installs_with_pip(tmp_path):
    """README.md's block in a new environment; what builds it is the tests' own, and the network is asked for nothing."""
    tools.need_module("scikit_build_core")
    tools.run(sys.executable, "-m", "venv", tmp_path / "venv")
    site = next(p for p in sys.path if p.endswith("site-packages"))
    run_blocks(tmp_path, ["wheel"], 0, path=[tmp_path / "venv/bin", os.path.dirname(sys.executable)], cwd=ROOT, timeout=900,
               PIP_NO_INDEX="1", PIP_NO_BUILD_ISOLATION="0", PIP_CONFIG_FILE=os.devnull, PYTHONPATH=site, CMAKE_ARGS="-DAK_LTO=OFF",
               CMAKE_BUILD_PARALLEL_LEVEL="2")
    assert tools.run(tmp_path / "venv/bin/aklint", "--version").startswith("aklint ")
