#!/usr/bin/env python3
"""Writes analyzer/sdk_names.def: every public name of temporalio, version by version.

    tools/sdk_names.py --python python3 > analyzer/sdk_names.def

Each minor version from 1.5 on is installed by name into a folder of its own, with what it asks for,
and looked at by a clean interpreter. A name that a module merely imports from elsewhere (while
temporalio.workflow was one file it had `uuid` and `timedelta`) is no name of the SDK. A row:

    AK_SDK("temporalio.activity.Info.task", VALUE, 0x7fffffff, NULL, "")

dotted name, kind, versions (bit 0 is 1.5), class of what a call gives, parameters. Parameters
stand in the order of the newest version that has the name: "activity arg * args summary=7ff00000"; those behind
`*` go by keyword only, `**` takes any keyword, `=` tells the versions of one that not all have, and
`?` means that nothing is known.
"""

import argparse
import ast
import enum
import importlib
import inspect
import json
import os
import pkgutil
import re
import subprocess
import sys
import tempfile
import typing

FIRST_MINOR = 5
OPEN_PACKAGES = ("temporalio.api", "temporalio.bridge")
# One that reads the generated code of all versions.
CONSTRAINTS = ["protobuf<6"]
EXTRAS = ["pydantic", "opentelemetry-api", "opentelemetry-sdk"]


def is_private(dotted):
    return any(part.startswith("_") for part in dotted.split("."))


# ---- In the clean interpreter ----


def module_names(package):
    yield package.__name__
    for info in pkgutil.walk_packages(package.__path__, package.__name__ + ".", onerror=lambda name: None):
        if not is_private(info.name) and not info.name.startswith(OPEN_PACKAGES):
            yield info.name


