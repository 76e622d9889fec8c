"""Where Temporal's SDK refuses a workflow at import, at preparation or at its first task, aklint says so
at the same line, and says it before. The SDK is asked through sdk_oracle.py; it must be installed."""
import contextlib
import importlib.util
import json
import pathlib
import subprocess
import sys

import pytest

from conftest import aklint, unavailable

ORACLE = pathlib.Path(__file__).with_name("sdk_oracle.py")

HEAD = "from temporalio import workflow\n"
FLOW = """

@workflow.defn
class Flow:
    @workflow.run
    async def run(self) -> None:
        {line}  # here
"""


def restricted():
    """Lines that use each member that the SDK's sandbox restricts, as (imports, line)."""
    from temporalio.worker.workflow_sandbox import SandboxRestrictions

    lines = {}

    def members(module, matcher):
        for name in matcher.use | matcher.access:
            if name != "*":
                yield name
            else:
                yield from (n for n in dir(module) if not n.startswith("_") and callable(getattr(module, n, None))
                            and getattr(getattr(module, n), "__module__", module.__name__) in (module.__name__, "_" + module.__name__, "posix"))

    def visit(path, matcher):
        if matcher.exclude and not matcher.use and not matcher.children:
            return
        try:
            module = importlib.import_module(path)
        except Exception:
            return
        for name in sorted(set(members(module, matcher))):
            if name in matcher.exclude or isinstance(getattr(module, name, None), type(sys)):
                continue
            target = getattr(module, name, None)
            if callable(target) and not (isinstance(target, type) and issubclass(target, BaseException)):
                lines[f"{path}.{name}"] = (f"import {path}", f"{path}.{name}()")
        for name, child in matcher.children.items():
            # A module below is there when somebody has imported it.
            with contextlib.suppress(ImportError):
                importlib.import_module(f"{path}.{name}")
            target = getattr(module, name, None)
            if isinstance(target, type):
                for member in sorted(child.use):
                    if hasattr(target, member):
                        made = f"{path}.{name}('x')" if path == "pathlib" and member not in ("cwd", "home") else f"{path}.{name}"
                        lines[f"{path}.{name}.{member}"] = (f"import {path}", f"{made}.{member}()")
            elif isinstance(target, type(sys)):
                visit(f"{path}.{name}", child)

    for path, matcher in SandboxRestrictions.invalid_module_members_default.children.items():
        if path not in ("__builtins__", "asyncio"):
            visit(path, matcher)
    lines["open"] = ("", "open('x')")
    lines["input"] = ("", "input()")
    lines["breakpoint"] = ("", "breakpoint()")
    if sys.version_info < (3, 14):  # os.path itself is watched, which has no members of its own above
        for name in ("basename", "dirname", "isabs", "normcase", "normpath", "split", "splitext"):
            lines[f"os.path.{name}"] = ("import os", f"os.path.{name}('a')")
        lines["os.path.join"] = ("import os.path as paths", "paths.join('a', 'b')")
    return lines


SHAPES = {
    "alias of a module": ("import datetime as d", "d.datetime.now()"),
    "alias of a name": ("from time import time as now", "now()"),
    "star import": ("from random import *", "randint(1, 2)"),
    "bound to a name": ("import random\npick = random.choice", "pick([1])"),
    "getattr": ("import time", "getattr(time, 'time_ns')()"),
    "lambda": ("import time", "(lambda: time.time())()"),
    "comprehension": ("import random", "[random.random() for _ in range(1)]"),
    "callback": ("import time", "sorted([1, 2], key=lambda _: time.time())"),
    "default_factory": ("import time\nfrom dataclasses import dataclass, field\n\n\n@dataclass\nclass Row:\n    at: float = field(default_factory=time.time)  # sink", "Row()"),
    "through a helper": ("import uuid\n\n\ndef helper():\n    return uuid.uuid4()  # sink", "helper()"),
    "through a method": ("import uuid\n\n\nclass Ids:\n    def next(self):\n        return uuid.uuid4()  # sink", "Ids().next()"),
    "through a property": ("import uuid\n\n\nclass Ids:\n    @property\n    def next(self):\n        return uuid.uuid4()  # sink", "Ids().next"),
    "inside an f-string": ("import time", "f'{time.time()}'"),
    "in a condition": ("import random", "1 if random.random() > 2 else 0"),
    "partial": ("import functools\nimport random", "functools.partial(random.randint, 1, 2)()"),
    "asyncio.wait": ("import asyncio", "await asyncio.wait([asyncio.create_task(asyncio.sleep(1))])"),
    "asyncio.as_completed": ("import asyncio", "list(asyncio.as_completed([asyncio.create_task(asyncio.sleep(1))]))"),
    "module level": ("import random\n\nX = random.random()  # sink", "print_nothing = X"),
    "default argument": ("import datetime\n\n\ndef at(now=datetime.datetime.now()):  # sink\n    return now", "at()"),
    "nested function": ("import time", "(lambda f: f())(lambda: time.time())"),
    "map": ("import time", "list(map(time.ctime_missing if False else (lambda _: time.time()), [1]))"),
}


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory):
    if importlib.util.find_spec("temporalio") is None:
        unavailable("the Python package temporalio is not installed")
    folder = tmp_path_factory.mktemp("oracle")
    cases = {}
    for i, (name, (imports, line)) in enumerate({**restricted(), **SHAPES}.items()):
        file = folder / f"case_{i}.py"
        file.write_text(HEAD + imports + FLOW.format(line=line))
        cases[file.name] = name
    files = sorted(folder.glob("*.py"))
    asked = subprocess.run([sys.executable, str(ORACLE), *map(str, files)], capture_output=True, text=True, timeout=300)
    said = {row["file"]: row for row in map(json.loads, asked.stdout.splitlines())}
    assert len(said) == len(files), asked.stderr[-2000:]
    found = {}
    done = aklint("check", "--format", "json", ".", cwd=folder)
    for finding in json.loads(done.stdout):
        found.setdefault(pathlib.Path(finding["filename"]).name, []).append(finding)
    return folder, cases, said, found


def wanted_line(folder, row):
    lines = (folder / row["file"]).read_text().splitlines()
    mark = [i for i, line in enumerate(lines, 1) if line.endswith("# sink")] or [i for i, line in enumerate(lines, 1) if line.endswith("# here")]
    return row["line"] or mark[0]


def speaks_of(finding, line):
    """Its own line, or one of its trail: a C function that a dataclass calls has no line of its own."""
    return finding["location"]["row"] <= line <= finding["end_location"]["row"] or line in [step["location"]["row"] for step in finding["trail"]]


def test_every_refusal_of_the_sdk_is_found_at_its_line(verdicts, capsys):
    folder, cases, said, found = verdicts
    refused = [row for row in said.values() if row["stage"] != "ok"]
    missed = []
    for row in refused:
        line = wanted_line(folder, row)
        if not any(f["code"].startswith("AK3") and speaks_of(f, line) for f in found.get(row["file"], [])):
            missed.append(f"{cases[row['file']]} (line {line}, {row['stage']}): {[(f['code'], f['location']['row']) for f in found.get(row['file'], [])]}")
    with capsys.disabled():
        print(f"\nSDK oracle: {len(said)} programs, {len(refused)} refused by the SDK, {len(refused) - len(missed)} found at the same line")
    assert len(refused) > 300
    assert not missed, "\n".join(missed)
