#!/usr/bin/env python3
"""Compares the facts that facts_dump prints with CPython's ast and symtable.

    oracle_facts.py TOOL              the library of every Python on PATH, a sample of 20 s
    oracle_facts.py TOOL FOLDER...    every .py file below, with this interpreter

For a file that CPython parses, file by file and entry by entry: every expression by kind and
place, calls with the places and kinds of callee and arguments, functions with flags, parameters,
returned and yielded values, classes, imports, loops, comprehensions, statements by kind and
place, and the names that each scope binds. Code that the grammar calls broken and CPython does
not is counted apart, as is what Python 2 took and CPython refuses.
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
import symtable
import sys
import sysconfig
import time
import tokenize
import unicodedata
import warnings
from collections import Counter

SAMPLE_SECONDS = 20

X = ("none name attribute call keyword star double-star subscript slice string bytes fstring int "
     "float true false None ellipsis list tuple set dict lambda list-comp set-comp dict-comp "
     "generator await yield yield-from unary binary bool compare conditional named error").split()
S = ("none expr assign augmented annotated return raise delete assert pass break continue if for "
     "while with try handler match case function class import global nonlocal type error").split()
B = ("assign augmented annotated parameter function class import for with except named delete "
     "match global nonlocal type").split()
AWAITED, DROPPED, STORE, DELETE, DECORATOR, ANNOTATION, QUOTED = (1 << i for i in range(7))
KINDS = {
    "Name": "name", "Attribute": "attribute", "Call": "call", "keyword": "keyword",
    "Starred": "star", "Subscript": "subscript", "Slice": "slice", "JoinedStr": "fstring",
    "TemplateStr": "fstring", "List": "list", "Tuple": "tuple", "Set": "set", "Dict": "dict",
    "Lambda": "lambda", "ListComp": "list-comp", "SetComp": "set-comp", "DictComp": "dict-comp",
    "GeneratorExp": "generator", "Await": "await", "Yield": "yield", "YieldFrom": "yield-from",
    "UnaryOp": "unary", "BinOp": "binary", "BoolOp": "bool", "Compare": "compare",
    "IfExp": "conditional", "NamedExpr": "named",
}
STATEMENTS = {
    "Expr": "expr", "Assign": "assign", "AugAssign": "augmented", "AnnAssign": "annotated",
    "Return": "return", "Raise": "raise", "Delete": "delete", "Assert": "assert", "Pass": "pass",
    "Break": "break", "Continue": "continue", "If": "if", "For": "for", "AsyncFor": "for",
    "While": "while", "With": "with", "AsyncWith": "with", "Try": "try", "TryStar": "try",
    "ExceptHandler": "handler", "Match": "match", "match_case": "case", "FunctionDef": "function",
    "AsyncFunctionDef": "function", "ClassDef": "class", "Import": "import",
    "ImportFrom": "import", "Global": "global", "Nonlocal": "nonlocal", "TypeAlias": "type",
}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Mismatch(Exception):
    pass


def normal(name: str) -> str:
    return unicodedata.normalize("NFKC", name)


def text_of(raw: bytes) -> bytes:
    """The text as the analyzer sees it: UTF-8, no mark, no lone CR."""
    first = io.BytesIO(re.sub(rb"\r(?!\n)", b"\n", raw))
    encoding, _ = tokenize.detect_encoding(first.readline)
    return re.sub("\r(?!\n)", "\n", raw.decode(encoding)).encode()


def same(what: str, want: Counter, have: Counter) -> None:
    if want == have:
        return
    missing = sorted((want - have).elements(), key=str)
    extra = sorted((have - want).elements(), key=str)
    raise Mismatch(f"{what}: CPython alone {missing[:3]}, here alone {extra[:3]} "
                   f"({len(missing)} and {len(extra)})")


class Facts:
    """facts_dump's tables, with the places of what they refer to."""

    def __init__(self, tables: dict) -> None:
        self.__dict__.update(tables)
        self.names = [normal(name) if name else "" for name in tables["names"]]

    def kid_list(self, first: int, count: int) -> list:
        return self.kids[first:first + count]

    def ref(self, expr: int) -> tuple:
        row = self.exprs[expr]
        return (X[row[0]], row[3]) if expr else ()

    def quoted(self, expr: int) -> bool:
        return bool(self.exprs[expr][2] & QUOTED)


