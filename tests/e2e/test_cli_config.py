"""Settings: where they are found, what they do, what is said of mistakes in them."""
import json
import pathlib

import pytest

from cli_project import CLEAN, CLOCK, found, write
from conftest import aklint

ROOT = pathlib.Path(__file__).resolve().parents[2]


def codes(cwd, *args):
    findings, _ = found(*args, cwd=cwd)
    return [(pathlib.Path(f["filename"]).relative_to(cwd).as_posix(), f["code"], f["level"]) for f in findings]


def settings(cwd, *args):
    done = aklint("config", *args, cwd=cwd)
    lines = [line.split(" = ", 1) for line in done.stdout.splitlines() if not line.startswith("#")]
    return {key: value.rsplit("  # ", 1) for key, value in lines}


@pytest.mark.parametrize("name, head", [("aklint.toml", ""), (".aklint.toml", ""), ("pyproject.toml", "[tool.aklint]\n"),
                                        ("pyproject.toml", "[project]\nname = 'x'\n[tool]\naklint.x = 1\n")])
def test_settings_are_found(tmp_path, name, head):
    if "aklint.x" in head:
        head = head.replace("aklint.x = 1", "[tool.aklint]").replace("[tool]\n", "")
    write(tmp_path, {"sub/flow.py": CLOCK, name: head + 'ignore = ["AK301"]\n'})
    assert codes(tmp_path) == []
    assert codes(tmp_path, "sub/flow.py") == []
    assert codes(tmp_path, "--isolated") == [("sub/flow.py", "AK301", "error")]


def test_the_nearest_file_holds_alone(tmp_path):
    write(tmp_path, {"aklint.toml": 'ignore = ["AK301"]\n', "a/flow.py": CLOCK, "b/flow.py": CLOCK, "b/aklint.toml": "",
                     "c/flow.py": CLOCK, "c/pyproject.toml": "[project]\nname = 'no word of us'\n"})
    assert codes(tmp_path) == [("b/flow.py", "AK301", "error")]


def test_extend_goes_first_and_is_overridden_by_key(tmp_path):
    write(tmp_path, {"base.toml": 'ignore = ["AK301"]\nfail-on = "warning"\n', "flow.py": CLOCK,
                     "aklint.toml": 'levels = { AK301 = "warning" }\nextend = "base.toml"\n'})
    assert codes(tmp_path) == []
    write(tmp_path, {"aklint.toml": 'extend = "base.toml"\nlevels = { AK301 = "warning" }\nignore = []\n'})
    done = aklint(cwd=tmp_path)
    assert "warning AK301" in done.stdout and done.returncode == 1


def test_select_ignore_and_what_is_more_exact(tmp_path):
    write(tmp_path, {"flow.py": CLOCK})
    for text, expected in [('select = ["AK1"]', 0), ('select = ["AK3"]', 1), ('ignore = ["AK3"]', 0),
                           ('select = ["AK301"]\nignore = ["AK3"]', 1), ('select = ["AK3"]\nignore = ["wall-clock"]', 0),
                           ('select = ["ALL"]', 1), ('select = []', 0)]:
        if "AK1" in text and "AK101" not in aklint("rules").stdout:
            continue
        write(tmp_path, {"aklint.toml": text + "\n"})
        assert len(codes(tmp_path)) == expected, text
    assert len(codes(tmp_path, "--select", "AK301")) == 1


def test_levels_and_per_file_ignores(tmp_path):
    write(tmp_path, {"a/flow.py": CLOCK, "b/flow.py": CLOCK, "b/deep/flow.py": CLOCK, "aklint.toml":
                     'levels = { AK3 = "warning" }\n[per-file-ignores]\n"b/**" = ["AK301"]\n'})
    assert codes(tmp_path) == [("a/flow.py", "AK301", "warning")]


def test_level_off_is_silent(tmp_path):
    write(tmp_path, {"flow.py": CLOCK, "aklint.toml": 'levels = { wall-clock = "off" }\n'})
    assert codes(tmp_path) == []


