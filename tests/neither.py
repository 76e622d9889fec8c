#!/usr/bin/env python3
"""Shows that code of frameworks which are neither Temporal's nor AutoKitteh's has no findings, notes among them.

    tests/neither.py FOLDER...     AKLINT names the program (default build/aklint)

A row for each folder: its Python files, how many name temporalio, autokitteh or ak, what was found. Exit status 1 if anything was.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

NAMES = re.compile(rb"^\s*(?:import|from)\s+(?:temporalio|autokitteh|ak)\b", re.M)


def findings(folder):
    program = os.path.abspath(os.environ.get("AKLINT", "build/aklint"))
    done = subprocess.run([program, "check", "--isolated", "--no-cache", "--show", "notes", "--format", "json", "."],
                          cwd=folder, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"aklint failed in {folder}: {done.stderr}")
    return json.loads(done.stdout)


def main():
    folders = [pathlib.Path(given) for given in sys.argv[1:]]
    if not folders or not all(folder.is_dir() for folder in folders):
        sys.exit(__doc__)
    total = 0
    print("| folder | Python files | name a durable package | findings |\n|---|--:|--:|--:|")
    for folder in folders:
        files = [path for path in folder.rglob("*.py") if path.is_file()]
        naming = sum(bool(NAMES.search(path.read_bytes())) for path in files)
        found = findings(folder)
        total += len(found)
        print(f"| {folder.resolve().name} | {len(files)} | {naming} | {len(found)} |")
        for finding in found:
            where = os.path.relpath(finding["filename"], folder.resolve())
            print(f"  {where}:{finding['location']['row']}: {finding['code']} {finding['message']}", file=sys.stderr)
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
