#!/usr/bin/env python3
"""Compares how blocks_dump cuts files with what CPython's ast says.

    oracle_blocks.py TOOL              the library of every Python on PATH, a sample of 15 s
    oracle_blocks.py TOOL FOLDER...    every .py file below, with the ast of this interpreter

For a file that CPython parses: each statement lies in one block and each block begins at one;
kind, name, decoration and line fit; every name that module code binds is listed, every import is read exactly, every ast.Name is mentioned. What CPython refuses
must still be tiled by blocks.
"""

from __future__ import annotations

import ast
import glob
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import sysconfig
import time
import tokenize
import unicodedata
import warnings

SAMPLE_SECONDS = 15
(STMT, DEF, CLASS, IMPORT, MAIN, IF, TRY, WITH, FOR, WHILE, DOC, BLANK, FILE) = range(13)
KINDS = {
    "FunctionDef": DEF, "AsyncFunctionDef": DEF, "ClassDef": CLASS, "Import": IMPORT,
    "ImportFrom": IMPORT, "If": IF, "Try": TRY, "TryStar": TRY, "With": WITH,
    "AsyncWith": WITH, "For": FOR, "AsyncFor": FOR, "While": WHILE,
}
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
BLANKS = rb"(?:[ \t\f]|\\\r?\n)*"
SEMICOLON = re.compile(BLANKS + b";" + BLANKS)


class Mismatch(Exception):
    pass


def expect(condition: bool, *words: object) -> None:
    if not condition:
        raise Mismatch(" ".join(str(word) for word in words))


def normal(name: str) -> str:
    return unicodedata.normalize("NFKC", name)


def text_of(raw: bytes) -> bytes:
    """The text as the analyzer sees it: UTF-8, no mark, no lone CR."""
    # CPython takes a lone CR for the end of a cookie's line, tokenize does not.
    first = io.BytesIO(re.sub(rb"\r(?!\n)", b"\n", raw))
    encoding, _ = tokenize.detect_encoding(first.readline)
    text = raw.decode(encoding)
    return re.sub("\r(?!\n)", "\n", text).encode()


class File:
    def __init__(self, text: bytes) -> None:
        self.text = text
        self.starts = [0]
        for newline in re.finditer(rb"\n", text):
            self.starts.append(newline.end())

    def at(self, line: int, column: int) -> int:
        return self.starts[line - 1] + column

    def start(self, node: ast.stmt) -> int:
        decorators = getattr(node, "decorator_list", None)
        if not decorators:
            return self.at(node.lineno, node.col_offset)
        # The ast has the expression behind the sign only.
        first = self.at(decorators[0].lineno, decorators[0].col_offset)
        return self.text.rindex(b"@", 0, first)

    def end(self, node: ast.stmt) -> int:
        return self.at(node.end_lineno, node.end_col_offset)

    def groups(self, body: list) -> list:
        """Statements that share a line, joined by semicolons, are one block."""
        groups: list = []
        for node in body:
            if groups and SEMICOLON.fullmatch(self.text, self.end(groups[-1][-1]),
                                              self.start(node)):
                groups[-1].append(node)
            else:
                groups.append([node])
        return groups


def is_main(node: ast.stmt) -> bool:
    if not isinstance(node, ast.If) or node.orelse or not isinstance(node.test, ast.Compare):
        return False
    sides = [node.test.left, *node.test.comparators]
    return (
        len(sides) == 2
        and isinstance(node.test.ops[0], ast.Eq)
        and {getattr(s, "id", getattr(s, "value", None)) for s in sides}
        == {"__name__", "__main__"}
    )


