"""A baseline hides what is known, shrinks, and grows only when asked."""
import json

import pytest

from cli_project import CLEAN, CLOCK, TWO, found, write
from conftest import aklint


def entries(root):
    return json.loads((root / "known.json").read_text())["findings"]


def test_what_is_known_is_hidden_also_when_it_moves(tmp_path):
    write(tmp_path, {"flow.py": CLOCK})
    done = aklint("--baseline", "known.json", "--update-baseline", cwd=tmp_path)
    assert done.returncode == 0 and "1 in the baseline" in done.stdout
    assert [(e["code"], e["path"], e["count"]) for e in entries(tmp_path)] == [("AK301", "flow.py", 1)]
    write(tmp_path, {"flow.py": "# moved\n\n" + CLOCK})
    assert aklint("--baseline", "known.json", cwd=tmp_path).returncode == 0
    assert found("--baseline", "known.json", cwd=tmp_path)[0] == []


def test_a_further_finding_is_new_and_the_baseline_does_not_grow(tmp_path):
    write(tmp_path, {"flow.py": CLOCK})
    aklint("--baseline", "known.json", "--update-baseline", cwd=tmp_path)
    write(tmp_path, {"flow.py": TWO})
    for args in ([], ["--update-baseline"]):
        findings, done = found("--baseline", "known.json", *args, cwd=tmp_path)
        assert done.returncode == 1 and len(findings) == 1
    assert sum(e["count"] for e in entries(tmp_path)) == 1
    assert aklint("--baseline", "known.json", "--grow-baseline", cwd=tmp_path).returncode == 0
    assert sum(e["count"] for e in entries(tmp_path)) == 2


def test_stale_entries_are_named_and_taken_out(tmp_path):
    write(tmp_path, {"flow.py": CLOCK, "b.py": CLOCK})
    aklint("--baseline", "known.json", "--update-baseline", cwd=tmp_path)
    write(tmp_path, {"flow.py": CLEAN})
    (tmp_path / "b.py").unlink()
    done = aklint("--baseline", "known.json", cwd=tmp_path)
    assert done.returncode == 0 and done.stderr.count("stale") == 2
    assert aklint("--baseline", "known.json", "--update-baseline", cwd=tmp_path).returncode == 0
    assert entries(tmp_path) == []


def test_what_was_not_checked_is_not_stale(tmp_path):
    write(tmp_path, {"flow.py": CLOCK, "b.py": CLOCK})
    aklint("--baseline", "known.json", "--update-baseline", cwd=tmp_path)
    for args in (["b.py"], ["--select", "AK302"]):
        done = aklint("--baseline", "known.json", "--update-baseline", *args, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert len(entries(tmp_path)) == 2


def test_the_settings_may_name_it(tmp_path):
    write(tmp_path, {"flow.py": CLOCK, "aklint.toml": 'baseline = "known.json"\n'})
    assert aklint(cwd=tmp_path).returncode == 2
    assert aklint("--update-baseline", cwd=tmp_path).returncode == 0
    assert aklint(cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("text", ["", "[]", "{", '{"version": 2, "findings": []}', '{"version": 1, "findings": [{}]}'])
def test_a_broken_baseline_is_2(tmp_path, text):
    write(tmp_path, {"flow.py": CLEAN, "known.json": text})
    done = aklint("--baseline", "known.json", "--update-baseline", cwd=tmp_path)
    assert done.returncode == 2 and "known.json" in done.stderr
    assert (tmp_path / "known.json").read_text() == text