class Tree:
    """The same from CPython's ast."""

    def __init__(self, text: bytes, tree: ast.Module) -> None:
        self.text = text
        self.starts = [0] + [m.end() for m in re.finditer(rb"\n", text)]
        self.exprs: Counter = Counter()
        self.calls: Counter = Counter()
        self.stmts: Counter = Counter()
        self.functions: Counter = Counter()
        self.classes: Counter = Counter()
        self.imports: Counter = Counter()
        self.loops: Counter = Counter()
        self.flags: Counter = Counter()
        self.quoted: set = set()
        self.skipped: set = set()
        self.dropped = set()
        self.walk(tree)

    def at(self, node) -> int:
        return self.starts[node.lineno - 1] + node.col_offset

    def end(self, node) -> int:
        return self.starts[node.end_lineno - 1] + node.end_col_offset

    def kind(self, node: ast.AST) -> str:
        if isinstance(node, ast.Constant):
            value = node.value
            if isinstance(value, bool):
                return "true" if value else "false"
            if value is None:
                return "None"
            if value is ...:
                return "ellipsis"
            return {str: "string", bytes: "bytes", int: "int"}.get(type(value), "float")
        return KINDS.get(type(node).__name__, "")

    def ref(self, node) -> tuple:
        return (self.kind(node), self.at(node)) if node is not None else ()

    def walk(self, root: ast.AST) -> None:
        # Annotations that are strings are expressions here: those strings are looked for apart.
        todo = [(root, None)]
        while todo:
            node, parent = todo.pop()
            self.look(node)
            for field, value in ast.iter_fields(node):
                for child in value if isinstance(value, list) else [value]:
                    if type(node).__name__ == "TypeAlias" and field == "name":
                        continue
                    if isinstance(child, ast.AST) and not self.leave_out(node, field, child):
                        todo.append((child, node))

    def leave_out(self, node, field: str, child) -> bool:
        # Inside an f-string only what stands in braces counts.
        inside = isinstance(node, ast.JoinedStr) or type(node).__name__ == "TemplateStr"
        return (inside and isinstance(child, ast.Constant)) or isinstance(
            child, (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop))

    def look(self, node: ast.AST) -> None:
        kind = self.kind(node)
        name = type(node).__name__
        if kind and not (name == "JoinedStr" and id(node) in self.skipped):
            self.exprs[kind, self.at(node), self.end(node), self.name(node, kind)] += 1
        if name == "FormattedValue":
            self.without_braces(node.value)
            if node.format_spec is not None:
                self.skipped.add(id(node.format_spec))
                self.skip_spec(node.format_spec)
        if name in STATEMENTS:
            self.statement(node, STATEMENTS[name])
        if name == "Call":
            self.call(node)
        elif name == "Lambda" or isinstance(node, FUNCTIONS):
            self.function(node)
        elif name == "ClassDef":
            keywords = [("keyword", self.at(k)) for k in node.keywords if k.arg]
            stars = [("double-star",) for k in node.keywords if not k.arg]
            bases = [self.ref(b) for b in node.bases]
            self.classes[node.name, tuple(sorted(bases + keywords, key=str)), len(stars),
                         tuple(self.ref(d) for d in node.decorator_list)] += 1
        elif name == "Import":
            for alias in node.names:
                self.imports[alias.name, "", alias.asname or alias.name.partition(".")[0], 0] += 1
        elif name == "ImportFrom":
            for alias in node.names:
                bound = "" if alias.name == "*" else alias.asname or alias.name
                taken = "" if alias.name == "*" else alias.name
                self.imports[node.module or "", taken, bound, node.level] += 1
        elif name in ("For", "AsyncFor"):
            self.loops[self.ref(node.target), self.ref(node.iter), 0, name == "AsyncFor"] += 1
        elif name == "comprehension":
            self.loops[self.ref(node.target), self.ref(node.iter), len(node.ifs),
                       bool(node.is_async)] += 1
        elif name == "Await":
            self.flags["awaited", self.ref(node.value)] += 1
        elif name == "Expr":
            self.flags["dropped", self.ref(node.value)] += 1
            if isinstance(node.value, ast.Await):
                self.flags["dropped", self.ref(node.value.value)] += 1
        ctx = getattr(node, "ctx", None)
        if name in ("Name", "Attribute", "Subscript") and not isinstance(ctx, ast.Load):
            what = "store" if isinstance(ctx, ast.Store) else "delete"
            self.flags[what, self.ref(node)] += 1

    def without_braces(self, value) -> None:
        """`f"{1,}"`: before 3.12 the tuple had the place of the braces."""
        if isinstance(value, ast.Tuple) and self.text[self.at(value):][:1] == b"{":
            inside = self.text[self.at(value) + 1:self.end(value) - 1]
            value.col_offset += 1 + len(inside) - len(inside.lstrip())
            value.end_col_offset -= 1 + len(inside) - len(inside.rstrip())

    def skip_spec(self, spec) -> None:
        for value in spec.values:
            if isinstance(value, ast.JoinedStr):
                self.skipped.add(id(value))

    def name(self, node, kind: str) -> str:
        if kind == "name":
            return node.id
        if kind == "attribute":
            return node.attr
        if kind == "keyword":
            return node.arg or ""
        if kind == "string":
            value = node.value.encode("utf-8", "surrogatepass")
            surrogates = any("\ud800" <= c <= "\udfff" for c in node.value)
            if len(value) > 1023 or surrogates or rb"\N" in self.text[self.at(node):self.end(node)]:
                return ""
            return normal(value.decode("utf-8", "replace"))
        return ""

    def call(self, node: ast.Call) -> None:
        args = [("star",) if isinstance(a, ast.Starred) else self.ref(a) for a in node.args]
        args += [("keyword", k.arg, self.ref(k.value)) if k.arg else
                 ("double-star", self.ref(k.value)) for k in node.keywords]
        self.calls[self.at(node), self.end(node), self.ref(node.func),
                   tuple(sorted(args, key=str))] += 1

    def statement(self, node, kind: str) -> None:
        if kind == "case":
            self.stmts[kind, "", 0] += 1
            return
        start = self.at(node)
        decorators = getattr(node, "decorator_list", None)
        if decorators:
            start = self.text.rindex(b"@", 0, self.at(decorators[0]))
        # Parentheses belong to the statement here and not in the ast.
        place = (0, 0) if kind == "expr" else (start, self.end(node))
        # CPython lets a compound statement end behind its last semicolon.
        end = place[1]
        while kind != "expr" and self.text[end - 1:end] in (b";", b" ", b"\t"):
            end -= 1
        self.stmts[kind, place[0], end] += 1

    def function(self, node) -> None:
        a = node.args
        params = [("positional-only", p) for p in a.posonlyargs] + [("plain", p) for p in a.args]
        params += [("args", a.vararg)] if a.vararg else []
        params += [("keyword-only", p) for p in a.kwonlyargs]
        params += [("kwargs", a.kwarg)] if a.kwarg else []
        defaults = [self.ref(d) for d in [*a.defaults, *a.kw_defaults] if d is not None]
        names = tuple((kind, p.arg) for kind, p in params)
        own = list(own_nodes(node))
        yields = [n for n in own if isinstance(n, (ast.Yield, ast.YieldFrom))]
        yielded = sorted(self.ref(n.value) for n in yields
                         if isinstance(n, ast.Yield) and n.value is not None)
        if isinstance(node, ast.Lambda):
            returned = [self.ref(node.body)]
            name, is_async, trivial = "", False, False
        else:
            returned = sorted(self.ref(n.value) for n in own
                              if isinstance(n, ast.Return) and n.value is not None)
            name, is_async = node.name, isinstance(node, ast.AsyncFunctionDef)
            trivial = all(map(is_nothing, node.body))
        end = self.end(node)
        while self.text[end - 1:end] in (b";", b" ", b"\t"):
            end -= 1
        self.functions[name, self.at(node), end, is_async, bool(yields), trivial,
                       names, tuple(sorted(defaults)), tuple(returned), tuple(yielded)] += 1


