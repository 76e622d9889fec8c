"""Text for people, JSON for programs."""
import json
import pathlib

import pytest

from cli_project import CLEAN, CLOCK, CLOCK_LINE, TWO, found, write
from conftest import aklint

FIELDS = {"cell", "code", "name", "message", "severity", "level", "proved", "dialect", "context", "filename", "location",
          "end_location", "noqa_row", "url", "fix", "trail", "fingerprint"}


def frame(text):
    """The lines of the first code frame behind its gutter."""
    return [line.split(" |", 1)[1] for line in text.splitlines() if " |" in line]


@pytest.mark.parametrize("indented", ["        ", "\t\t", "        w = 'é'; ", "        w = '漢字'; ", "        w = 'e\u0301'; "])
def test_carets_stand_under_the_call(tmp_path, indented):
    source = CLOCK.replace("    ", "\t") if indented == "\t\t" else CLOCK
    write(tmp_path, {"flow.py": source.replace("        return time.time()", f"{indented}return time.time()")})
    lines = frame(aklint(cwd=tmp_path).stdout)
    code, carets = next((a, b) for a, b in zip(lines, lines[1:]) if "^" in b)
    cells = 0
    for c in code[:code.index("time.time")]:
        cells += 2 if c in "漢字" else 0 if c == "\u0301" else 1
    assert "\t" not in code
    assert carets.index("^") == cells


def test_text_has_place_rule_message_advice_and_a_summary(tmp_path):
    write(tmp_path, {"flow.py": CLOCK})
    out = aklint(cwd=tmp_path).stdout
    assert out.startswith(f"flow.py:{CLOCK_LINE}:")
    assert "error AK301 wall-clock" in out and "advice:" in out and "Found 1 error" in out
    assert f"{CLOCK_LINE - 1} |" in out and f"{CLOCK_LINE} |" in out


def test_all_clear(tmp_path):
    write(tmp_path, {"flow.py": CLEAN})
    done = aklint("--ignore", "AK703", cwd=tmp_path)
    assert done.stdout.startswith("All clear: 1 file checked") and done.returncode == 0
    assert aklint("--quiet", cwd=tmp_path).stdout == ""


def test_a_line_of_ten_megabytes_is_cut(tmp_path):
    write(tmp_path, {"flow.py": CLOCK.replace("return time.time()", "return time.time()" + " + 1" * 500_000)})
    assert len(aklint(cwd=tmp_path).stdout) < 2000


def test_colour_only_where_it_is_wanted(tmp_path):
    write(tmp_path, {"flow.py": CLOCK})
    assert "\x1b[" not in aklint(cwd=tmp_path, env={"NO_COLOR": "", "FORCE_COLOR": ""}).stdout
    assert "\x1b[" in aklint("--color", "always", cwd=tmp_path, env={"NO_COLOR": "1"}).stdout
    assert "\x1b[" in aklint(cwd=tmp_path, env={"FORCE_COLOR": "1", "NO_COLOR": ""}).stdout
    assert "\x1b[" not in aklint(cwd=tmp_path, env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).stdout
    assert "\x1b[" not in aklint("--color", "always", "--format", "json", cwd=tmp_path).stdout


def test_control_characters_of_a_source_do_not_reach_the_terminal(tmp_path):
    write(tmp_path, {"flow.py": CLOCK.replace("return time.time()", "return time.time()  # \x1b[2J\u202e")})
    out = aklint(cwd=tmp_path).stdout
    assert "\x1b" not in out and "\u202e" not in out


def test_json_has_the_fields_of_the_contract(tmp_path):
    write(tmp_path, {"b.py": CLOCK, "a.py": TWO})
    findings, done = found(cwd=tmp_path)
    assert done.returncode == 1
    places = [(f["filename"], f["location"]["row"]) for f in findings]
    assert places == sorted(places) and len(places) == 3
    for f in findings:
        assert set(f) == FIELDS
        assert (f["level"], f["severity"], f["cell"], f["dialect"]) == ("error", "error", None, "temporal")
        assert pathlib.Path(f["filename"]).is_absolute()
        assert (f["end_location"]["row"], f["end_location"]["column"]) > (f["location"]["row"], f["location"]["column"])
        assert set(f["location"]) == {"row", "column"} == set(f["end_location"])
        assert len(f["fingerprint"]) == 16
        for step in f["trail"]:
            assert set(step) == {"filename", "location", "message"}
        assert set(f["fix"]) == {"applicability", "message", "edits"}
        for edit in f["fix"]["edits"]:
            assert set(edit) == {"content", "location", "end_location"}


def test_json_of_nothing_is_an_empty_array(tmp_path):
    write(tmp_path, {"flow.py": CLEAN})
    assert json.loads(aklint("--output-format=json", cwd=tmp_path).stdout) == []


def test_json_lines_is_one_object_a_line(tmp_path):
    write(tmp_path, {"flow.py": TWO})
    lines = aklint("--format", "json-lines", cwd=tmp_path).stdout.splitlines()
    assert [json.loads(line) for line in lines] == found(cwd=tmp_path)[0]


def test_notes_are_counted_and_shown_on_demand(tmp_path):
    write(tmp_path, {"flow.py": CLOCK, "aklint.toml": 'select = ["AK301"]\nlevels = { AK301 = "note" }\n'})
    done = aklint(cwd=tmp_path)
    assert done.returncode == 0 and "1 note hidden" in done.stdout and "AK301" not in done.stdout
    shown = aklint("--show", "notes", cwd=tmp_path)
    assert shown.returncode == 0 and "note AK301" in shown.stdout
    assert [f["severity"] for f in found("--show", "notes", cwd=tmp_path)[0]] == ["info"]
    assert aklint("--fail-on", "note", cwd=tmp_path).returncode == 1


def test_warnings_fail_only_on_demand(tmp_path):
    write(tmp_path, {"flow.py": CLOCK, "aklint.toml": 'levels = { wall-clock = "warning" }\n'})
    assert aklint(cwd=tmp_path).returncode == 0
    assert aklint("--fail-on", "warning", cwd=tmp_path).returncode == 1
    assert aklint("--max-warnings", "1", cwd=tmp_path).returncode == 0
    assert aklint("--max-warnings", "0", cwd=tmp_path).returncode == 1


def test_statistics(tmp_path):
    write(tmp_path, {"flow.py": TWO})
    assert aklint("--statistics", cwd=tmp_path).stdout.split()[:3] == ["2", "AK301", "wall-clock"]


def test_fingerprints_survive_moved_lines(tmp_path):
    write(tmp_path, {"flow.py": CLOCK})
    before = [f["fingerprint"] for f in found(cwd=tmp_path)[0]]
    write(tmp_path, {"flow.py": "# moved\n\n\n" + CLOCK})
    assert [f["fingerprint"] for f in found(cwd=tmp_path)[0]] == before
    assert [f["fingerprint"] for f in found("flow.py", cwd=tmp_path)[0]] == before
