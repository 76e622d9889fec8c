#!/usr/bin/env python3
"""Times aklint against ruff on trees of Python files, in one run, turn by turn.

    tests/bench/lint_speed.py AKLINT RUFF FOLDER...            the least of 10 runs each
    tests/bench/lint_speed.py -n 30 --limit 3.0 AKLINT RUFF FOLDER...   exits with 1 above that ratio

A row per tree: wall milliseconds cold, warm (the second run with a cache) and of ruff, the ratio of
cold to ruff, CPU milliseconds and their ratio (they tell more than wall time where the machine has
other work), and the memory at its highest, of which less than this interpreter's own is not seen. tests/bench/large_tree makes the large tree.
"""
from __future__ import annotations

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import time

RULES = "F,AIR,ASYNC,DTZ,S311"


class Best:
    """The least of what runs of one command took."""

    def __init__(self, command: list[str]) -> None:
        self.command = command
        self.wall = self.cpu = float("inf")
        self.mebibytes = 0.0

    def run(self) -> None:
        begun = time.perf_counter()
        process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        self.wall = min(self.wall, time.perf_counter() - begun)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):
            sys.exit(f"{' '.join(self.command)} ended with {process.returncode}")
        self.cpu = min(self.cpu, usage.ru_utime + usage.ru_stime)
        self.mebibytes = max(self.mebibytes, usage.ru_maxrss / 1024)


def size_of(folder: str) -> tuple[int, float]:
    files = [path for path in pathlib.Path(folder).rglob("*.py") if path.is_file()]
    return len(files), sum(path.stat().st_size for path in files) / 1e6


def measure(aklint: str, ruff: str, folder: str, runs: int) -> tuple[Best, Best, Best]:
    with tempfile.TemporaryDirectory() as cache:
        cold = Best([aklint, "--no-cache", folder])
        warm = Best([aklint, "--cache-dir", cache, folder])
        peer = Best([ruff, "check", "--isolated", "--no-cache", "-q", "--exit-zero", "--select", RULES, folder])
        Best(warm.command).run()
        for _ in range(runs):
            for one in (cold, peer, warm):
                one.run()
    return cold, warm, peer


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=10, help="runs of each command")
    parser.add_argument("--limit", type=float, help="the highest ratio of cold to ruff, in wall time")
    parser.add_argument("aklint")
    parser.add_argument("ruff")
    parser.add_argument("folders", nargs="+")
    args = parser.parse_args()
    above = 0
    print("| tree | files | MB | cold ms | ruff ms | ratio | warm ms | CPU cold | CPU ruff | ratio | MiB |\n"
          "|---|---|---|---|---|---|---|---|---|---|---|")
    for folder in args.folders:
        files, megabytes = size_of(folder)
        cold, warm, peer = measure(args.aklint, args.ruff, folder, args.n)
        ratio = cold.wall / peer.wall
        above += args.limit is not None and ratio > args.limit
        print(f"| {pathlib.Path(folder).name} | {files:,} | {megabytes:.1f} | {cold.wall * 1e3:.0f} | {peer.wall * 1e3:.0f} | {ratio:.2f} "
              f"| {warm.wall * 1e3:.0f} | {cold.cpu * 1e3:.0f} | {peer.cpu * 1e3:.0f} | {cold.cpu / peer.cpu:.2f} "
              f"| {cold.mebibytes:.1f} |", flush=True)
    return 1 if above else 0


if __name__ == "__main__":
    sys.exit(main())
