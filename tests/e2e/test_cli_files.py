"""Which files a run looks at, and what it says about those it cannot read."""
import json
import os
import pathlib
import random
import subprocess

import pytest

from cli_project import CLEAN, CLOCK, CLOCK_LINE, found, git, shown_files, write
from conftest import aklint, program

PATTERNS = ["/ig/", "*.gen.py", "!keep.gen.py", "a/**/z.py", "**/deep", "b/*.py", "sub/c?.py", "[ab]x.py", "[!ab]y.py",
            "# comment", "", "\\#x.py", "tail.py   ", "x/**", "!x/y.py", "/top.py", "d*e.py", "doc/**/"]
NAMES = ["a", "b", "ig", "sub", "deep", "x", "doc", "c"]
LEAVES = ["z.py", "ax.py", "cy.py", "m.gen.py", "keep.gen.py", "c1.py", "#x.py", "tail.py", "y.py", "top.py", "dee.py"]


@pytest.mark.parametrize("seed", range(12))
def test_gitignore_says_what_git_says(tmp_path, seed):
    rng = random.Random(seed)
    git(tmp_path, "init", "-q")
    for _ in range(60):
        folder = tmp_path.joinpath(*rng.choices(NAMES, k=rng.randint(0, 3)))
        write(folder, {rng.choice(LEAVES): "x = 1\n"})
    folders = [p for p in tmp_path.rglob("*") if p.is_dir() and ".git" not in p.parts]
    for folder in [tmp_path, *rng.sample(folders, 4)]:
        write(folder, {".gitignore": "\n".join(rng.choices(PATTERNS, k=rng.randint(1, 6))) + "\n"})
    write(tmp_path, {".git/info/exclude": rng.choice(PATTERNS) + "\n"})
    expected = git(tmp_path, "ls-files", "-co", "--exclude-standard", "-z", "--", "*.py").split("\0")
    assert shown_files(cwd=tmp_path) == sorted(name for name in expected if name)


def test_rules_of_folders_above_hold_below(tmp_path):
    git(tmp_path, "init", "-q")
    write(tmp_path, {".gitignore": "sub/no.py\n", "sub/no.py": "", "sub/yes.py": ""})
    assert shown_files("sub", cwd=tmp_path) == ["sub/yes.py"]


def test_nobody_means_what_lies_in_hidden_and_installed_folders(tmp_path):
    write(tmp_path, {"flow.py": "", ".hidden/a.py": "", "env/pyvenv.cfg": "", "env/lib/a.py": "", "node_modules/a.py": "",
                     "__pycache__/a.py": "", "lib/site-packages/a.py": "", "flow.pyi": "", "flow.txt": ""})
    assert shown_files(cwd=tmp_path) == ["flow.py"]


def test_what_is_named_is_taken_even_if_it_is_ignored(tmp_path):
    git(tmp_path, "init", "-q")
    write(tmp_path, {".gitignore": "*.py\n", "flow.py": CLOCK, "script": CLOCK})
    assert shown_files("flow.py", "script", cwd=tmp_path) == ["flow.py", "script"]


def test_links_in_a_circle_end_and_a_file_keeps_its_own_name(tmp_path):
    write(tmp_path, {"z/flow.py": ""})
    (tmp_path / "z/loop").symlink_to(tmp_path)
    (tmp_path / "a").symlink_to("z")
    (tmp_path / "alias.py").symlink_to("z/flow.py")
    assert shown_files(cwd=tmp_path) == ["z/flow.py"]


def test_linked_folder_outside_is_walked_once(tmp_path):
    write(tmp_path, {"out/flow.py": "", "in/here.py": ""})
    (tmp_path / "in/one").symlink_to("../out")
    (tmp_path / "in/two").symlink_to("../out")
    assert shown_files(cwd=tmp_path / "in") == ["here.py", "one/flow.py"]


def test_a_path_that_is_not_there_is_2_and_the_others_are_checked_first(tmp_path):
    write(tmp_path, {"flow.py": CLOCK})
    done = aklint("gone.py", "flow.py", "--format", "concise", cwd=tmp_path)
    assert done.returncode == 2
    assert f"flow.py:{CLOCK_LINE}:" in done.stdout
    assert "gone.py: No such file or directory" in done.stderr