def is_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Pass):
        return True
    if isinstance(node, ast.Expr):
        value = getattr(node.value, "value", None)
        return isinstance(node.value, ast.Constant) and (isinstance(value, str) or value is ...)
    if isinstance(node, ast.Raise):
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
    return False


def own_nodes(function):
    """What runs as part of a function itself: not what nested ones do."""
    todo = list(function.body) if isinstance(function.body, list) else [function.body]
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, FUNCTIONS):
            todo += [*node.decorator_list, *node.args.defaults]
            todo += [d for d in node.args.kw_defaults if d is not None]
        elif isinstance(node, ast.ClassDef):
            todo += [*node.decorator_list, *node.bases, *(k.value for k in node.keywords)]
        elif isinstance(node, ast.Lambda):
            todo += [*node.args.defaults, *(d for d in node.args.kw_defaults if d is not None)]
        else:
            todo += ast.iter_child_nodes(node)


# ---- Names that scopes bind ----


def wanted_scopes(table, found: list, inside: tuple) -> None:
    kind = str(table.get_type()).rpartition(".")[2].lower()
    if kind in ("annotation", "type_parameters", "type parameters", "type_variable", "type_alias",
                "type alias", "typevar bound", "type variable"):
        # Type parameters are bound in what they belong to.
        names = {s.get_name() for s in table.get_symbols() if s.is_local() and not
                 s.get_name().startswith(".")}
        for child in table.get_children():
            wanted_scopes(child, found, (inside[0], names - {"__classdict__"}))
        return
    names = {s.get_name() for s in table.get_symbols() if binds(s)}
    names -= {".0", "__class__", "__conditional_annotations__", "__classdict__", "__static_attributes__", "__type_params__", ".type_params", ".generic_base", ".defaults"}
    found.append((kind, table.get_lineno() if kind != "module" else 0, table.get_name(),
                  frozenset(names | inside[1])))
    for child in table.get_children():
        wanted_scopes(child, found, (kind, set()))


