"""What `cmake --install` brings: a library that others link, from C and from C++."""
import os

import pytest

import tools
from conftest import ROOT
from test_readme import run_blocks

pytestmark = tools.once
FOUND = "flow.py:8:16: AK301"


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    tools.need_program("cmake", "ninja", "cc", "c++", "pkg-config")
    root = tmp_path_factory.mktemp("install")
    tools.run("cmake", "-G", "Ninja", "-S", ROOT, "-B", root / "b", "-DAK_RUNTIME=OFF", "-DBUILD_TESTING=OFF", "-DAK_LTO=OFF",
              "-DCMAKE_BUILD_TYPE=Debug", f"-DCMAKE_INSTALL_PREFIX={root / 'p'}", "-DCMAKE_INSTALL_LIBDIR=lib")
    tools.run("ninja", "-C", root / "b", "-j2")
    tools.run("cmake", "--install", root / "b")
    return root / "p"


def flags(prefix):
    env = {"PKG_CONFIG_PATH": str(prefix / "lib/pkgconfig")}
    return tools.run("pkg-config", "--cflags", "--libs", "--static", "aklint", env=env).split()


def test_installed_program_runs(prefix):
    assert tools.run(prefix / "bin/aklint", "--version").startswith("aklint ")
    assert (prefix / "share/man/man1/aklint.1").exists()


@pytest.mark.parametrize("compiler", [("cc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror"),
                                      ("c++", "-x", "c++", "-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror")],
                         ids=["c", "c++"])
def test_example_compiles_against_the_installed_header(prefix, tmp_path, compiler):
    source = ROOT / "examples/c_api/check.c"
    tools.run(*compiler, "-c", source, *[f for f in flags(prefix) if f.startswith("-I")], "-o", tmp_path / "check.o")
    tools.run(compiler[0], tmp_path / "check.o", *flags(prefix), "-o", tmp_path / "check")
    assert FOUND in tools.run(tmp_path / "check")


def test_cmake_finds_the_package(prefix, tmp_path):
    tools.run("cmake", "-G", "Ninja", "-S", ROOT / "examples/c_api", "-B", tmp_path, f"-DCMAKE_PREFIX_PATH={prefix}")
    tools.run("ninja", "-C", tmp_path)
    assert FOUND in tools.run(tmp_path / "check")


def test_header_stands_alone(prefix, tmp_path):
    (tmp_path / "only.c").write_text("#include <aklint.h>\nint main(void) { return ak_version()[0] == 0; }\n")
    tools.run("cc", tmp_path / "only.c", *flags(prefix), "-o", tmp_path / "only")
    assert os.access(tmp_path / "only", os.X_OK)
    tools.run(tmp_path / "only")


def test_the_readme_installs_from_source(tmp_path):
    """In this tree's own build/, as README.md says."""
    run_blocks(tmp_path, ["source"], 0, cwd=ROOT, timeout=900)
    for program in ("ak", "aklint"):
        assert tools.run(tmp_path / "home/.local/bin" / program, "--version").startswith(program + " ")
