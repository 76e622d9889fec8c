"""Programs of sizes that nobody writes by hand: time grows with the size, memory stays bounded, nothing crashes.

Each shape is checked at a size and at twice that size, under a stack of 8 MB. What counts is the CPU
time of the child, the best of two runs, of six where a busy machine wants them; sizes are such that it can be told
from a start. docs/performance.md has the figures; this file prints them with
`python3 tests/e2e/test_scale.py`. What is found in such programs, and by which way, is tests/test_scale.c's.
"""
import math
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from conftest import program  # noqa: E402

FLOW = """\
import time

from temporalio import workflow
{imports}

@workflow.defn
class Flow:
    @workflow.run
    async def run(self) -> None:
        {call}
"""
MOST_MEGABYTES = 700
SLACK = 1.6  # what caches and other programs add to 2 or 4; the next power would be twice as much
# Besides its path, which is held once: a record of the walk (40) and one of the program (240), and places in lists and
# tables that double (some 230). It was 800 when the walk had a map of its own, and twice the path more.
BYTES_A_FILE = 620


def recursive_functions(n):
    """A cycle of n functions; the last reads the clock as well."""
    calls = "".join(f"def f{i}(x):\n    return f{(i + 1) % n}(x - 1)\n\n\n" for i in range(n - 1))
    last = f"def f{n - 1}(x):\n    time.time()\n    return f0(x)\n"
    return {"flow.py": FLOW.format(imports="from chain import f0", call="f0(3)"), "chain.py": "import time\n\n\n" + calls + last}


def importing_modules(n):
    """A circle of n modules, each with a function that calls the next one's."""
    files = {f"m{i}.py": f"import m{(i + 1) % n}\n\n\ndef go():\n    return m{(i + 1) % n}.go()\n" for i in range(n - 1)}
    files[f"m{n - 1}.py"] = "import time\nimport m0\n\n\ndef go():\n    return time.time()\n"
    return {"flow.py": FLOW.format(imports="import m0", call="m0.go()"), **files}


def deep_classes(n):
    """Each class derives from the one before; the call is in the first."""
    classes = "".join(f"class C{i}(C{i - 1}):\n    def own{i}(self):\n        return {i}\n\n\n" for i in range(1, n))
    return {"flow.py": FLOW.format(imports=f"from classes import C{n - 1}", call=f"C{n - 1}().work()"),
            "classes.py": "import time\n\n\nclass C0:\n    def work(self):\n        return time.time()\n\n\n" + classes}


