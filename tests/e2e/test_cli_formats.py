"""Formats for machines: valid by their schemas, and saying the same as JSON."""
import json
import pathlib
import re
import subprocess
import tarfile
import xml.etree.ElementTree

import pytest

from cli_project import CLEAN, CLOCK, TWO, found, write
from conftest import ROOT, aklint, unavailable

ODD = "a & <b>é%,:].py"


@pytest.fixture
def project(tmp_path):
    return write(tmp_path, {"flow.py": TWO, ODD: CLOCK, "sub/flow.py": CLOCK.replace("time.time()", "stamp()").replace(
        "import time\n", "from helper import stamp\n"), "helper.py": "import time\n\n\ndef stamp():\n    return time.time()\n"})


def printed(root, name):
    done = aklint("--format", name, cwd=root)
    assert done.returncode == 1, done.stderr
    return done.stdout


def sarif_schema():
    """The schema as the npm package @microsoft/jest-sarif brings it, kept below build/."""
    kept = ROOT / "build" / "sarif-2.1.0.json"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        try:
            subprocess.run(["npm", "pack", "--silent", "@microsoft/jest-sarif@1.0.0-beta.0"], cwd=kept.parent, check=True,
                           capture_output=True, timeout=60)
        except (OSError, subprocess.SubprocessError):
            unavailable("npm, or the package @microsoft/jest-sarif")
        archive = kept.parent / "microsoft-jest-sarif-1.0.0-beta.0.tgz"
        with tarfile.open(archive) as packed:
            kept.write_bytes(packed.extractfile("package/lib/schemas/sarif-2.1.0-rtm.5.json").read())
        archive.unlink()
    return json.loads(kept.read_text())


def validate(value, schema):
    try:
        import jsonschema
    except ImportError:
        unavailable("the Python package jsonschema")
    kind = jsonschema.validators.validator_for(schema)
    assert [e.message for e in kind(schema).iter_errors(value)] == []


def test_sarif_is_valid_and_says_how_a_finding_is_reached(project):
    log = json.loads(printed(project, "sarif"))
    validate(log, sarif_schema())
    run = log["runs"][0]
    findings, _ = found(cwd=project)
    assert [r["ruleId"] for r in run["results"]] == [f["code"] for f in findings]
    for result, finding in zip(run["results"], findings):
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["partialFingerprints"]["aklint/v1"] == finding["fingerprint"]
        assert len(result.get("relatedLocations", [])) == len(finding["trail"])
        assert bool(result.get("fixes")) == bool(finding["fix"])
        if finding["trail"]:
            steps = result["codeFlows"][0]["threadFlows"][0]["locations"]
            assert len(steps) == len(finding["trail"]) + 1
    assert all(rule["help"]["text"] for rule in run["tool"]["driver"]["rules"])


def test_sarif_of_nothing_is_valid(tmp_path):
    write(tmp_path, {"flow.py": CLEAN})
    validate(json.loads(aklint("--format", "sarif", cwd=tmp_path).stdout), sarif_schema())


def test_github(project):
    lines = printed(project, "github").splitlines()
    findings, _ = found(cwd=project)
    assert len(lines) == len(findings)
    for line, f in zip(lines, findings):
        assert line.startswith(f"::error title=aklint ({f['code']}),file=")
        assert f",line={f['location']['row']},col={f['location']['column']}," in line
        assert re.match(r"::error title=aklint \(AK\d+\),file=[^,:]*,line=\d+,col=\d+,endLine=\d+,endColumn=\d+::", line)


def test_gitlab_has_each_fingerprint_once(project):
    issues = json.loads(printed(project, "gitlab"))
    assert len({i["fingerprint"] for i in issues}) == len(issues) == len(found(cwd=project)[0])
    for issue in issues:
        assert set(issue) == {"check_name", "description", "severity", "fingerprint", "location"}
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert issue["location"]["positions"]["begin"]["line"] >= 1


def test_junit_is_xml_with_a_failure_for_each(project, tmp_path_factory):
    root = xml.etree.ElementTree.fromstring(printed(project, "junit"))
    findings, _ = found(cwd=project)
    assert len(root.findall("testsuite/testcase/failure")) == len(findings) == int(root.get("failures"))
    assert ODD in [suite.get("name") for suite in root.findall("testsuite")]
    clean = write(tmp_path_factory.mktemp("clean"), {"flow.py": CLEAN})
    root = xml.etree.ElementTree.fromstring(aklint("--format", "junit", cwd=clean).stdout)
    assert root.get("failures") == "0" and len(root.findall("testsuite/testcase")) == 1


def test_rdjson(project):
    report = json.loads(printed(project, "rdjson"))
    findings, _ = found(cwd=project)
    assert report["source"]["name"] == "aklint"
    assert [(d["code"]["value"], d["location"]["range"]["start"]["line"]) for d in report["diagnostics"]] == [
        (f["code"], f["location"]["row"]) for f in findings]


@pytest.mark.parametrize("name, pattern", [
    ("azure", r"##vso\[task\.logissue type=error;sourcepath=[^;\]]+;linenumber=\d+;columnnumber=\d+;code=AK301;\].+"),
    ("pylint", r".+:\d+: \[AK301\] .+"),
    ("concise", r".+:\d+:\d+: error: AK301 .+"),
])
def test_formats_of_one_line(project, name, pattern):
    lines = [line for line in printed(project, name).splitlines() if "AK301" in line]
    assert len(lines) == len(found(cwd=project)[0])
    assert all(re.fullmatch(pattern, line) for line in lines), lines


def test_grouped_names_each_file_once(project):
    heads = [line for line in printed(project, "grouped").splitlines() if line.endswith(":") and line[0] != " "]
    assert len(heads) == len(set(heads)) == len({f["filename"] for f in found(cwd=project)[0]})


def test_several_at_once(project):
    done = aklint("--format", "json", "--output", "sarif=out.sarif", "-o", "junit=out.xml", cwd=project)
    assert len(json.loads(done.stdout)) == len(json.loads((project / "out.sarif").read_text())["runs"][0]["results"])
    xml.etree.ElementTree.parse(project / "out.xml")


def test_the_schema_of_settings_is_a_schema_and_takes_what_we_take(tmp_path):
    schema = json.loads((pathlib.Path(ROOT) / "docs" / "aklint.schema.json").read_text())
    validate({"select": ["AK3"], "levels": {"AK301": "warning"}, "per-file-ignores": {"a.py": ["AK1"]}, "dialect": "ak",
              "fail-on": "note", "max-bytes": 1, "calls": {"a.b": "clock"}}, schema)
    with pytest.raises(AssertionError):
        validate({"selct": []}, schema)
