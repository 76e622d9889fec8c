"""What a user types, and what the program answers when it makes no sense."""
import json
import re

import pytest

from cli_project import CLEAN, CLOCK, CLOCK_LINE, found, write
from conftest import ROOT, aklint


@pytest.mark.parametrize("args, sentence", [
    (["--formt", "json"], "unknown option --formt; did you mean --format?"),
    (["--format", "jsn"], "no format is called 'jsn'; did you mean json?"),
    (["chekc"], "did you mean `aklint check`?"),
    (["help", "exlpain"], "did you mean explain?"),
    (["--select", "AK30l"], "no rule is called 'AK30l'; did you mean AK301"),
    (["--fail-on", "off"], "--fail-on is error, warning or note"),
    (["--dialect", "cadence"], "--dialect is ak, autokitteh or temporal"),
    (["--color", "blue"], "--color is auto, always or never"),
    (["--entry", "flow.py"], "--entry takes file.py:function"),
    (["--entry", "gone.py:main"], "there is no such file"),
    (["--max-bytes", "many"], "--max-bytes takes a number"),
    (["--format"], "--format needs a value"),
    (["--quiet=1"], "--quiet takes no value"),
    (["rules", "--fix"], "`aklint rules` takes no --fix"),
    (["--fix", "--diff"], "contradict each other"),
    (["--config", "a.toml", "--isolated"], "contradict each other"),
    (["--add-allow"], "--add-allow wants a --reason"),
    (["--update-baseline"], "which baseline?"),
    (["--baseline", "gone.json"], "gone.json: No such file or directory"),
    (["--output", "sarif"], "--output takes FORMAT=FILE"),
    (["explain", "AK999"], "no rule is called 'AK999'"),
    (["-z"], "unknown option -z"),
])
def test_nonsense_is_2_and_a_sentence(tmp_path, args, sentence):
    write(tmp_path, {"flow.py": CLEAN})
    done = aklint(*args, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr and done.stderr.count("\n") == 1


def test_exit_codes(tmp_path):
    write(tmp_path, {"bad/flow.py": CLOCK, "good/flow.py": CLEAN})
    assert aklint("good", cwd=tmp_path).returncode == 0
    assert aklint("bad", cwd=tmp_path).returncode == 1
    assert aklint("bad", "--exit-zero", cwd=tmp_path).returncode == 0
    assert aklint("bad", "gone", cwd=tmp_path).returncode == 2
    assert aklint("bad", "gone", "--exit-zero", cwd=tmp_path).returncode == 2


def test_a_first_word_that_is_a_command_is_the_command(tmp_path):
    write(tmp_path, {"rules/flow.py": CLOCK})
    assert "AK301" in aklint("rules", cwd=tmp_path).stdout and aklint("rules", cwd=tmp_path).returncode == 0
    assert aklint("check", "rules", cwd=tmp_path).returncode == 1
    assert aklint("./rules", cwd=tmp_path).returncode == 1
    assert aklint("--", "rules", cwd=tmp_path).returncode == 1


def test_no_path_is_this_folder(tmp_path):
    write(tmp_path, {"flow.py": CLOCK})
    assert [f["code"] for f in found(cwd=tmp_path)[0]] == ["AK301"]


def test_select_and_ignore(tmp_path):
    write(tmp_path, {"flow.py": CLOCK})
    for args, codes in [(["--select", "AK3"], ["AK301"]), (["--select", "AK0,AK302"], []), (["--ignore", "wall-clock"], []),
                        (["--select", "AK301", "--ignore", "AK3"], ["AK301"]), (["--ignore", "ALL"], [])]:
        assert [f["code"] for f in found(*args, cwd=tmp_path)[0]] == codes, args


def test_rules_and_explain_agree(tmp_path):
    rules = json.loads(aklint("rules", "--format", "json").stdout)
    assert [r["code"] for r in rules] == sorted(r["code"] for r in rules)
    page = aklint("explain", "--all").stdout
    for rule in rules:
        section = aklint("explain", rule["code"]).stdout
        assert section == aklint("explain", rule["name"]).stdout
        assert section in page
        assert rule["why"] in section and rule["name"] in section


def test_each_option_is_told_and_tested():
    page = (ROOT / "docs/cli.md").read_text()
    tests = "".join(path.read_text() for path in sorted((ROOT / "tests/e2e").glob("test_*.py")))
    options = set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", aklint("help", "check").stdout, re.M))
    assert len(options) > 30
    for option in sorted(options):
        assert re.search(f"`[^`]*{option}(?![a-z-])", page), option
        assert re.search(f"{option}(?![a-z-])", tests), option


def test_jobs_do_not_change_what_is_found(tmp_path):
    write(tmp_path, {f"m{i}/flow.py": CLOCK for i in range(20)})
    one, _ = found("--jobs", "1", "--no-cache", cwd=tmp_path)
    assert len(one) == 20 and found("-j", "8", "--no-cache", cwd=tmp_path)[0] == one
    assert aklint("--jobs", "all", cwd=tmp_path).returncode == 2


def test_help_and_version():
    assert "Usage: aklint" in aklint("--help").stdout
    assert aklint("help").stdout == aklint("--help").stdout
    assert "--changed-since" in aklint("help", "check").stdout
    assert aklint("explain", "--help").stdout == aklint("help", "explain").stdout
    assert aklint("--version").stdout == aklint("version").stdout
    for args in (["--help"], ["help", "check"], ["--version"]):
        assert aklint(*args).returncode == 0


def test_a_full_disk_for_the_output_is_2(tmp_path):
    write(tmp_path, {"flow.py": CLOCK})
    done = aklint("--output", "json=/dev/full", cwd=tmp_path)
    assert done.returncode == 2 and "cannot be written" in done.stderr


def test_explain_of_a_line_shows_the_finding_and_its_rule(tmp_path):
    write(tmp_path, {"flow.py": CLOCK})
    done = aklint("explain", f"flow.py:{CLOCK_LINE}", cwd=tmp_path)
    assert done.returncode == 0
    assert f"flow.py:{CLOCK_LINE}:" in done.stdout and aklint("explain", "AK301").stdout in done.stdout
    assert aklint("explain", f"flow.py:{CLOCK_LINE}:5", cwd=tmp_path).stdout == done.stdout
    assert "Nothing is found at flow.py:1" in aklint("explain", "flow.py:1", cwd=tmp_path).stdout
    assert aklint("explain", "gone.py:1", cwd=tmp_path).returncode == 2
