"""Fixes: what is changed, what never is, and how files are written."""
import ast
import os
import resource
import signal
import subprocess

import pytest

from cli_project import CLEAN, CLOCK, TWO, found, git, write
from conftest import aklint, program, unavailable

FIXED = CLOCK.replace("time.time()", "workflow.time()")
UNSAFE = CLOCK.replace("import time\n", "import datetime\n").replace("time.time()", "datetime.datetime.now()")


def test_fix_repairs_and_a_second_run_changes_nothing(tmp_path):
    write(tmp_path, {"flow.py": TWO, "clean.py": CLEAN})
    done = aklint("--fix", cwd=tmp_path)
    text = (tmp_path / "flow.py").read_text()
    assert done.returncode == 0 and text.count("workflow.time()") == 2 and "Changed 1 file" in done.stderr
    ast.parse(text)
    before = (tmp_path / "flow.py").stat()
    assert aklint("--fix", cwd=tmp_path).returncode == 0
    assert (tmp_path / "flow.py").stat().st_mtime_ns == before.st_mtime_ns
    assert (tmp_path / "flow.py").stat().st_ino == before.st_ino


def test_unsafe_fixes_only_on_demand(tmp_path):
    write(tmp_path, {"flow.py": UNSAFE})
    assert aklint("--fix", cwd=tmp_path).returncode == 1
    assert (tmp_path / "flow.py").read_text() == UNSAFE
    aklint("--fix", "--unsafe-fixes", cwd=tmp_path)
    assert "workflow.now()" in (tmp_path / "flow.py").read_text()


@pytest.mark.parametrize("call, safe_in_queries", [("time.time()", True), ("random.random()", False)])
def test_a_fix_is_offered_where_it_works(tmp_path, call, safe_in_queries):
    """The SDK refuses workflow.random() in queries; activities have no workflow at all."""
    flow = CLEAN.replace("import time\n", "import shared\nimport theirs\n").replace(
        "return 1.0", f"return shared.get() + theirs.get()\n\n    @workflow.query\n    def q(self) -> float:\n        return {call}")
    helper = f"import random\nimport time\n\n\ndef get():\n    return {call}\n"
    work = "import shared\nfrom temporalio import activity\n\n\n@activity.defn\ndef work() -> float:\n    return shared.get()\n"
    write(tmp_path, {"flow.py": flow.replace("import shared", "import random\nimport time\n\nimport shared"), "shared.py": helper,
                     "theirs.py": helper, "work.py": work})
    before = (tmp_path / "flow.py").read_text()
    assert aklint("--fix", cwd=tmp_path).returncode == 1
    assert "workflow." in (tmp_path / "theirs.py").read_text() and (tmp_path / "shared.py").read_text() == helper
    assert ((tmp_path / "flow.py").read_text() != before) is safe_in_queries