def test_exclude_holds_from_the_file_that_says_it(tmp_path):
    write(tmp_path, {"aklint.toml": 'exclude = ["old"]\nextend-exclude = ["/x.py", "*_test.py"]\n', "old/a.py": CLOCK,
                     "sub/old/a.py": CLOCK, "x.py": CLOCK, "sub/x.py": CLOCK, "a_test.py": CLOCK})
    assert codes(tmp_path) == [("sub/x.py", "AK301", "error")]
    assert codes(tmp_path / "sub") == [("x.py", "AK301", "error")]


def test_fail_on(tmp_path):
    write(tmp_path, {"flow.py": CLOCK, "aklint.toml": 'fail-on = "warning"\nlevels = { AK301 = "warning" }\n'})
    assert aklint(cwd=tmp_path).returncode == 1
    assert aklint("--fail-on", "error", cwd=tmp_path).returncode == 0


MISTAKES = [
    ('selct = ["AK3"]', 1, 1, "unknown key 'selct'; did you mean 'select'?"),
    ('select = ["AK3O1"]', 1, 11, "no rule is called 'AK3O1'; did you mean AK301"),
    ("select = 3", 1, 10, "select takes a list of strings"),
    ('ignore = ["AK301", 7]', 1, 20, "ignore takes strings only"),
    ('\nlevels = { AK301 = "eror" }', 2, 20, "a level is"),
    ('levels = "error"', 1, 10, "levels takes a table"),
    ('dialect = "temporl"', 1, 11, "did you mean 'temporal'?"),
    ('entry-points = ["flow.py"]', 1, 17, "'flow.py' is no entry point"),
    ('fail-on = "off"', 1, 11, "fail-on is"),
    ("max-bytes = -1", 1, 13, "max-bytes takes a number"),
    ("python = 3", 1, 10, "python takes a string"),
    ('extend = "gone.toml"', 1, 10, "'gone.toml' cannot be extended"),
    ("select = [", 1, 10, "'[' is never closed"),
    ('ok = 1\nselect = ["AK3", 7', 2, 10, "'[' is never closed"),
    ('select = [AK3]', 1, 11, "text stands in quotes"),
    ('select = "AK3', 1, 10, "this string is never closed"),
    ('\n\nselect = ', 3, 10, "a value is missing"),
    ('select "AK3"', 1, 8, "'=' is missing"),
    ('select = ["AK3" "AK1"]', 1, 17, "',' or ']' is missing"),
    ('select = ["AK3"] ["AK1"]', 1, 18, "nothing may follow"),
    ('fail-on = "error"\n[levels\nAK301 = "off"', 2, 1, "']' is missing"),
    ('levels = { AK301 "off" }', 1, 18, "'=' is missing"),
    ('[calls]\n"mylib.now" = "clok"', 2, 15, "what a call does is not 'clok'; did you mean 'clock'?"),
    ('[calls]\nnow = "clock"', 2, 1, "'now' is no dotted name"),
    ('[contexts]\n"flow.py" = "workflw"', 2, 13, "a context is not 'workflw'; did you mean 'workflow'?"),
    ('[contexts]\n":run" = "workflow"', 2, 1, "':run' names no code"),
    ('contexts = "workflow"', 1, 12, "contexts takes a table"),
    ('[wrappers]\n"mylib.run" = "temporalio.workflow.execute_activty"', 2, 15,
     "did you mean 'temporalio.workflow.execute_activity'?"),
    ('[wrappers]\n"mylib.run" = "other.thing"', 2, 15, "there is no 'other.thing' to stand for"),
    ('[wrappers]\n"mylib.run" = 3', 2, 15, "what a wrapper stands for is a string"),
    ('budgets = { statments = 3 }', 1, 13, "unknown key 'statments'; did you mean 'statements'?"),
    ('budgets = { statements = 0 }', 1, 26, "statements takes a number above 0"),
    ('budgets = { statements = "3" }', 1, 26, "statements takes a number above 0"),
    ("max-bytes = 99999999999999999999999", 1, 13, "max-bytes takes a number"),
    ('a = 1\nselect = "AK3"\nselect = "AK1"', 3, 1, "'select' is here twice"),
    ('[per-file-ignores]\n"é.py" = "AK9x"', 2, 10, "no rule is called 'AK9x'"),
]


