"""The real pre-commit stops a bad commit and lets a good one pass."""
import os
import sys

import pytest

import tools
from cli_project import CLEAN, CLOCK, git, write
from conftest import ROOT, program

HELPER = "import time\n\n\ndef stamp():\n    return time.time()\n"
FLOW = CLEAN.replace("import time\n", "from helper import stamp\n").replace("return 1.0", "return stamp()")


@pytest.fixture
def repository(tmp_path):
    """A repository with our hooks, as they stand in .pre-commit-hooks.yaml, run by the built program."""
    tools.need_module("pre_commit", "yaml")
    tools.need_program("git")
    import yaml
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    for hook in hooks:
        # Only where the program comes from is another: pip would build it anew for each test.
        assert hook["language"] == "python" and hook["entry"].split()[0] == "aklint"
        hook["language"] = "system"
        hook["entry"] = hook["entry"].replace("aklint", program("aklint"), 1)
    root = tmp_path / "project"
    root.mkdir()
    git(root, "init", "-q")

    def configure(hook_id):
        chosen = [hook for hook in hooks if hook["id"] == hook_id]
        write(root, {".pre-commit-config.yaml": yaml.safe_dump({"repos": [{"repo": "local", "hooks": chosen}]})})
        tools.run(sys.executable, "-m", "pre_commit", "install", cwd=root, env=environment(tmp_path))
        return root
    return configure


def environment(tmp_path):
    return {"PRE_COMMIT_HOME": str(tmp_path / "home"), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}


def commit(root, *names, status):
    git(root, "add", "--", *names)
    said = tools.run("git", "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", "x", cwd=root,
                     env=environment(root.parent), status=status)
    commits = tools.run("git", "rev-list", "--all", "--count", cwd=root).strip()
    return said, int(commits)


def test_bad_commit_is_stopped_and_good_one_passes(repository):
    root = repository("aklint")
    write(root, {"flow.py": CLOCK})
    said, commits = commit(root, "flow.py", status=1)
    assert "AK301" in said and "flow.py:10" in said and commits == 0
    write(root, {"flow.py": CLEAN})
    said, commits = commit(root, "flow.py", status=0)
    assert "Passed" in said and commits == 1


def test_helper_alone_is_judged_by_the_workflow_that_calls_it(repository):
    root = repository("aklint")
    write(root, {"flow.py": FLOW, "helper.py": "def stamp():\n    return 1.0\n"})
    commit(root, "flow.py", "helper.py", ".pre-commit-config.yaml", status=0)
    write(root, {"helper.py": HELPER})
    said, commits = commit(root, "helper.py", status=1)
    assert "helper.py:5" in said and commits == 1


def test_workflow_alone_is_judged_by_the_helper_that_it_calls(repository):
    root = repository("aklint")
    write(root, {"helper.py": HELPER})
    commit(root, "helper.py", status=0)
    write(root, {"flow.py": FLOW})
    said, commits = commit(root, "flow.py", status=1)
    assert "helper.py:5" in said and commits == 1


def test_whole_project_is_judged_whatever_is_committed(repository):
    root = repository("aklint-project")
    write(root, {"flow.py": FLOW, "helper.py": HELPER, "notes.py": "x = 1\n"})
    said, commits = commit(root, "notes.py", status=1)
    assert "AK301" in said and commits == 0


def test_other_files_are_not_looked_at(repository):
    root = repository("aklint")
    write(root, {"notes.txt": CLOCK})
    said, commits = commit(root, "notes.txt", status=0)
    assert "Skipped" in said and commits == 1


def test_manifest_is_understood(repository):
    root = repository("aklint")
    write(root, {"autokitteh.yaml": "version: v1\nproject: [\n"})
    said, commits = commit(root, "autokitteh.yaml", status=1)
    assert "autokitteh.yaml" in said and "AK003" in said and commits == 0