def is_doc(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def kind_of(group: list, first: bool) -> int:
    node = group[0]
    if len(group) > 1:
        return STMT
    if is_main(node):
        return MAIN
    if first and is_doc(node):
        return DOC
    return KINDS.get(type(node).__name__, STMT)


def children(node: ast.AST) -> list:
    return list(ast.iter_child_nodes(node))


def bound_in(node: ast.AST, names: set, inside: bool) -> None:
    """Names that module code binds; of functions only what they declare global."""
    if isinstance(node, ast.Global):
        names.update(node.names if inside else ())
    if isinstance(node, SCOPES):
        if not inside and not isinstance(node, ast.Lambda):
            names.add(node.name)
        for child in children(node):
            outer = child not in (node.body if isinstance(node.body, list) else [node.body])
            bound_in(child, names, inside or not outer)
        return
    if isinstance(node, ast.comprehension):
        for child in [node.iter, *node.ifs]:
            bound_in(child, names, inside)
        return
    if not inside:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(a.asname or a.name.partition(".")[0] for a in node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
        elif type(node).__name__ in ("MatchAs", "MatchStar") and node.name:
            names.add(node.name)
        elif type(node).__name__ == "MatchMapping" and node.rest:
            names.add(node.rest)
    for child in children(node):
        if type(child).__name__ not in ("TypeVar", "ParamSpec", "TypeVarTuple"):
            bound_in(child, names, inside)


def imports_in(node: ast.AST, found: list, local: bool) -> None:
    if isinstance(node, ast.Import):
        for alias in node.names:
            bound = alias.asname or alias.name.partition(".")[0]
            found.append((node.lineno, node.col_offset, alias.name, 0, "", bound, local))
    elif isinstance(node, ast.ImportFrom):
        for alias in node.names:
            bound = "" if alias.name == "*" else alias.asname or alias.name
            found.append((node.lineno, node.col_offset, node.module or "", node.level,
                          alias.name, bound, local))
    for child in children(node):
        imports_in(child, found, local or isinstance(node, SCOPES))


def check_names(block: dict, group: list, extra: list) -> None:
    wanted: set = set()
    for node in group:
        bound_in(node, wanted, False)
    listed = {normal(name) for name, _, _ in block["names"]}
    expect(wanted <= listed, "names not listed:", wanted - listed)
    extra.extend(listed - wanted)
    imports: list = []
    for node in group:
        imports_in(node, imports, False)
    imports.sort(key=lambda one: one[:2])
    want = [list(one[2:]) for one in imports]
    have = [[normal(m), level, normal(n), normal(b), local]
            for m, level, n, b, _, local in block["imports"]]
    expect(want == have, "imports", want, "read as", have)
    mentioned = {normal(name) for name in block["idents"]}
    used = {n.id for node in group for n in ast.walk(node) if isinstance(n, ast.Name)}
    used -= {"None", "True", "False", "__debug__"}
    expect(used <= mentioned, "not mentioned:", used - mentioned)


def check_block(file: File, block: dict, group: list, first: bool) -> None:
    node = group[0]
    expect(not block["unsure"], "unsure")
    expect(block["code"] == file.start(node), "code begins at", block["code"])
    expect(block["start"] <= block["code"] and file.end(group[-1]) <= block["end"], "borders")
    expect(block["line"] == file.text.count(b"\n", 0, block["start"]) + 1, "line")
    expect(block["kind"] == kind_of(group, first), "kind", block["kind"], type(node).__name__)
    if block["kind"] in (DEF, CLASS):
        expect(normal(block["name"]) == node.name, "name", block["name"])
    expect(block["decorated"] == bool(getattr(node, "decorator_list", None)), "decorated")
    is_async = type(node).__name__.startswith("Async")
    expect(block["async"] == is_async, "async")


def check(raw: bytes, tree: ast.Module, answer: dict, extra: list) -> int:
    file = File(text_of(raw))
    blocks = answer["blocks"]
    expect(answer["status"] == 0, "not opened:", answer["status"])
    expect(answer["len"] == len(file.text), "length of the text")
    groups = file.groups(tree.body)
    if not groups:
        expect([b["kind"] for b in blocks] in ([], [BLANK]), "a file without statements")
        return 0
    expect(len(groups) == len(blocks), len(blocks), "blocks for", len(groups), "statements")
    for i, (block, group) in enumerate(zip(blocks, groups)):
        try:
            check_block(file, block, group, i == 0)
            check_names(block, group, extra)
        except Mismatch as error:
            raise Mismatch(f"line {group[0].lineno}: {error}") from None
    return len(blocks)


def check_tiles(answer: dict) -> None:
    expect(answer["same"], "differs without SSE2")
    at = 0
    for block in answer["blocks"]:
        expect(block["start"] == at and block["end"] > at, "blocks do not tile")
        at = block["end"]
    expect(answer["status"] != 0 or at == answer["len"], "blocks do not reach the end")


def python_files(folder: str) -> list:
    found = []
    for where, _, names in os.walk(folder):
        found += [os.path.join(where, name) for name in names if name.endswith(".py")]
    # In an order that is the same in every run and mixes packages.
    return sorted(found, key=lambda path: hashlib.md5(path.encode()).digest())


def parse(raw: bytes) -> ast.Module | None:
    try:
        return ast.parse(raw)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def compare(tool: str, paths: list, deadline: float) -> int:
    process = subprocess.Popen([tool], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    files = refused = blocks = wrong = 0
    extra: list = []
    for path in paths:
        if time.monotonic() > deadline:
            break
        with open(path, "rb") as stream:
            raw = stream.read()
        process.stdin.write(os.fsencode(path) + b"\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        tree = parse(raw)
        files += 1
        try:
            check_tiles(answer)
            if tree is None:
                refused += 1
            else:
                blocks += check(raw, tree, answer, extra)
        except Mismatch as error:
            wrong += 1
            print(f"{path}: {error}")
    process.stdin.close()
    process.wait()
    print(f"python {sys.version.split()[0]}: {files} of {len(paths)} files ({refused} not Python), "
          f"{blocks} blocks, {len(extra)} names too many, {wrong} mismatches", flush=True)
    if process.returncode:
        print(f"{tool} ended with {process.returncode}")
    return wrong or process.returncode or files == 0


def pythons() -> list:
    """Every Python 3.8 or later on PATH that starts, each version once."""
    found: dict = {}
    ask = "import sys; print(sys.version_info[:2], sys.version_info >= (3, 8))"
    for folder in os.get_exec_path():
        for path in sorted(glob.glob(os.path.join(folder, "python3*"))):
            if not re.fullmatch(r"python3(\.\d+)?", os.path.basename(path)):
                continue
            run = subprocess.run([path, "-c", ask], capture_output=True, text=True, check=False)
            if run.returncode == 0 and run.stdout.endswith("True\n"):
                found.setdefault(run.stdout, path)
    return list(found.values())


def main(tool: str, folders: list) -> int:
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(10000)
    if folders[:1] == ["--library"]:
        paths = python_files(sysconfig.get_path("stdlib"))
        paths = [path for path in paths if "site-packages" not in path]
        return compare(tool, paths, time.monotonic() + float(folders[1]))
    if folders:
        paths = [path for folder in folders for path in python_files(folder)]
        return compare(tool, paths, float("inf"))
    found = pythons()
    share = str(SAMPLE_SECONDS / len(found))
    runs = [subprocess.run([python, __file__, tool, "--library", share], check=False).returncode
            for python in found]
    return max(runs)


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1], sys.argv[2:]) else 0)