@pytest.mark.parametrize("text, line, column, message", MISTAKES)
def test_a_mistake_has_a_place_and_is_2(tmp_path, text, line, column, message):
    write(tmp_path, {"flow.py": CLOCK, "aklint.toml": text + "\n"})
    findings, done = found(cwd=tmp_path)
    mistakes = [f for f in findings if f["code"] == "AK003"]
    assert done.returncode == 2
    assert any(message in f["message"] and f["location"] == {"row": line, "column": column} for f in mistakes), findings
    assert pathlib.Path(mistakes[0]["filename"]).name == "aklint.toml"
    shown = aklint("config", cwd=tmp_path)
    assert shown.returncode == 2 and f"aklint.toml:{line}:{column}: error AK003" in shown.stderr


def test_the_rest_is_checked_beside_a_mistake(tmp_path):
    write(tmp_path, {"flow.py": CLOCK, "aklint.toml": 'selct = "x"\n'})
    assert [c for _, c, _ in codes(tmp_path)] == ["AK003", "AK301"]


@pytest.mark.parametrize("keys, findings_, row, message", [(2_000, 101, 101, "more mistakes"), (100_000, 1, 10_001, "ten thousand keys")])
def test_mistakes_without_end_have_one(tmp_path, keys, findings_, row, message):
    write(tmp_path, {"flow.py": CLEAN, "aklint.toml": "".join(f"k{i} = 1\n" for i in range(keys))})
    findings, done = found(cwd=tmp_path)
    assert done.returncode == 2 and len(findings) == findings_
    assert message in findings[-1]["message"] and findings[-1]["location"]["row"] == row


def test_files_that_extend_each_other_end(tmp_path):
    write(tmp_path, {"flow.py": CLEAN, "aklint.toml": 'extend = "b.toml"\n', "b.toml": 'extend = "aklint.toml"\n'})
    findings, done = found(cwd=tmp_path)
    assert done.returncode == 2 and "extends itself" in findings[0]["message"]


def test_config_names_what_holds_and_where_it_was_said(tmp_path):
    write(tmp_path, {"pyproject.toml": '[tool.aklint]\nselect = ["AK3"]\n\nlevels = { AK301 = "warning" }\n', "sub/flow.py": ""})
    values = settings(tmp_path)
    assert values["select"] == ['["AK3"]', "pyproject.toml:2"]
    assert values["levels"] == ['{ AK301 = "warning" }', "pyproject.toml:4"]
    assert values["contexts"] == ["{}", "default"] and values["budgets"] == ["{}", "default"]
    assert values["ignore"] == ["[]", "default"]
    assert settings(tmp_path / "sub")["select"][0] == '["AK3"]'
    assert settings(tmp_path, "--isolated")["select"] == ['["ALL"]', "default"]


def test_what_config_prints_is_a_configuration(tmp_path):
    write(tmp_path, {"aklint.toml": 'select = ["AK3"]\nfail-on = "note"\n[per-file-ignores]\n"x \\" y" = ["AK301"]\n'
                     '[contexts]\n"a/**" = "workflow"\n"b.py:C.d" = "activity"\n[calls]\n"mylib.now" = "clock"\n'
                     '[wrappers]\n"mylib.run" = "temporalio.workflow.execute_activity"\n'
                     '[budgets]\nstatements = 7\nloop-statements = 2\n'})
    first = settings(tmp_path)
    text = "\n".join(f"{key} = {value}" for key, (value, _) in first.items() if value != '""')
    write(tmp_path, {"aklint.toml": text + "\n"})
    assert {k: v[0] for k, v in settings(tmp_path).items()} == {k: v[0] for k, v in first.items()}


