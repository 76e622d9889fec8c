"""The project's interpreter as the referee of syntax."""
import os
import sys

import pytest

from cli_project import CLOCK, found, write
from conftest import aklint

BROKEN = CLOCK + "\n\ndef broken(:  # SYNTAX\n    pass\n"


def verdicts(root, **kwargs):
    return [(f["code"], f["level"], f["location"]["row"]) for f in found(cwd=root, **kwargs)[0] if f["code"] == "AK001"]


def stand_in(path, body):
    """An interpreter that leaves a mark that it was asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def test_what_cpython_refuses_is_an_error_at_its_line(tmp_path):
    write(tmp_path, {"flow.py": BROKEN})
    assert verdicts(tmp_path) == [("AK001", "error", BROKEN.splitlines().index("def broken(:  # SYNTAX") + 1)]


def test_without_an_interpreter_it_is_a_warning(tmp_path):
    write(tmp_path, {"flow.py": BROKEN, "aklint.toml": 'python = "nowhere/python"\n'})
    assert [v[:2] for v in verdicts(tmp_path)] == [("AK001", "warning")]
    done = aklint(cwd=tmp_path, env={"PATH": str(tmp_path), "VIRTUAL_ENV": ""})
    assert "AK001" in done.stdout


@pytest.mark.parametrize("where, env", [(".venv/bin/python", {}), ("venv/bin/python", {}), ("mine/bin/python", {"VIRTUAL_ENV": "mine"})])
def test_the_projects_own_interpreter_is_asked(tmp_path, where, env):
    write(tmp_path, {"flow.py": BROKEN, "pyproject.toml": ""})
    stand_in(tmp_path / where, f'touch {tmp_path}/asked\nexec {sys.executable} "$@"')
    env = {"VIRTUAL_ENV": "", **{k: str(tmp_path / v) for k, v in env.items()}}
    assert verdicts(tmp_path, env=env)[0][1] == "error"
    assert (tmp_path / "asked").exists()


@pytest.mark.parametrize("body", ["exit 3", "exec cat", "echo nonsense"])
def test_an_interpreter_that_makes_no_sense_is_none(tmp_path, body):
    write(tmp_path, {"flow.py": BROKEN, "aklint.toml": 'python = "bin/python"\n'})
    stand_in(tmp_path / "bin/python", body)
    assert [v[:2] for v in verdicts(tmp_path, timeout=20)] == [("AK001", "warning")]


def test_the_text_is_compiled_and_not_run(tmp_path):
    mark = tmp_path / "ran"
    write(tmp_path, {"flow.py": f"open({str(mark)!r}, 'w')\n" + BROKEN, "warnings.py": f"open({str(mark)!r}, 'w')\n",
                     "sitecustomize.py": f"open({str(mark)!r}, 'w')\n"})
    verdicts(tmp_path, env={"PYTHONPATH": str(tmp_path)})
    assert not mark.exists() and os.path.exists(tmp_path / "flow.py")