def binds(symbol) -> bool:
    return symbol.is_local() and (symbol.is_assigned() or symbol.is_parameter()
                                  or symbol.is_imported() or symbol.is_annotated())


def mangled(names: set, class_name: str) -> set:
    prefix = class_name.lstrip("_")
    return {f"_{prefix}{n}" if prefix and n.startswith("__") and not n.endswith("__")
            and "." not in n else n for n in names}


def have_scopes(facts: Facts, file: Tree) -> list:
    """Per scope: kind, its names. Global and nonlocal names belong to the scope that has them."""
    bound: dict = {}
    for b in facts.bindings[1:]:
        if B[b[0]] not in ("global", "nonlocal"):
            bound.setdefault(b[4], set()).add(facts.names[b[3]])
    found = []
    for i, scope in enumerate(facts.scopes):
        if not i:
            continue
        names = bound.get(i, set())
        around, class_name = i, ""
        while around and not class_name:
            if facts.scopes[around][0] == 2:
                class_name = facts.names[facts.classes[facts.scopes[around][2]][0]]
            around = facts.scopes[around][1]
        names = mangled(names, class_name)
        names.discard("__class__")
        if scope[0] == 1:
            found.append(("module", frozenset(names)))
        elif scope[0] == 2:
            found.append(("class", frozenset(names)))
        else:
            found.append(("function", frozenset(names)))
    return found


