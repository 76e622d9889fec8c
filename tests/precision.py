#!/usr/bin/env python3
"""Counts what aklint finds in work trees of public repositories, and draws findings to be judged by eye.

    tests/precision.py FOLDER                   the number of findings of each rule, by level
    tests/precision.py FOLDER --sample 20       and up to 20 of each rule and level, with the lines around them
    tests/precision.py FOLDER --rule AK306      of some rules only
    tests/precision.py FOLDER --only flock      in some work trees only

FOLDER holds a work tree for each repository; AKLINT names the program (default build/aklint). Trees with a manifest of
AutoKitteh are checked twice, as `ak` and as `autokitteh`. The draw depends on the seed and the findings alone.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import subprocess
import sys

LEVELS = ("error", "warning", "note")


def dialects(tree):
    return ("ak", "autokitteh") if any(tree.rglob("autokitteh.yaml")) else ("",)


def findings(program, tree):
    """As dicts of aklint's JSON, with the tree's name and the dialect that was asked for."""
    for dialect in dialects(tree):
        flags = ["--dialect", dialect] if dialect else []
        done = subprocess.run([program, "check", *flags, "--isolated", "--show", "notes", "--format", "json", "."],
                              cwd=tree, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            sys.exit(f"aklint failed in {tree}: {done.stderr}")
        for finding in json.loads(done.stdout):
            yield dict(finding, tree=tree.name, asked=dialect, path=os.path.relpath(finding["filename"], tree.resolve()))


def excerpt(finding, around):
    row = finding["location"]["row"]
    lines = pathlib.Path(finding["filename"]).read_text(errors="replace").splitlines()
    first = max(0, row - 1 - around)
    return [f"{'>' if i + 1 == row else ' '}{i + 1:6} {lines[i][:150]}" for i in range(first, min(len(lines), row + around))]


def show(finding, around):
    print(f"\n{finding['tree']}/{finding['path']}:{finding['location']['row']}: {finding['code']} {finding['level']}"
          f"{' ' + finding['asked'] if finding['asked'] else ''}: {finding['message']}")
    for step in finding["trail"]:
        print(f"    {pathlib.Path(step['filename']).name}:{step['location']['row']} {step['message']}")
    print("\n".join(excerpt(finding, around)))


def table(groups, of):
    """A row for each rule and level, in the order of the rules."""
    print("| rule | level | found | looked at | trees |\n|---|---|--:|--:|--:|")
    for (code, level), found in sorted(groups.items(), key=lambda kind: (kind[0][0], LEVELS.index(kind[0][1]))):
        print(f"| {code} | {level} | {len(found)} | {min(len(found), of)} | {len({f['tree'] for f in found})} |")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--sample", type=int, default=0, metavar="N", help="show up to N findings of each rule and level")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--rule", action="append", default=[], help="only these (may be given again)")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="only these work trees")
    parser.add_argument("--around", type=int, default=3, metavar="N", help="lines shown before and after")
    return parser.parse_args()


def main():
    given = arguments()
    trees = [tree for tree in sorted(given.folder.iterdir()) if tree.is_dir() and (not given.only or tree.name in given.only)]
    if not trees:
        sys.exit(f"no work trees in {given.folder}")
    groups = collections.defaultdict(list)
    for n, tree in enumerate(trees, 1):
        print(f"[{n}/{len(trees)}] {tree.name}", file=sys.stderr)
        for finding in findings(os.path.abspath(os.environ.get("AKLINT", "build/aklint")), tree):
            if not given.rule or finding["code"] in given.rule:
                groups[finding["code"], finding["level"]].append(finding)
    table(groups, given.sample)
    for (code, level), found in sorted(groups.items()):
        if given.sample:
            # Each kind has a draw of its own: another rule's findings do not change it.
            for finding in random.Random(f"{given.seed} {code} {level}").sample(found, min(len(found), given.sample)):
                show(finding, given.around)


if __name__ == "__main__":
    main()