def test_settings_of_the_command_line(tmp_path):
    write(tmp_path, {"flow.py": CLOCK, "ci.toml": 'ignore = ["AK301"]\n'})
    assert codes(tmp_path, "--config", "ci.toml") == []
    done = aklint("--config", "gone.toml", cwd=tmp_path)
    assert done.returncode == 2 and "gone.toml: No such file" in done.stderr


def test_a_manifest_that_is_no_yaml_is_a_finding_with_a_place(tmp_path):
    write(tmp_path, {"autokitteh.yaml": "version: v1\nproject:\n  name: é\n  triggers: [\n", "flow.py": CLOCK})
    findings, done = found(cwd=tmp_path)
    broken = [f for f in findings if f["code"] == "AK003"]
    assert done.returncode == 1 and len(broken) == 1
    assert pathlib.Path(broken[0]["filename"]).name == "autokitteh.yaml" and broken[0]["location"]["row"] >= 4
    assert any(f["code"] == "AK301" for f in findings)


def test_aliases_that_unfold_to_too_much_are_refused(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    write(tmp_path, {"autokitteh.yaml": "\n".join(lines) + "\n", "flow.py": CLEAN})
    findings, done = found(cwd=tmp_path, timeout=20)
    assert "unfold to too much" in findings[0]["message"] and done.returncode == 1


def test_the_schema_knows_the_keys(tmp_path):
    schema = json.loads((ROOT / "docs" / "aklint.schema.json").read_text())
    write(tmp_path, {"flow.py": ""})
    assert set(schema["properties"]) == {*settings(tmp_path), "extend"}


def test_contexts_give_code_a_context(tmp_path):
    """Neither file names a framework, and nothing calls their functions."""
    clock = "import time\n\n\ndef total():\n    return time.time()\n\n\nclass Price:\n    def now(self):\n        return time.time()\n"
    write(tmp_path, {"pricing/total.py": clock, "other.py": clock})
    assert codes(tmp_path) == []
    write(tmp_path, {"aklint.toml": '[contexts]\n"pricing/**" = "workflow"\n'})
    assert codes(tmp_path) == [("pricing/total.py", "AK301", "error")] * 2
    write(tmp_path, {"aklint.toml": '[contexts]\n"other.py:Price.now" = "workflow"\n'})
    assert [(f["location"]["row"], f["trail"][0]["message"]) for f in found(cwd=tmp_path)[0]] == [
        (10, "workflow Price.now (settings)")]
    write(tmp_path, {"aklint.toml": '[contexts]\n"pricing/**" = "activity"\n'})
    assert codes(tmp_path) == []
    write(tmp_path, {"aklint.toml": '[contexts]\n"*.py" = "query"\n'})
    assert {file for file, _, _ in codes(tmp_path)} == {"pricing/total.py", "other.py"}


def test_wrappers_stand_for_a_frameworks_names(tmp_path):
    """A company's package that nobody shows to the checker: its decorator and its way to run activities."""
    flow = """\
import time
from datetime import timedelta

from company import durable


@durable.workflow
class Order:
    @durable.main
    async def run(self) -> float:
        await durable.step("charge", start_to_close_timeout=timedelta(seconds=1))
        await durable.step("ship")
        return time.time()
"""
    write(tmp_path, {"flow.py": flow})
    assert codes(tmp_path) == []
    write(tmp_path, {"aklint.toml": '[wrappers]\n"company.durable.workflow" = "temporalio.workflow.defn"\n'
                     '"company.durable.main" = "temporalio.workflow.run"\n'
                     '"company.durable.step" = "temporalio.workflow.execute_activity"\n'})
    assert [(f["code"], f["location"]["row"]) for f in found(cwd=tmp_path)[0] if f["level"] == "error"] == [("AK401", 12), ("AK301", 13)]


def test_budgets_bound_what_a_workflow_computes(tmp_path):
    body = "".join(f"        x{i} = {i}\n" for i in range(12))
    write(tmp_path, {"flow.py": CLEAN.replace("        return 1.0\n", body + "        return 1.0\n")})
    def notes():
        return [f["code"] for f in found("--show", "notes", "--select", "AK512", cwd=tmp_path)[0]]
    assert notes() == []
    write(tmp_path, {"aklint.toml": "budgets = { statements = 10 }\n"})
    assert notes() == ["AK512"]
    write(tmp_path, {"aklint.toml": "budgets = { statements = 12 }\n"})
    assert notes() == []
    loop = "        for i in range(3):\n            a = i\n            b = a\n            c = b\n"
    write(tmp_path, {"flow.py": CLEAN.replace("        return 1.0\n", loop + "        return 1.0\n")})
    assert notes() == []
    write(tmp_path, {"aklint.toml": "budgets = { loop-statements = 2 }\n"})
    assert notes() == ["AK512"]


def test_the_schema_has_the_checkers_words(tmp_path):
    """A word that is missing in the schema would be marked as wrong by an editor, and the other way round."""
    properties = json.loads((ROOT / "docs" / "aklint.schema.json").read_text())["properties"]
    write(tmp_path, {"aklint.toml": '[calls]\n"a.b" = "?"\n[contexts]\n"a" = "?"\n'})
    said = found(cwd=tmp_path)[1].stdout + aklint("config", cwd=tmp_path).stderr
    for key in ("calls", "contexts"):
        assert ", ".join(f'"{word}"' for word in properties[key]["additionalProperties"]["enum"]) in said


def installed(root, files):
    """A virtual environment in outline: an interpreter that names its packages' folder."""
    site = root / ".venv/lib/python3/site-packages"
    write(site, files)
    python = root / ".venv/bin/python"
    write(root, {".venv/pyvenv.cfg": "", ".venv/bin/python": f"#!/bin/sh\necho {site}\n"})
    python.chmod(0o755)


def test_a_package_is_followed_and_not_judged(tmp_path):
    """What the package calls of ours runs in the workflow; the package's own clock is shown where we call it."""
    installed(tmp_path, {"mylib/__init__.py": "import time\n\n\ndef apply(job):\n    time.time()\n    return job()\n"})
    flow = CLOCK.replace("time.time()", "mylib.apply(stamp)").replace("import time\n", "import mylib\nfrom helper import stamp\n")
    write(tmp_path, {"flow.py": flow, "helper.py": "import time\n\n\ndef stamp():\n    return time.time()\n",
                     "aklint.toml": 'follow-packages = ["mylib"]\n'})
    findings, done = found(cwd=tmp_path, env={"VIRTUAL_ENV": ""})
    assert [pathlib.Path(f["filename"]).name for f in findings] == ["flow.py", "helper.py"], done.stderr
    assert found("--isolated", cwd=tmp_path, env={"VIRTUAL_ENV": ""})[0] == []


def test_a_package_that_is_not_installed_is_a_line(tmp_path):
    installed(tmp_path, {"mylib/__init__.py": ""})
    write(tmp_path, {"flow.py": CLEAN, "aklint.toml": 'follow-packages = ["myllib"]\n'})
    done = aklint(cwd=tmp_path, env={"VIRTUAL_ENV": ""})
    assert done.returncode == 0 and "'myllib' is not installed" in done.stderr


def test_mistakes_in_settings_that_do_not_hold_are_silent(tmp_path):
    write(tmp_path, {"pyproject.toml": "", "a/flow.py": CLEAN, "b/flow.py": CLEAN, "b/aklint.toml": "selct = 1\n"})
    assert aklint("a", cwd=tmp_path).returncode == 0
    assert aklint("a/flow.py", cwd=tmp_path).returncode == 0
    assert aklint("b", cwd=tmp_path).returncode == 2
