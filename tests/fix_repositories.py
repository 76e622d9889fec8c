#!/usr/bin/env python3
"""Applies all fixes to copies of real repositories and holds them to what is promised of fixes.

    AKLINT=build/dev/aklint tests/fix_repositories.py FOLDER [NAME…]

FOLDER holds repositories, one a folder (hidden ones are passed over). Each is copied, checked, fixed with --fix, and in a second copy with
--unsafe-fixes as well. Then every changed file that CPython compiled before must still compile, a second run must
change nothing, no finding that had such a fix may be left, and no file may have more findings of a rule than before.
What does not hold is printed with its place; the exit code is 1 then.
"""
import collections
import filecmp
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

MODES = {"safe": ["--fix"], "unsafe": ["--fix", "--unsafe-fixes"]}
LEFT_OUT = {".git", "node_modules", ".venv", "venv", "__pycache__"}
READ = {".py", ".yaml", ".yml", ".toml", ".cfg", ".txt", ".lock", ".gitignore"}


def left_out(folder, names):
    """What aklint does not read is not copied, and nothing that is no file or folder."""
    for name in names:
        path = pathlib.Path(folder, name)
        is_read = (path.suffix or name) in READ and (path.is_symlink() or path.is_file())
        if name in LEFT_OUT or not (is_read or path.is_dir()):
            yield name


def aklint(root, *args):
    command = [os.path.abspath(os.environ.get("AKLINT", "build/aklint")), ".", "--isolated", "--show", "notes", *args]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=600)
    if done.returncode not in (0, 1, 2):
        raise RuntimeError(f"{root}: aklint exited with {done.returncode}: {done.stderr[-500:]}")
    return done


def findings(root):
    return json.loads(aklint(root, "--format", "json").stdout)


def where(root, finding):
    return f"{pathlib.Path(finding['filename']).relative_to(root)}:{finding['location']['row']} {finding['code']} {finding['message']}"


def counted(root, found):
    return collections.Counter((str(pathlib.Path(f["filename"]).relative_to(root)), f["code"]) for f in found)


def compiles(path):
    try:
        compile(path.read_bytes(), str(path), "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


def python_files(root):
    return [p for p in root.rglob("*.py") if p.is_file()]


def changed(before, after):
    return [p for p in python_files(after) if not filecmp.cmp(p, before / p.relative_to(after))]


def has_fix(finding, mode):
    return finding["fix"] is not None and (mode == "unsafe" or finding["fix"]["applicability"] == "safe")


def fix(original, root, mode, had, complaints):
    """Fixes one copy; how many findings went and how many files changed."""
    done = aklint(root, *MODES[mode])
    touched = changed(original, root)
    for path in touched:
        if compiles(original / path.relative_to(root)) and not compiles(path):
            complaints.append(f"{path.relative_to(root)} does not compile any more")
    left = findings(root)
    complaints += [f"has a fix and is still there: {where(root, f)}" for f in left if has_fix(f, mode)]
    more = counted(root, left) - counted(original, had)
    complaints += [f"new: {where(root, f)}" for f in left if (str(pathlib.Path(f["filename"]).relative_to(root)), f["code"]) in more]
    with tempfile.TemporaryDirectory() as kept:
        again = pathlib.Path(kept, "again")
        shutil.copytree(root, again, symlinks=True)
        aklint(root, *MODES[mode])
        complaints += [f"{p.relative_to(root)} changes once more" for p in changed(again, root)]
    if done.returncode == 2 and "AK003" not in done.stdout:
        complaints.append(f"exit code 2: {done.stderr.strip()[-300:]}")
    return len(had) - len(left), len(touched)


def look_at(repository):
    """One repository: a line of counts, and what does not hold."""
    complaints, line = [], []
    with tempfile.TemporaryDirectory() as folder:
        original = pathlib.Path(folder, "original").resolve()
        shutil.copytree(repository, original, symlinks=True, ignore=left_out)
        had = findings(original)
        line.append(f"{len(had)} findings")
        for mode in MODES:
            root = pathlib.Path(folder, mode).resolve()
            shutil.copytree(original, root, symlinks=True)
            here = []
            fixable = sum(has_fix(f, mode) for f in had)
            gone, touched = fix(original, root, mode, had, here)
            line.append(f"{mode}: {fixable} fixable, {gone} gone, {touched} files changed")
            complaints += [f"{mode}: {c}" for c in here]
            shutil.rmtree(root)
    return ", ".join(line), complaints


def main(folder, *names):
    roots = [p for p in sorted(pathlib.Path(folder).iterdir()) if p.is_dir() and p.name[0] != "." and (not names or p.name in names)]
    wrong = 0
    for root in roots:
        line, complaints = look_at(root)
        print(f"{root.name}: {line}", flush=True)
        for complaint in complaints:
            print(f"    {complaint}", flush=True)
        wrong += len(complaints)
    print(f"{len(roots)} repositories, {wrong} complaints")
    return 1 if wrong or not roots else 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