def test_diff_is_what_fix_would_do(tmp_path):
    write(tmp_path, {"flow.py": TWO})
    done = aklint("--diff", cwd=tmp_path)
    assert done.returncode == 1 and (tmp_path / "flow.py").read_text() == TWO
    aklint("--fix", cwd=tmp_path)
    fixed = (tmp_path / "flow.py").read_text()
    write(tmp_path, {"flow.py": TWO})
    git(tmp_path, "init", "-q")
    subprocess.run(["git", "apply", "-p0", "-"], cwd=tmp_path, input=done.stdout, text=True, check=True, timeout=30)
    assert (tmp_path / "flow.py").read_text() == fixed
    assert aklint("--diff", cwd=tmp_path).stdout == "" and aklint("--diff", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("before, after", [
    (CLOCK.replace("\n", "\r\n").encode(), FIXED.replace("\n", "\r\n").encode()),
    (("# coding: utf-8\n# \xe9\n" + CLOCK).encode(), ("# coding: utf-8\n# \xe9\n" + FIXED).encode()),
    (b"\xef\xbb\xbf" + CLOCK.encode(), b"\xef\xbb\xbf" + FIXED.encode()),
    (CLOCK.rstrip().replace("    ", "\t").encode(), FIXED.rstrip().replace("    ", "\t").encode()),
])
def test_line_ends_encodings_and_tabs_stay(tmp_path, before, after):
    write(tmp_path, {"flow.py": before})
    aklint("--fix", cwd=tmp_path)
    assert (tmp_path / "flow.py").read_bytes() == after


def test_a_file_in_another_encoding_is_left_as_it_is(tmp_path):
    text = ("# coding: latin-1\n# \xe9\n" + CLOCK).encode("latin-1")
    write(tmp_path, {"flow.py": text})
    assert aklint("--fix", cwd=tmp_path).returncode == 1
    assert (tmp_path / "flow.py").read_bytes() == text


def test_mode_and_link_stay(tmp_path):
    write(tmp_path, {"real/flow.py": CLOCK})
    (tmp_path / "real/flow.py").chmod(0o751)
    (tmp_path / "flow.py").symlink_to("real/flow.py")
    assert aklint("--fix", "flow.py", cwd=tmp_path).returncode == 0
    assert (tmp_path / "flow.py").is_symlink() and (tmp_path / "real/flow.py").read_text() == FIXED
    assert (tmp_path / "real/flow.py").stat().st_mode & 0o777 == 0o751
    assert sorted(os.listdir(tmp_path / "real")) == ["flow.py"]


def small_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def test_nothing_is_lost_where_nothing_can_be_written(tmp_path):
    """A limit on the size of files stands in for a full disk: the write fails half way."""
    long = CLOCK + "# a line that makes the file long enough\n" * 500
    write(tmp_path, {"flow.py": long})
    done = subprocess.run([program("aklint"), "--fix"], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                          preexec_fn=small_files)
    assert done.returncode == 2 and "left as it is" in done.stderr
    assert (tmp_path / "flow.py").read_text() == long
    assert os.listdir(tmp_path) == ["flow.py"]


def test_a_full_disk_loses_nothing(tmp_path):
    """A file system of 32 KiB: the two texts together do not fit, so the new one cannot be written beside the old."""
    place = tmp_path / "small"
    place.mkdir()
    long = CLOCK + "# a line that makes the file long enough\n" * 500
    script = """mount -t tmpfs -o size=32k none small || exit 77
cp flow.py small/ && cd small && "$AKLINT" --fix 2>../said; echo $? >../code; cmp flow.py ../flow.py && ls >../left
"$AKLINT" --output json=out.json --output sarif=out.sarif . 2>>../said; echo $? >>../code; "$AKLINT" --baseline b.json --update-baseline; echo $? >>../code"""
    write(tmp_path, {"flow.py": long})
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], cwd=tmp_path, env={**os.environ, "AKLINT": program("aklint")},
                          capture_output=True, text=True, timeout=120)
    if done.returncode == 77 or not (tmp_path / "code").exists():
        unavailable(f"no file system can be mounted: {done.stderr}")
    assert (tmp_path / "left").read_text() == "flow.py\n", done.stdout + done.stderr
    said = (tmp_path / "said").read_text()
    assert (tmp_path / "code").read_text().split()[:2] == ["2", "2"] and "No space left on device" in said and "left as it is" in said


def test_a_file_that_does_not_parse_is_left_alone(tmp_path):
    broken = CLOCK + "\n\ndef broken(:\n    pass\n"
    write(tmp_path, {"flow.py": broken})
    assert aklint("--fix", "--unsafe-fixes", cwd=tmp_path).returncode == 1
    assert (tmp_path / "flow.py").read_text() == broken


def test_standard_input_is_fixed_onto_standard_output(tmp_path):
    done = aklint("--fix", "-", "--stdin-filename", "flow.py", cwd=tmp_path, input=CLOCK)
    assert (done.stdout, done.returncode) == (FIXED, 0)
    assert aklint("--fix", "-", cwd=tmp_path, input=CLEAN).stdout == CLEAN


def test_known_findings_are_not_fixed(tmp_path):
    write(tmp_path, {"flow.py": CLOCK})
    aklint("--baseline", "known.json", "--update-baseline", cwd=tmp_path)
    aklint("--baseline", "known.json", "--fix", cwd=tmp_path)
    assert (tmp_path / "flow.py").read_text() == CLOCK


def test_add_allow_silences_with_a_reason(tmp_path):
    write(tmp_path, {"flow.py": UNSAFE})
    done = aklint("--add-allow", "--reason", "measured", cwd=tmp_path)
    assert done.returncode == 0
    assert "datetime.datetime.now()  # aklint: allow AK301 -- measured\n" in (tmp_path / "flow.py").read_text()
    assert found(cwd=tmp_path)[0] == []
    again = (tmp_path / "flow.py").read_text()
    aklint("--add-allow", "--reason", "measured", cwd=tmp_path)
    assert (tmp_path / "flow.py").read_text() == again


def test_a_manifest_is_mended_too(tmp_path):
    manifest = "version: v1\nproject:\n  name: orders\n  triggers:\n    - name: hook\n      webhook: {}\n      evnt_type: post\n      call: program.py:on_event\n"
    write(tmp_path, {"autokitteh.yaml": manifest, "program.py": "def on_event(event):\n    print(event)\n"})
    done = aklint("--fix", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / "autokitteh.yaml").read_text() == manifest.replace("evnt_type", "event_type")
