"""--changed-since shows what a change caused, wherever it shows."""
import pathlib

from cli_project import CLEAN, CLOCK, TWO, found, git, write
from conftest import aklint

HELPERS = {"flow.py": CLOCK.replace("time.time()", "first()").replace("import time\n", "from first import first\n"),
           "first.py": "from second import second\n\n\ndef first():\n    return second()\n",
           "second.py": "from third import third\n\n\ndef second():\n    return third()\n",
           "third.py": "def third():\n    return 1.0\n"}


def committed(root, files):
    git(root, "init", "-q")
    write(root, files)
    git(root, "add", "-A")
    git(root, "commit", "-qm", "first")
    return root


def since(root, ref="HEAD", *args):
    findings, done = found("--changed-since", ref, *args, cwd=root)
    return [pathlib.Path(f["filename"]).name for f in findings], done


def test_what_was_there_is_silent(tmp_path):
    committed(tmp_path, {"flow.py": CLOCK})
    assert since(tmp_path)[0] == []
    write(tmp_path, {"flow.py": "# moved\n\n" + CLOCK})
    assert since(tmp_path)[0] == []


def test_what_is_new_is_shown(tmp_path):
    committed(tmp_path, {"flow.py": CLOCK, "gone.py": CLOCK})
    (tmp_path / "gone.py").unlink()
    write(tmp_path, {"flow.py": TWO, "new.py": CLOCK})
    names, done = since(tmp_path)
    assert sorted(names) == ["flow.py", "new.py"] and done.returncode == 1


def test_a_change_in_a_helper_three_files_away(tmp_path):
    committed(tmp_path, HELPERS)
    assert found(cwd=tmp_path)[0] == []
    write(tmp_path, {"third.py": "import time\n\n\ndef third():\n    return time.time()\n"})
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "second")
    names, done = since(tmp_path, "HEAD~1")
    assert len(names) == 1 and done.returncode == 1
    assert since(tmp_path)[0] == []


def test_a_branch_is_compared_with_where_it_left(tmp_path):
    committed(tmp_path, {"flow.py": CLOCK})
    git(tmp_path, "branch", "work")
    write(tmp_path, {"flow.py": CLEAN})
    git(tmp_path, "commit", "-qam", "repaired on main")
    git(tmp_path, "checkout", "-q", "work")
    assert since(tmp_path, "main")[0] == []


def test_an_unknown_commit_is_2(tmp_path):
    committed(tmp_path, {"flow.py": CLEAN})
    done = aklint("--changed-since", "nowhere", cwd=tmp_path)
    assert done.returncode == 2 and "no commit is called 'nowhere'" in done.stderr
    assert aklint("--changed-since", "--output=x", cwd=tmp_path).returncode == 2


def test_without_git_it_is_2(tmp_path):
    write(tmp_path, {"flow.py": CLEAN})
    done = aklint("--changed-since", "HEAD", cwd=tmp_path, env={"GIT_CEILING_DIRECTORIES": str(tmp_path.parent)})
    assert done.returncode == 2 and "no git repository" in done.stderr
