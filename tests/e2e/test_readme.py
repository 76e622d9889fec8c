"""README.md: its commands are run as they stand there, what it shows is what they print, its links lead somewhere."""
import os
import re
import subprocess
import sys

import tools
from conftest import ROOT
from run_host import build_dir
from temporal_host import free_port

sys.path.insert(0, str(ROOT / "tests"))
import readme  # noqa: E402


def run_blocks(tmp_path, who, port, path=(), cwd=None, timeout=240, **env):
    """`path` comes before everything else; what HOME holds is in tmp_path/home afterwards."""
    for name in ("out", "home", "work"):
        (tmp_path / name).mkdir()
    path = ":".join([*map(str, path), str(build_dir()), "/usr/local/bin:/usr/bin:/bin"])
    env = {"PATH": path, "HOME": str(tmp_path / "home"), "OUT": str(tmp_path / "out"), "PORT": str(port), "LC_ALL": "C.UTF-8", **env}
    subprocess.run(["ak", "config", "set", "serve.listen", f"127.0.0.1:{port}"], env=env, check=True, capture_output=True)
    done = subprocess.run(["sh", "-c", readme.script(who)], cwd=cwd or tmp_path / "work", env=env, capture_output=True, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    assert not (wrong := readme.compare(tmp_path / "out", who)), "\n".join(wrong)


def test_every_block_is_run_by_somebody():
    assert {b.who for b in readme.blocks()} == set(readme.WHO)
    # No command stands outside of a block that is run.
    fences = len(re.findall(r"^```\w", readme.README.read_text(), re.M))
    assert fences == sum(1 + (b.shown is not None) for b in readme.blocks())


def test_both_programs_from_the_top(tmp_path):
    tools.need_program("curl")
    run_blocks(tmp_path, ["", "background"], free_port())


def test_other_output_and_a_failing_command_are_seen(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "README.md").write_text("```sh\nfalse\ntrue\n```\n```sh\necho other\n```\n```text\nshown\n```\n")
    kept, readme.README = readme.README, tmp_path / "README.md"
    try:
        done = subprocess.run(["sh", "-c", readme.script([""])], env={**os.environ, "OUT": str(tmp_path / "out")}, capture_output=True, text=True)
        assert done.returncode == 1 and "block 0 ends with 1" in done.stderr
        (tmp_path / "out/0").write_text("")
        (tmp_path / "out/1").write_text("other\n")
        assert "it prints\nother" in readme.compare(tmp_path / "out", [""])[0]
    finally:
        readme.README = kept


def test_links_in_the_docs_lead_somewhere():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
