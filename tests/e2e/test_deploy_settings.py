"""[tool.ak] of a project's pyproject.toml: what is wrong there is said with its place, and nothing is deployed."""
import json
import re

import pytest

from run_host import ROOT, Ak

MANIFEST = """version: v1
project:
  name: settings_sample
  triggers:
    - name: hook
      type: webhook
      call: program.py:on_event
"""


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "autokitteh.yaml").write_text(MANIFEST)
    (folder / "program.py").write_text("def on_event(event):\n    pass\n")
    (folder / "requirements.txt").write_text("autokitteh  # which ak has itself\n")
    return folder


@pytest.fixture
def ak(tmp_path):
    return Ak(tmp_path / "state")


@pytest.mark.parametrize("settings, words", [
    ('python = "3.2"', "Python 3.2 is wanted"),
    ('python = "nowhere/bin/python"', "No such file"),
    ('pyhton = "3.11"', "pyproject.toml:2:1: tool.ak has no setting 'pyhton'"),
    ("max-sessions = 0", "pyproject.toml:2:16: 'max-sessions' is a whole number from 1"),
    ("[tool.ak.triggers.hock]\nmax-sessions = 1", "the manifest has no trigger 'hock'"),
    ('requirements = "none.txt"', "none.txt: No such file"),
])
def test_settings_that_cannot_be_are_42_with_their_place(ak, project, settings, words):
    (project / "pyproject.toml").write_text(f"[tool.ak]\n{settings}\n")
    done = ak("deploy", project)
    assert done.returncode == 42 and words in done.stderr, done.stderr
    assert ak.lines("deployment", "list", "--json") == []


def test_limits_are_kept_with_the_deployment(ak, project):
    (project / "pyproject.toml").write_text("[tool.ak]\nmax-sessions = 7\n[tool.ak.triggers.hook]\nmax-sessions = 1\nmax-queue = 2\n")
    assert ak("deploy", project).returncode == 0
    row = ak.lines("deployment", "list", "--json")[0]
    manifest = json.loads(ak("deployment", "get", row["deployment_id"], "--json").stdout)["manifest"]
    assert manifest["max_sessions"] == 7
    assert manifest["triggers"][0]["max_sessions"] == 1 and manifest["triggers"][0]["max_queue"] == 2
    assert "environment" not in manifest


def section_of_the_docs():
    return (ROOT / "docs" / "ak.md").read_text().split("## Settings of a project\n")[1].split("\n## ")[0]


def test_the_docs_have_every_setting_and_no_other(ak, project):
    (project / "pyproject.toml").write_text("[tool.ak]\nother = 1\n")
    known = ak("deploy", project).stderr.split("it has ")[1].splitlines()[0].split(", ")
    assert re.findall(r"^\| `([a-z-]+)` \|", section_of_the_docs(), re.M) == known and len(known) == 6


def test_the_example_of_the_docs_deploys(ak, project):
    example = re.search(r"```toml\n(.*?)```", section_of_the_docs(), re.S)[1]
    (project / "pyproject.toml").write_text(example.replace("NAME", "hook"))
    done = ak("deploy", project, "--json")
    assert done.returncode == 0, done.stderr
    manifest = json.loads(ak("deployment", "get", json.loads(done.stdout)["deployment_id"], "--json").stdout)["manifest"]
    assert (manifest["max_sessions"], manifest["max_queue"], manifest["triggers"][0]["max_sessions"]) == (20, 100, 1)
