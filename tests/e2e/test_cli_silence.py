"""Comments that silence: where they hold, which are left over, and what a project may demand of them."""
import subprocess

import pytest

from cli_project import CLEAN, CLOCK, CLOCK_LINE, found, write
from conftest import aklint, program

ALLOW = "# aklint: allow AK301 -- measured outside"
LINE = "        return time.time()"


def codes(root, *args):
    return [(f["code"], f["location"]["row"]) for f in found(*args, cwd=root)[0]]


@pytest.mark.parametrize("text", [
    CLOCK.replace(LINE, f"{LINE}  {ALLOW}"),
    CLOCK.replace(LINE, f"        {ALLOW}\n{LINE}"),
    CLOCK.replace("-> float:", f"-> float:  {ALLOW}"),
    CLOCK.replace("    @workflow.run", f"    {ALLOW}\n    @workflow.run"),
    CLOCK.replace("class Order:", f"class Order:  {ALLOW}"),
    CLOCK.replace(LINE, f"        if True:  {ALLOW}\n            return time.time()"),
    f"{ALLOW}\n{CLOCK}",
    CLOCK.replace(LINE, f"{LINE}  # noqa: AK301"),
    CLOCK.replace(LINE, f"{LINE}  # aklint: allow wall-clock"),
], ids=["line", "above", "function", "above-function", "class", "block", "file", "noqa", "name"])
def test_where_a_comment_stands(tmp_path, text):
    write(tmp_path, {"flow.py": text})
    assert codes(tmp_path) == []
    assert aklint(cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("comment", ["# noqa", "# aklint: allow AK302 -- another", "# aklint: AK301"])
def test_what_silences_nothing(tmp_path, comment):
    write(tmp_path, {"flow.py": CLOCK.replace(LINE, f"{LINE}  {comment}")})
    assert ("AK301", CLOCK_LINE) in codes(tmp_path)


def test_what_is_left_over_is_found_and_removed(tmp_path):
    left = CLEAN.replace("return 1.0", f"return 1.0  {ALLOW}").replace("    @workflow.run\n", f"    {ALLOW}\n    @workflow.run\n")
    write(tmp_path, {"flow.py": left})
    assert codes(tmp_path) == [("AK002", 8), ("AK002", 11)]
    assert aklint(cwd=tmp_path).returncode == 0, "a warning"
    assert aklint("--fix", cwd=tmp_path).returncode == 0
    assert (tmp_path / "flow.py").read_text() == CLEAN


@pytest.mark.parametrize("comment, message", [("# aklint: allow AK301, AK302 -- two", "silences nothing of AK302"),
                                              ("# aklint: allow", "names no rule")])
def test_a_comment_that_says_more_is_left_to_people(tmp_path, comment, message):
    text = CLOCK.replace(LINE, f"{LINE}  {comment}")
    write(tmp_path, {"flow.py": text})
    findings, _ = found("--select", "AK002", cwd=tmp_path)
    assert [message in f["message"] for f in findings] == [True] and findings[0]["fix"] is None
    aklint("--fix", "--select", "AK002", cwd=tmp_path)
    assert (tmp_path / "flow.py").read_text() == text


def test_rules_that_settings_leave_out_are_not_held_against_a_comment(tmp_path):
    write(tmp_path, {"flow.py": CLOCK.replace(LINE, f"{LINE}  {ALLOW}"), "aklint.toml": 'ignore = ["AK301"]\n'})
    assert codes(tmp_path) == [] and codes(tmp_path, "--select", "AK002") == []


def test_nothing_is_left_over_while_a_file_is_broken(tmp_path):
    write(tmp_path, {"flow.py": CLEAN.replace("return 1.0", f"return 1.0  {ALLOW}") + "\n\ndef broken(:\n"})
    assert {code for code, _ in codes(tmp_path)} == {"AK001"}


@pytest.mark.parametrize("settings", ['levels = { AK004 = "error" }\n', 'select = ["ALL", "AK004"]\n', 'select = ["ALL", "allow-without-reason"]\n'])
def test_a_reason_may_be_demanded(tmp_path, settings):
    write(tmp_path, {"flow.py": CLOCK.replace(LINE, f"{LINE}  # aklint: allow AK301")})
    assert codes(tmp_path) == []
    write(tmp_path, {"aklint.toml": settings})
    assert codes(tmp_path) == [("AK004", CLOCK_LINE)] and aklint(cwd=tmp_path).returncode == 1
    write(tmp_path, {"flow.py": CLOCK.replace(LINE, f"{LINE}  # aklint: allow AK301 --  ")})
    assert codes(tmp_path) == [("AK004", CLOCK_LINE)]
    write(tmp_path, {"flow.py": CLOCK.replace(LINE, f"{LINE}  {ALLOW}")})
    assert codes(tmp_path) == [] and aklint(cwd=tmp_path).returncode == 0


def test_comments_are_not_silenced_by_comments(tmp_path):
    write(tmp_path, {"flow.py": CLOCK.replace(LINE, f"{LINE}  # aklint: allow AK301"), "aklint.toml": 'levels = { AK004 = "error" }\n'})
    before = (tmp_path / "flow.py").read_text()
    aklint("--add-allow", "--reason", "so it is", cwd=tmp_path)
    assert (tmp_path / "flow.py").read_text() == before and codes(tmp_path) == [("AK004", CLOCK_LINE)]


def test_a_reason_with_several_rules_on_one_line(tmp_path):
    write(tmp_path, {"flow.py": CLOCK.replace("import time\n", "import random\nimport time\n").replace(
        "time.time()", "time.time() + random.random()")})
    assert aklint("--add-allow", "--reason", "a game", cwd=tmp_path).returncode == 0
    assert "# aklint: allow AK301, AK302 -- a game\n" in (tmp_path / "flow.py").read_text()
    subprocess.run([program("aklint")], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    assert codes(tmp_path) == []