def check_scopes(facts: Facts, file: Tree, source: str, path: str) -> None:
    try:
        table = symtable.symtable(source, path, "exec")
    except (SyntaxError, ValueError, RecursionError):
        return
    found: list = []
    wanted_scopes(table, found, ("module", set()))
    # What functions bind below `global` is the module's here; symtable tells only by the function.
    declared = set()
    walk_globals(table, declared)
    have = Counter((kind, names - declared if kind == "module" else names)
                   for kind, names in have_scopes(facts, file))
    want = Counter((kind, names - declared if kind == "module" else names)
                   for kind, _, _, names in found)
    if sys.version_info >= (3, 12):
        # Its tables have the names of most comprehensions in the scope around: not told apart.
        targets = {facts.names[b[3]] for b in facts.bindings if facts.scopes[b[4]][0] == 4}
        want = Counter((kind, names - targets) for kind, names in want.elements()
                       if names - targets)
        have = Counter((kind, names - targets) for kind, names in have.elements()
                       if names - targets)
    same("scopes", want, have)


def walk_globals(table, names: set) -> None:
    for symbol in table.get_symbols():
        if symbol.is_declared_global():
            names.add(symbol.get_name())
    for child in table.get_children():
        walk_globals(child, names)


# ---- One file ----


def compare_tables(facts: Facts, file: Tree) -> None:
    quoted_at = {e[3] for e in facts.exprs if e[2] & QUOTED}
    have: Counter = Counter()
    for e in facts.exprs[1:]:
        kind = X[e[0]]
        if e[2] & QUOTED or kind in ("double-star", "error"):
            continue
        name = ""
        if kind in ("name", "attribute", "keyword", "string"):
            name = facts.names[e[5]]
        have[kind, e[3], e[4], name] += 1
    want = Counter()
    strings = Counter(k[1] for k in have if k[0] == "string")
    for key, count in file.exprs.items():
        # An annotation in quotes is what it says, not a string; \N{…} is kept as it is written.
        if key[0] == "string" and key[1] not in strings:
            inside = any(at in quoted_at for at in range(key[1] + 1, key[1] + 8))
            if inside:
                continue
        if key[0] == "keyword" and not key[3]:
            continue
        want[key] += count
    blank = {k[1] for k in want if k[0] == "string" and not k[3]}
    have = Counter({(k[:3] + ("",) if k[0] == "string" and k[1] in blank else k): n
                    for k, n in have.items()})
    patterns = pattern_places(file.tree_patterns)
    have = Counter({k: n for k, n in have.items() if not inside_pattern(k, patterns)})
    want = Counter({k: n for k, n in want.items() if not inside_pattern(k, patterns)})
    same("expressions", want, have)

    calls: Counter = Counter()
    flags: Counter = Counter()
    for i, e in enumerate(facts.exprs):
        for flag, word in ((AWAITED, "awaited"), (DROPPED, "dropped"), (STORE, "store"),
                           (DELETE, "delete")):
            if e[2] & flag:
                flags[word, facts.ref(i)] += 1
        if X[e[0]] != "call" or e[2] & QUOTED:
            continue
        callee, *args = facts.kid_list(e[7], e[8])
        shapes = []
        for arg in args:
            kind = X[facts.exprs[arg][0]]
            inner = facts.kid_list(facts.exprs[arg][7], facts.exprs[arg][8])
            shapes.append(("star",) if kind == "star" else
                          ("keyword", facts.names[facts.exprs[arg][5]], facts.ref(inner[0]))
                          if kind == "keyword" else
                          ("double-star", facts.ref(inner[0])) if kind == "double-star" else
                          facts.ref(arg))
        calls[e[3], e[4], facts.ref(callee), tuple(sorted(shapes, key=str))] += 1
    same("calls", file.calls, calls)
    same("flags", file.flags, flags)

    stmts: Counter = Counter()
    for s in facts.stmts[1:]:
        kind = S[s[0]]
        if kind == "case":
            stmts[kind, "", 0] += 1
        else:
            stmts[(kind, 0, 0) if kind == "expr" else (kind, s[4], s[5])] += 1
    same("statements", file.stmts, stmts)

    functions: Counter = Counter()
    words = ("positional-only", "plain", "args", "keyword-only", "kwargs")
    for f in facts.functions[1:]:
        params = facts.params[f[16]:f[16] + f[17]]
        functions[
            facts.names[f[0]], f[6], f[7], bool(f[1]), bool(f[2]), bool(f[5]),
            tuple((words[p[0]], facts.names[p[1]]) for p in params),
            tuple(sorted(facts.ref(p[5]) for p in params if p[5])),
            tuple(sorted(facts.ref(k) for k in facts.kid_list(f[20], f[21]))),
            tuple(sorted(facts.ref(k) for k in facts.kid_list(f[22], f[23])))] += 1
    same("functions", file.functions, functions)

    classes: Counter = Counter()
    for c in facts.classes[1:]:
        bases = [facts.ref(k) for k in facts.kid_list(c[10], c[11])]
        plain = [b for b in bases if b[0] != "double-star"]
        classes[facts.names[c[0]], tuple(sorted(plain, key=str)), len(bases) - len(plain),
                tuple(facts.ref(k) for k in facts.kid_list(c[12], c[13]))] += 1
    same("classes", file.classes, classes)

    imports = Counter((facts.names[m[0]], facts.names[m[1]], facts.names[m[2]], m[3])
                      for m in facts.imports[1:])
    same("imports", file.imports, imports)
    loops = Counter((facts.ref(l[0]), facts.ref(l[1]), l[6], bool(l[7]))
                    for l in facts.loops[1:])
    same("loops", file.loops, loops)