def test_what_could_not_be_read_is_not_called_clear(tmp_path):
    done = aklint("gone.py", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout.startswith("Nothing found in what could be read: 0 files checked")


def test_a_folder_without_python_is_not_called_clear(tmp_path):
    write(tmp_path, {"index.ts": "export {}\n"})
    done = aklint(".", cwd=tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("No Python file to check: 0 files checked")


def test_a_folder_that_may_not_be_read_is_2(tmp_path):
    write(tmp_path, {"flow.py": CLEAN, "shut/a.py": ""})
    (tmp_path / "shut").chmod(0)
    # Root may read it by two capabilities: without them it is refused like anybody.
    as_anybody = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    done = subprocess.run([*as_anybody, program("aklint")], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    (tmp_path / "shut").chmod(0o700)
    assert done.returncode == 2 and "shut: Permission denied" in done.stderr


def test_a_dangling_link_is_a_line_and_no_failure(tmp_path):
    write(tmp_path, {"flow.py": CLEAN})
    (tmp_path / "lost.py").symlink_to("nowhere")
    done = aklint(cwd=tmp_path)
    assert done.returncode == 0 and "lost.py: No such file or directory" in done.stderr


def test_one_file_is_seen_with_its_project(tmp_path):
    write(tmp_path, {"pyproject.toml": "", "flows/flow.py": CLOCK.replace("time.time()", "stamp()").replace(
        "import time\n", "from helpers import stamp\n"), "helpers.py": "import time\n\n\ndef stamp():\n    return time.time()\n"})
    whole, _ = found(".", cwd=tmp_path)
    single, done = found("flows/flow.py", cwd=tmp_path)
    assert [f["code"] for f in whole] == ["AK301"]
    assert all(f["filename"].endswith("flow.py") for f in single), done.stdout


def test_a_path_may_be_said_in_any_way(tmp_path):
    write(tmp_path, {"sub/flow.py": "", "other/b.py": ""})
    said = ["./sub//flow.py", "sub/../sub/flow.py", str(tmp_path / "sub/flow.py"), "sub"]
    assert shown_files(*said, cwd=tmp_path) == ["sub/flow.py"]
    assert shown_files("../sub", cwd=tmp_path / "other") == [str(tmp_path / "sub/flow.py")]


def test_standard_input_is_named_by_the_user(tmp_path):
    findings, done = found("-", "--stdin-filename", "flow.py", cwd=tmp_path, input=CLOCK)
    assert done.returncode == 1
    assert [(f["code"], f["filename"]) for f in findings] == [("AK301", str(tmp_path / "flow.py"))]
    assert aklint("-", cwd=tmp_path, input=CLEAN).returncode == 0


def test_standard_input_stands_for_the_file_on_the_disk(tmp_path):
    write(tmp_path, {"pyproject.toml": "", "flow.py": CLEAN})
    findings, _ = found("-", "--stdin-filename", "flow.py", cwd=tmp_path, input=CLOCK)
    assert [f["code"] for f in findings] == ["AK301"]


def test_odd_bytes_in_a_name_are_valid_json(tmp_path):
    name = os.path.join(os.fsencode(tmp_path), b"fl\xff\x1b[31mow.py")
    pathlib.Path(os.fsdecode(name)).write_text(CLOCK)
    done = aklint("--format", "json", cwd=tmp_path)
    assert json.loads(done.stdout)[0]["filename"].endswith("ow.py")
    assert "\x1b" not in aklint(cwd=tmp_path).stdout


def test_exclude_and_force_exclude(tmp_path):
    write(tmp_path, {"flow.py": "", "old/a.py": "", "b_test.py": ""})
    assert shown_files("--exclude", "old,*_test.py", cwd=tmp_path) == ["flow.py"]
    assert shown_files("--exclude", "old", "old/a.py", cwd=tmp_path) == ["old/a.py"]
    assert shown_files("--exclude", "old", "--force-exclude", "old/a.py", "flow.py", cwd=tmp_path) == ["flow.py"]


def test_a_large_file_is_not_looked_into(tmp_path):
    write(tmp_path, {"flow.py": CLOCK + "#" * 5_000_000})
    assert aklint(cwd=tmp_path).returncode == 0
    assert aklint("--max-bytes", "6000000", cwd=tmp_path).returncode == 1


def test_project_shows_what_leads_through_a_named_file_and_nothing_else(tmp_path):
    flow = "from helper import stamp\nfrom temporalio import workflow\n\n\n@workflow.defn\nclass Order:\n    @workflow.run\n" \
           "    async def run(self) -> float:\n        return stamp()\n"
    write(tmp_path, {"aklint.toml": "", "flow.py": flow, "helper.py": "import time\n\n\ndef stamp():\n    return time.time()\n",
                     "other.py": CLOCK, "quiet.py": "x = 1\n"})
    for named, shown in (("helper.py", ["helper.py"]), ("flow.py", ["helper.py"]), ("quiet.py", [])):
        findings, _ = found("--project", named, cwd=tmp_path)
        assert [os.path.basename(f["filename"]) for f in findings] == shown