def long_workflow(n):
    """One run of n lines, with calls, branches and loops."""
    body = "".join(f"        x{i % 50} = helper({i})\n        if x{i % 50}:\n            total += x{i % 7}\n"
                   f"        for y in range({i % 9}):\n            total -= y\n" for i in range(n // 5))
    return {"flow.py": "import time\n\nfrom temporalio import workflow\n\n\ndef helper(x):\n    return x\n\n\n@workflow.defn\nclass Flow:\n"
            "    @workflow.run\n    async def run(self) -> float:\n        total = 0\n" + "        x0 = x1 = x2 = x3 = x4 = x5 = x6 = 0\n"
            + body + "        return time.time()\n"}


def attribute_chain(n):
    return {"flow.py": FLOW.format(imports="", call="self.x" + ".x" * n + "()\n        time.time()")}


def power_tower(n):
    return {"flow.py": FLOW.format(imports="", call="a = 1\n        b = " + "**".join("a" * n) + "\n        time.time()")}


def all_to_all(n):
    """n functions, each of which calls all: n * n calls."""
    calls = "".join(f"    f{i}()\n" for i in range(n))
    bodies = "".join(f"def f{i}():\n{calls}\n\n" for i in range(n - 1)) + f"def f{n - 1}():\n{calls}    time.time()\n"
    return {"flow.py": FLOW.format(imports="from mesh import f0", call="f0()"), "mesh.py": "import time\n\n\n" + bodies}


def star_circle(n):
    """A package that takes all names of its n modules by stars; each module takes the same one of them from the package."""
    files = {f"pack/m{i}.py": f"from . import clock\n\n\ndef go{i}():\n    return clock.now()\n" for i in range(n)}
    return {"flow.py": FLOW.format(imports="from pack import go0", call="go0()"), **files,
            "pack/clock.py": "import time\n\n\ndef now():\n    return time.time()\n",
            "pack/__init__.py": "".join(f"from .m{i} import *\n" for i in range(n))}


def star_diamonds(n):
    """Two modules a level, each of which takes all names of both below it: 2**n ways to look for names that are nowhere."""
    files = {f"{side}{i}.py": f"from a{i + 1} import *\nfrom b{i + 1} import *\n" for side in "ab" for i in range(n)}
    unknown = "".join(f"nowhere{i}()\n        " for i in range(100))
    return {"flow.py": FLOW.format(imports="from a0 import *", call=unknown + "go()"), **files,
            f"a{n}.py": "", f"b{n}.py": "import time\n\n\ndef go():\n    return time.time()\n"}


# name, what is made, its smaller size, what a doubled size multiplies the work by
SHAPES = [
    ("mutually recursive functions", recursive_functions, 5000, 1),
    ("modules that import each other", importing_modules, 5000, 1),
    ("classes that derive from each other", deep_classes, 600, 2),
    ("lines of one workflow", long_workflow, 40_000, 1),
    ("functions that call each other all to all", all_to_all, 150, 2),
    ("modules of a package that takes all their names by stars", star_circle, 800, 2),
    ("levels of two modules that take all names of the level below", star_diamonds, 16, 1),
]
# What is deep and costs no time.
DEEP = [("links of an attribute chain", attribute_chain, 5000), ("terms of a power of powers", power_tower, 400_000)]
NOTHING = 0.05


def limit_stack():
    resource.setrlimit(resource.RLIMIT_STACK, (8 << 20, resource.getrlimit(resource.RLIMIT_STACK)[1]))


def cost(folder):
    """CPU seconds, megabytes and output of one check."""
    done = subprocess.Popen([program("aklint"), str(folder), "--isolated", "--no-cache", "--select", "AK0,AK3", "--format", "concise"],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=limit_stack)
    out = done.stdout.read()
    _, status, usage = os.wait4(done.pid, 0)
    done.returncode = os.waitstatus_to_exitcode(status)
    done.stdout.close()
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, done.returncode, out


def put(folder, make, size):
    for name, text in make(size).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def measure(folder):
    runs = [cost(folder) for _ in range(2)]
    return min(run[0] for run in runs), max(run[1] for run in runs), runs[0][2], runs[0][3]


@pytest.mark.parametrize("name, make, size, power", SHAPES, ids=[shape[1].__name__ for shape in SHAPES])
def test_twice_the_size_is_about_twice_the_time(tmp_path, name, make, size, power):
    folders = put(tmp_path / "small", make, size), put(tmp_path / "large", make, 2 * size)
    small = large = math.inf
    for _ in range(3):
        small = min(small, measure(folders[0])[0])
        seconds, megabytes, code, out = measure(folders[1])
        large = min(large, seconds)
        assert code == 1 and "AK301" in out, out[-500:]
        assert megabytes < MOST_MEGABYTES
        if large <= SLACK * 2 ** power * max(small, NOTHING):
            return
    pytest.fail(f"{small:.3f} s became {large:.3f} s")


@pytest.mark.parametrize("name, make, size", DEEP, ids=[shape[1].__name__ for shape in DEEP])
def test_what_is_deep_crashes_nothing(tmp_path, name, make, size):
    _, megabytes, code, out = measure(put(tmp_path / "deep", make, size))
    assert code == 1 and "AK301" in out, out[-500:]
    assert megabytes < MOST_MEGABYTES


def loud_tree(folder, files):
    """Files that name nothing durable, and one with more findings than a pipe holds."""
    calls = "        time.time()\n" * 400
    (folder / "many").mkdir(parents=True)
    (folder / "flow.py").write_text(FLOW.format(imports="", call="pass") + calls)
    for n in range(files):
        (folder / "many" / f"module_{n}.py").write_text("import json\n\n\ndef first(text):\n    return json.loads(text)[0]\n")


def highest_kilobytes(folder):
    """Of the program's own memory, read while it waits for somebody to take its report: what wait4 tells begins with
    the memory of the process that started it."""
    with subprocess.Popen([program("aklint"), "--isolated", "--no-cache", "--format", "json", str(folder)], stdout=subprocess.PIPE) as run:
        begin = run.stdout.read(1)
        status = pathlib.Path(f"/proc/{run.pid}/status").read_text()
        rest = run.stdout.read()
    assert begin == b"[" and rest.count(b"AK301") >= 400 and run.returncode == 1
    return int(status.split("VmHWM:")[1].split()[0])


@pytest.mark.skipif("AK_SANITIZED" in os.environ, reason="a sanitizer takes memory of its own")
def test_a_file_that_nothing_wants_costs_its_record_and_its_path(tmp_path):
    loud_tree(tmp_path / "small", 1000)
    loud_tree(tmp_path / "large", 5000)
    small, large = (highest_kilobytes(tmp_path / name) for name in ("small", "large"))
    length = len(str(tmp_path / "large" / "many" / "module_1000.py"))
    assert (large - small) * 1024 / 4000 < BYTES_A_FILE + length, (small, large, length)


def main():
    print("| what | size | CPU seconds | at twice the size | factor | MB |\n|---|---|---|---|---|---|")
    for name, make, size, _ in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            small, _, _, _ = measure(put(pathlib.Path(folder) / "small", make, size))
            large, megabytes, code, out = measure(put(pathlib.Path(folder) / "large", make, 2 * size))
        print(f"| {name} | {size:,} | {small:.2f} | {large:.2f} | {large / small:.1f} | {megabytes:.0f} |"
              + f" exit {code} {'AK301' in out}" * (os.environ.get("AK_VERBOSE") == "1"), flush=True)


if __name__ == "__main__":
    main()