def taken_from_elsewhere(module):
    """Names that the module's text binds by importing from outside temporalio."""
    names = set()
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.Import):
            names |= {(a.asname or a.name).split(".")[0] for a in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and not (node.module or "").startswith("temporalio"):
            names |= {a.asname or a.name for a in node.names}
    return names


def is_own(name, value, elsewhere):
    if inspect.ismodule(value):
        return False
    if inspect.isclass(value) or inspect.isroutine(value):
        return (getattr(value, "__module__", None) or "").startswith("temporalio")
    return name not in elsewhere


def parameters(value, bound):
    try:
        found = list(inspect.signature(value).parameters.values())
    except (TypeError, ValueError):
        return None
    if bound:
        found = found[1:]
    words, starred = [], False
    for p in found:
        if p.kind is p.KEYWORD_ONLY and not starred:
            words.append("*")
            starred = True
        if p.kind is p.VAR_POSITIONAL:
            words.append("*" + p.name)
            starred = True
        elif p.kind is p.VAR_KEYWORD:
            words.append("**")
        else:
            words.append(p.name)
            if p.kind is p.POSITIONAL_ONLY:
                words.append("/")
    return words


def returned_class(value):
    """The SDK class that a call (an awaited one) surely gives."""
    try:
        hint = typing.get_type_hints(value).get("return")
    except Exception:
        return None
    hint = typing.get_origin(hint) or hint
    if not inspect.isclass(hint) or not hint.__module__.startswith("temporalio"):
        return None
    return public_name(hint)


def public_name(cls):
    """Where users find a class that is defined in a private module."""
    if cls.__module__.startswith(OPEN_PACKAGES):
        return None
    parts = cls.__module__.split(".")
    while any(part.startswith("_") for part in parts):
        parts.pop()
    name = ".".join(parts) + "." + cls.__qualname__
    return None if is_private(name) else name


def callable_row(value, bound=False):
    return {
        "kind": "ASYNC" if inspect.iscoroutinefunction(value) else "FUNCTION",
        "params": parameters(value, bound),
        "returns": returned_class(value),
    }


def is_plain_class(cls):
    """Whether the class is built as its signature says: no enum, typed dict, protocol."""
    return not issubclass(cls, (dict, int, str)) and not getattr(cls, "_is_protocol", False)


def is_remote(cls):
    """Whether the class has the calls of a server's interface, of no interest here."""
    return cls.__module__.startswith("temporalio.") and cls.__name__.endswith("Service")


def own_attributes(cls):
    """Names that instances have beside those of dir: annotated, or set through self."""
    names = set()
    if issubclass(cls, enum.Enum):
        names |= {"name", "value"}
    for base in cls.__mro__:
        names |= set(base.__dict__.get("__annotations__", {}))
        if not base.__module__.startswith("temporalio"):
            continue
        try:
            text = inspect.getsource(base)
        except (OSError, TypeError):
            continue
        names |= set(re.findall(r"\bself\.([A-Za-z]\w*)\s*(?::[^=\n]+)?=[^=]", text))
    return names


def class_rows(dotted, cls):
    opened = any("__getattr__" in base.__dict__ or is_remote(base) for base in cls.__mro__)
    rows = {
        dotted: {
            "kind": "OPEN_CLASS" if opened else "CLASS",
            "params": parameters(cls, False) if is_plain_class(cls) else None,
            "returns": None,
        }
    }
    if opened:
        return rows
    for name in sorted(set(dir(cls)) | own_attributes(cls)):
        if name.startswith("_"):
            continue
        value = inspect.getattr_static(cls, name, None)
        if isinstance(value, (staticmethod, classmethod)):
            rows[f"{dotted}.{name}"] = callable_row(getattr(cls, name))
        elif inspect.isfunction(value):
            rows[f"{dotted}.{name}"] = callable_row(value, bound=True)
        elif inspect.isclass(value) and (value.__module__ or "").startswith("temporalio"):
            rows.update(class_rows(f"{dotted}.{name}", value))
        elif inspect.isroutine(value):
            rows[f"{dotted}.{name}"] = {"kind": "FUNCTION", "params": None, "returns": None}
        else:
            rows[f"{dotted}.{name}"] = {"kind": "VALUE", "params": None, "returns": None}
    return rows


def module_rows(module):
    rows = {}
    elsewhere = taken_from_elsewhere(module)
    for name, value in sorted(vars(module).items()):
        dotted = f"{module.__name__}.{name}"
        if name.startswith("_") or not is_own(name, value, elsewhere):
            continue
        if inspect.isclass(value):
            rows.update(class_rows(dotted, value))
        elif inspect.isroutine(value):
            rows[dotted] = callable_row(value)
        else:
            rows[dotted] = {"kind": "VALUE", "params": None, "returns": None}
    return rows


def look():
    import temporalio

    rows = {name: {"kind": "OPEN", "params": None, "returns": None} for name in OPEN_PACKAGES}
    for name in module_names(temporalio):
        row = {"kind": "MODULE", "params": None, "returns": None}
        try:
            module = importlib.import_module(name)
            rows.update(module_rows(module))
            if hasattr(module, "__getattr__"):
                row["kind"] = "OPEN"
        except ImportError:
            row["kind"] = "OPEN"  # asks for a package that is not here
        rows[name] = row
    json.dump(rows, sys.stdout)


# ---- Outside ----


def newest_of_each_minor(python):
    text = subprocess.run([python, "-m", "pip", "index", "versions", "temporalio"], check=True, capture_output=True, text=True).stdout
    newest = {}
    for major, minor, patch in re.findall(r"(\d+)\.(\d+)\.(\d+)", text.split("Available versions:")[1].splitlines()[0]):
        if major == "1" and int(minor) >= FIRST_MINOR:
            newest[int(minor)] = max(newest.get(int(minor), -1), int(patch))
    return {minor: f"1.{minor}.{patch}" for minor, patch in sorted(newest.items())}


def rows_of(python, version):
    with tempfile.TemporaryDirectory() as folder:
        install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary", ":all:", "--target", folder]
        subprocess.run(install + [f"temporalio=={version}"] + CONSTRAINTS + EXTRAS, check=True, stdout=sys.stderr)
        env = {**os.environ, "PYTHONPATH": folder, "PYTHONWARNINGS": "ignore"}
        done = subprocess.run([python, "-S", __file__, "--look"], check=True, capture_output=True, text=True, env=env)
    return json.loads(done.stdout)


def parameter_text(seen, mask):
    """seen: minor → words or None."""
    newest = seen[max(seen)]
    if any(words is None for words in seen.values()):
        return "?"
    masks = {}
    for minor, words in seen.items():
        for word in words:
            masks[word] = masks.get(word, 0) | 1 << (minor - FIRST_MINOR)
    gone = [word for word in masks if word not in newest and word not in ("*", "/")]
    words = list(newest)
    if gone and "*" not in words and not any(word.startswith("*") for word in words):
        words.append("*")
    words = [word for word in words + gone if word != "**"] + (["**"] if "**" in masks else [])
    return " ".join(w if w in ("*", "/", "**") or masks[w] == mask else f"{w}={masks[w]:x}" for w in words)


def write(versions):
    """versions: minor → rows."""
    print("/* Made by tools/sdk_names.py; see there. */")
    for dotted in sorted({name for rows in versions.values() for name in rows}):
        have = {minor: rows[dotted] for minor, rows in versions.items() if dotted in rows}
        mask = sum(1 << (minor - FIRST_MINOR) for minor in have)
        newest = have[max(have)]
        kind = next((k for k in ("OPEN", "OPEN_CLASS") if any(row["kind"] == k for row in have.values())), newest["kind"])
        returns = f'"{newest["returns"]}"' if newest["returns"] else "NULL"
        params = ""
        if kind in ("FUNCTION", "ASYNC", "CLASS", "OPEN_CLASS"):
            params = parameter_text({minor: row["params"] for minor, row in have.items()}, mask)
        print(f'AK_SDK("{dotted}", {kind}, 0x{mask:x}, {returns}, "{params}")')


def kept_rows(options, version):
    if not options.keep:
        return rows_of(options.python, version)
    path = os.path.join(options.keep, version + ".json")
    if not os.path.exists(path):
        rows = rows_of(options.python, version)
        with open(path, "w") as file:
            json.dump(rows, file)
    with open(path) as file:
        return json.load(file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", default=sys.executable, help="an interpreter that all versions run on")
    parser.add_argument("--look", action="store_true", help="show the names of the installed version as JSON")
    parser.add_argument("--keep", help="a folder that keeps the names of each version, for the next time")
    options = parser.parse_args()
    if options.look:
        look()
        return
    found = {}
    for minor, version in newest_of_each_minor(options.python).items():
        found[minor] = kept_rows(options, version)
        print(f"{version}: {len(found[minor])} names", file=sys.stderr)
    write(found)


if __name__ == "__main__":
    main()
