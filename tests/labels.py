#!/usr/bin/env python3
"""Holds aklint against lines of public repositories that were judged by eye.

    tests/labels.py TABLE FOLDER      AKLINT names the program (default build/aklint)

TABLE is a Markdown file with rows `| BAD or OK | owner/name | path:line | pitfall | reason |`; FOLDER holds work
trees by the repositories' names. A BAD line must give a finding of its pitfall's rules at that line (three
lines either way, as a statement may begin earlier), an OK line none. Repositories that are not there are named.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

RULES = {
    "nd-time": {"AK301"}, "nd-random": {"AK302"}, "nd-uuid": {"AK303"}, "asyncio-wait": {"AK304"},
    "hallucinated-name": {"AK801"}, "blocking-in-async-activity": {"AK405"}, "timeout-not-timedelta": {"AK406"},
    "missing-timeout": {"AK401"}, "replay-logging": {"AK312"}, "global-write": {"AK306"}, "process-identity": {"AK307"},
    "set-iteration": {"AK310"}, "env-read": {"AK307", "AK314"}, "swallowed-cancel": {"AK506"},
    "swallowed-cancellation": {"AK506"}, "bad-keyword": {"AK407"}, "activity-called": {"AK316"},
    "unpicklable-arg": {"AK201"}, "ak-async-entry": {"AK101"}, "ak-module-level-call": {"AK102"},
}


def rows(table):
    for line in table.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) >= 5 and cells[0] in ("BAD", "OK") and ":" in cells[2]:
            path, number = cells[2].rsplit(":", 1)
            yield cells[0], cells[1], path, int(number), cells[3]


def findings(program, folder):
    flags = ["--dialect", "autokitteh"] if list(folder.rglob("autokitteh.yaml")) else []
    done = subprocess.run([program, "check", *flags, "--format", "json", "--show", "notes", str(folder)], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"aklint failed on {folder}: {done.stderr}")
    return json.loads(done.stdout)


def main():
    table, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    program = os.environ.get("AKLINT", "build/aklint")
    cache, absent, wrong, right = {}, set(), [], 0
    for verdict, repository, path, line, pitfall in rows(table):
        tree = folder / repository.split("/")[1]
        if not tree.is_dir():
            absent.add(repository)
            continue
        if tree not in cache:
            cache[tree] = findings(program, tree)
        rules = set().union(*(RULES.get(word, set()) for word in re.findall(r"[\w-]+", pitfall)))
        at = [f for f in cache[tree] if f["filename"] == str(tree.resolve() / path) and f["code"] in rules]
        level = {"OK": {"error", "warning"}, "BAD": {"error", "warning", "note"}}[verdict]
        reach = 3 if verdict == "BAD" else 0
        hit = [f for f in at if f["level"] in level and f["location"]["row"] - reach <= line <= f["end_location"]["row"] + reach]
        if bool(hit) == (verdict == "BAD"):
            right += 1
        else:
            wrong.append(f"{verdict} {repository} {path}:{line} {pitfall}" + (f": {hit[0]['code']} {hit[0]['message']}" if hit else ""))
    print(f"{right} right, {len(wrong)} wrong; not there: {', '.join(sorted(absent)) or 'none'}")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
