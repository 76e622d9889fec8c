"""Every rule has a folder of fixtures: an example, near misses, and one case shaped after real code.

A case shaped after real code says so in its prose: "As seen in …", "As left behind by …". The numbers are printed.
"""
import json
import re

import pytest

from conftest import ROOT, aklint

FOLDERS = sorted(path for path in (ROOT / "tests" / "fixtures").iterdir() if re.fullmatch(r"AK\d{3}", path.name))


def prose(case):
    """What stands before the first file."""
    text = case.read_text(errors="replace")
    return "" if text.startswith("-- ") else text.partition("\n-- ")[0]


def cases(folder):
    return [case for case in folder.glob("*.txtar") if case.stem != "example"]


def test_each_rule_has_its_cases(capsys):
    rules = {rule["code"] for rule in json.loads(aklint("rules", "--format", "json").stdout)}
    near = [folder.name for folder in FOLDERS if not any("near_misses" in case.stem for case in cases(folder))]
    real = [folder.name for folder in FOLDERS if not any(re.search(r"^As ", prose(case), re.M) for case in cases(folder))]
    with capsys.disabled():
        print(f"\n{sum(1 + len(cases(folder)) for folder in FOLDERS)} fixtures of {len(FOLDERS)} rules; rules without a near miss: "
              f"{len(near)} {near}; without a real-code case: {len(real)} {real}")
    assert {folder.name for folder in FOLDERS} == rules
    assert all((folder / "example.txtar").is_file() for folder in FOLDERS)
    assert not near and not real


@pytest.mark.parametrize("case", sorted((ROOT / "tests" / "fixtures" / "AK003").glob("*.txtar")), ids=lambda case: case.stem)
def test_settings_are_what_the_fixture_says(case, tmp_path):
    for name, text in re.findall(r"^-- (\S+) --\n(.*?)(?=^-- |\Z)", case.read_text(), re.S | re.M):
        (tmp_path / "aklint.toml").write_text(text)
        expected = [(i, line.partition("# ")[2]) for i, line in enumerate(text.splitlines(), 1) if "# " in line]
        found = json.loads(aklint("--format", "json", cwd=tmp_path).stdout)
        told = [(f["location"]["row"], f["message"]) for f in found if f["code"] == "AK003"]
        assert len(told) == len(expected), (name, told)
        assert all(row == line and message.startswith(said) for (row, message), (line, said) in zip(told, expected)), (name, told)