def pattern_places(nodes: list) -> list:
    return sorted(nodes)


def inside_pattern(key: tuple, patterns: list) -> bool:
    return any(start <= key[1] and key[2] <= end for start, end in patterns)


def check(raw: bytes, tree: ast.Module, answer: dict, path: str) -> str:
    if answer["status"] != 0:
        raise Mismatch(f"not opened: {answer['status']}")
    facts = Facts(answer["facts"])
    if len(facts.errors) > 1:
        return "broken"
    text = text_of(raw)
    file = Tree(text, tree)
    file.tree_patterns = [(file.at(n), file.end(n)) for n in ast.walk(tree)
                          if type(n).__name__.startswith("Match") and hasattr(n, "lineno")
                          and type(n).__name__ != "Match"]
    compare_tables(facts, file)
    check_scopes(facts, file, text.decode(), path)
    return "same"


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
    files = refused = wrong = broken = 0
    for path in paths:
        if time.monotonic() > deadline:
            break
        with open(path, "rb") as stream:
            raw = stream.read()
        tree = parse(raw)
        if tree is None:
            refused += 1
            continue
        process.stdin.write(os.fsencode(path) + b"\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline())
        files += 1
        try:
            if check(raw, tree, answer, path) == "broken":
                broken += 1
                if os.environ.get("SHOW_BROKEN"):
                    print(f"{path}: errors {answer['facts']['errors'][1:4]}")
        except Mismatch as error:
            wrong += 1
            print(f"{path}: {error}")
    process.stdin.close()
    process.wait()
    print(f"python {sys.version.split()[0]}: {files} of {len(paths)} files ({refused} not Python, "
          f"{broken} beyond the grammar), {wrong} mismatches", flush=True)
    if process.returncode:
        print(f"{tool} ended with {process.returncode}")
    return wrong or process.returncode or files == 0


def pythons() -> list:
    """Every Python on PATH that starts, each version once; before 3.9 an ast.Slice has no place."""
    found: dict = {}
    ask = "import sys; print(sys.version_info[:2], sys.version_info >= (3, 9))"
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
