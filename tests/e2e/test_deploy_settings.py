"""[tool.ak] of a project's pyproject.toml: what is wrong there is said with its place, and nothing is deployed."""
import pytest

from run_host import Ak

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
    import json
    row = ak.lines("deployment", "list", "--json")[0]
    manifest = json.loads(ak("deployment", "get", row["deployment_id"], "--json").stdout)["manifest"]
    assert manifest["max_sessions"] == 7
    assert manifest["triggers"][0]["max_sessions"] == 1 and manifest["triggers"][0]["max_queue"] == 2
    assert "environment" not in manifest
