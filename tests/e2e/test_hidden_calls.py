"""Generated programs: a clock behind random layers of names, modules, classes and callbacks is found;
its harmless twin, the same program around `dict`, is silent.

Each layer takes a callable of no arguments, as an expression that is valid in the module at hand, and
gives another one that calls it. AK_HIDDEN says how many programs (default 300), AK_HIDDEN_SEED with which
seed. A program that fails is printed whole.
"""
import json
import os
import random

from conftest import aklint

COUNT = int(os.environ.get("AK_HIDDEN", "300"))
SEED = int(os.environ.get("AK_HIDDEN_SEED", "7"))


class Program:
    """Modules written from the innermost to the outermost; `lines` is the one at hand."""

    def __init__(self, base, rng):
        self.rng, self.files, self.n, self.base = rng, {}, 0, base
        self.name, self.lines = "m0", ["import functools", "import time"]

    def fresh(self, prefix):
        self.n += 1
        return f"{prefix}{self.n}"

    def add(self, text):
        self.lines.append(text)

    def next_module(self, path=None, text=None):
        """Ends the module at hand and begins another; returns the dotted name of the old one."""
        old = self.name
        self.files[old.replace(".", "/") + ".py"] = "\n".join(self.lines) + "\n"
        if path:
            self.files[path] = text
        self.name, self.lines = self.fresh("m"), ["import functools"]
        return old


def define(p, e, body, sig="", kind="def"):
    f = p.fresh("f")
    p.add(f"{kind} {f}({sig}):\n    {body}\n")
    return f


def alias(p, e):
    x = p.fresh("x")
    p.add(f"{x} = {e}")
    return x


def function(p, e):
    return define(p, e, f"return {e}()")


def from_import(p, e):
    f, alias_name = function(p, e), p.fresh("g")
    p.add(f"from {p.next_module()} import {f} as {alias_name}")
    return alias_name


def module_attribute(p, e):
    f = function(p, e)
    old = p.next_module()
    p.add(f"import {old}")
    return f"{old}.{f}"


def star(p, e):
    f = function(p, e)
    p.add(f"from {p.next_module()} import *")
    return f


def package(p, e):
    f, pack = function(p, e), p.fresh("pack")
    p.name = f"{pack}.inner"
    p.next_module(f"{pack}/__init__.py", f"from .inner import {f} as exported\n")
    p.add(f"from {pack} import exported as {f}x")
    return f"{f}x"


def late_import(p, e):
    f = function(p, e)
    old = p.next_module()
    return define(p, e, f"from {old} import {f}\n    return {f}()")


def guarded_import(p, e):
    f = function(p, e)
    old = p.next_module()
    p.add(f"try:\n    from {old} import {f}\nexcept ImportError:\n    {f} = None")
    return f


def method(p, e):
    c = p.fresh("C")
    p.add(f"class {c}:\n    def go(self):\n        return {e}()\n")
    return f"{c}().go"


def static(p, e):
    c = p.fresh("C")
    p.add(f"class {c}:\n    @staticmethod\n    def go():\n        return {e}()\n")
    return f"{c}.go"


def class_method(p, e):
    c = p.fresh("C")
    p.add(f"class {c}:\n    @classmethod\n    def go(cls):\n        return {e}()\n")
    return f"{c}.go"


def base_class(p, e):
    b, c = p.fresh("B"), p.fresh("C")
    p.add(f"class {b}:\n    def go(self):\n        return {e}()\n")
    old = p.next_module()
    p.add(f"from {old} import {b}\n\n\nclass {c}({b}):\n    def start(self):\n        return self.go()\n")
    return f"{c}().start"


def super_call(p, e):
    b, c = p.fresh("B"), p.fresh("C")
    p.add(f"class {b}:\n    def go(self):\n        return {e}()\n")
    p.add(f"class {c}({b}):\n    def go(self):\n        return super().go()\n")
    return f"{c}().go"


def override(p, e):
    b, c = p.fresh("B"), p.fresh("C")
    p.add(f"class {b}:\n    def start(self):\n        return self.go()\n\n    def go(self):\n        raise NotImplementedError\n")
    p.add(f"class {c}({b}):\n    def go(self):\n        return {e}()\n")
    return f"{c}().start"


def attribute(p, e):
    c = p.fresh("C")
    p.add(f"class {c}:\n    def __init__(self):\n        self.fn = {e}\n\n    def go(self):\n        return self.fn()\n")
    return f"{c}().go"


def injected(p, e):
    c = p.fresh("C")
    p.add(f"class {c}:\n    def __init__(self, fn):\n        self.fn = fn\n\n    def go(self):\n        return self.fn()\n")
    return define(p, e, f"return {c}({e}).go()")


def prop(p, e):
    c = p.fresh("C")
    p.add(f"class {c}:\n    @property\n    def value(self):\n        return {e}()\n")
    return define(p, e, f"return {c}().value")


def dunder(p, e):
    c = p.fresh("C")
    name, sig, use = p.rng.choice([
        ("__call__", "self", "{c}()()"), ("__getitem__", "self, i", "{c}()[0]"), ("__len__", "self", "len({c}())"),
        ("__str__", "self", "f'{{{c}()}}'"), ("__add__", "self, o", "{c}() + 1"), ("__lt__", "self, o", "{c}() < 1"),
        ("__contains__", "self, o", "1 in {c}()"), ("__bool__", "self", "str({c}()) if {c}() else 0"),
        ("__iter__", "self", "list({c}())"), ("__enter__", "self", "use_{c}()"), ("__getattr__", "self, n", "{c}().x"),
        ("__getitem__", "self, i", "sorted({c}())")])
    p.add(f"class {c}:\n    def {name}({sig}):\n        return {e}()\n")
    if name == "__enter__":
        p.lines[-1] += "\n    def __exit__(self, *a):\n        pass\n"
        p.add(f"def use_{c}():\n    with {c}():\n        pass\n")
    if name == "__bool__":
        return define(p, e, f"if {c}():\n        return 1")
    return define(p, e, "return " + use.format(c=c))


def decorated(p, e):
    d, f = p.fresh("d"), p.fresh("f")
    p.add(f"def {d}(fn):\n    @functools.wraps(fn)\n    def wrapper(*args):\n        return fn(*args)\n    return wrapper\n")
    p.add(f"@{d}\ndef {f}():\n    return {e}()\n")
    return f


def decorator_body(p, e):
    d, f = p.fresh("d"), p.fresh("f")
    p.add(f"def {d}(fn):\n    def wrapper(*args):\n        {e}()\n        return fn(*args)\n    return wrapper\n")
    p.add(f"@{d}\ndef {f}():\n    return 1\n")
    return f


def factory(p, e):
    d, f = p.fresh("d"), p.fresh("f")
    p.add(f"def {d}(n):\n    def deco(fn):\n        def wrapper(*args):\n            return fn(*args)\n        return wrapper\n    return deco\n")
    p.add(f"@{d}(3)\ndef {f}():\n    return {e}()\n")
    return f


def callback(p, e):
    a = p.fresh("apply")
    p.add(f"def {a}(fn, *args):\n    return fn(*args)\n")
    return define(p, e, f"return {a}({e})")


def deep_callback(p, e):
    a, b = p.fresh("apply"), p.fresh("apply")
    p.add(f"def {a}(*, fn):\n    return fn()\n\n\ndef {b}(fn):\n    return {a}(fn=fn)\n")
    return define(p, e, f"return {b}(lambda: {e}())")


def builtin_callback(p, e):
    use = p.rng.choice(["list(map(lambda x: {e}(), [1]))", "sorted([1], key=lambda x: {e}())",
                        "functools.reduce(lambda a, b: {e}(), [1, 2])", "[{e}() for _ in range(2)]",
                        "max([1], key=lambda x: {e}())", "sum({e}() for _ in [1])", "any(map(lambda x: {e}(), [1]))"])
    return define(p, e, "return " + use.format(e=e))


def partial(p, e):
    return f"functools.partial({e})"


def bound_partial(p, e):
    f = define(p, e, f"return {e}()", "x=None")
    x = p.fresh("x")
    p.add(f"{x} = functools.partial({f}, 1)")
    return x


def table(p, e):
    t = p.fresh("T")
    p.add(f'{t} = {{"a": {e}, "b": None}}')
    return p.rng.choice([f'{t}["a"]', define(p, e, f"for k, fn in {t}.items():\n        if fn:\n            fn()")])


def loop(p, e):
    return define(p, e, f"for fn in ({e}, dict):\n        fn()")


def closure(p, e):
    return define(p, e, f"fn = {e}\n\n    def inner():\n        return fn()\n    return inner()")


def maker(p, e):
    f = define(p, e, f"def inner():\n        return {e}()\n    return inner")
    return f"{f}()"


def lambda_name(p, e):
    x = p.fresh("x")
    p.add(f"{x} = lambda: {e}()")
    return x


def default(p, e):
    return define(p, e, "return fn()", f"fn={e}")


def walrus(p, e):
    return define(p, e, f"return (fn := {e})()")


def branch(p, e):
    return define(p, e, f"if flag:\n        fn = dict\n    else:\n        fn = {e}\n    return fn()", "flag=False")


def generator(p, e):
    g = p.fresh("g")
    p.add(f"def {g}():\n    yield {e}()\n")
    return define(p, e, f"for x in {g}():\n        return x")


def context_manager(p, e):
    g = p.fresh("g")
    p.add(f"import contextlib\n\n\n@contextlib.contextmanager\ndef {g}():\n    yield {e}()\n")
    return define(p, e, f"with {g}() as x:\n        return x")


def dataclass(p, e):
    c = p.fresh("C")
    p.add(f"import dataclasses\n\n\n@dataclasses.dataclass\nclass {c}:\n    at: float = dataclasses.field(default_factory={e})\n")
    return c


def by_name(p, e):
    c = p.fresh("C")
    p.add(f"class {c}:\n    def go(self):\n        return {e}()\n")
    return f'getattr({c}(), "go")'


def typed_parameter(p, e):
    c = p.fresh("C")
    p.add(f"class {c}:\n    def go(self):\n        return {e}()\n")
    quoted = p.rng.choice([c, f'"{c}"', f"{c} | None"])
    f = define(p, e, "return given.go()", f"given: {quoted}")
    return define(p, e, f"return {f}({c}())")


def returned_object(p, e):
    c = p.fresh("C")
    p.add(f"class {c}:\n    def go(self):\n        return {e}()\n")
    f = define(p, e, f"made = {c}()\n    return made")
    return f"{f}().go"


def chained(p, e):
    c = p.fresh("C")
    p.add(f"class {c}:\n    def step(self):\n        return self\n\n    def go(self):\n        return {e}()\n")
    return f"{c}().step().step().go"


def nested_class(p, e):
    c = p.fresh("C")
    p.add(f"class {c}:\n    class Inner:\n        def go(self):\n            return {e}()\n")
    return f"{c}.Inner().go"


def try_finally(p, e):
    return define(p, e, f"try:\n        pass\n    finally:\n        {e}()")


LAYERS = [alias, function, from_import, module_attribute, star, package, late_import, guarded_import, method, static,
          class_method, base_class, super_call, override, attribute, injected, prop, dunder, decorated,
          decorator_body, factory, callback, deep_callback, builtin_callback, partial, bound_partial, table, loop,
          closure, maker, lambda_name, default, walrus, branch, generator, context_manager, dataclass, by_name,
          typed_parameter, returned_object, chained, nested_class, try_finally]


def program(base, seed):
    rng = random.Random(seed)
    p = Program(base, rng)
    e, used = base, []
    for _ in range(rng.randint(1, 6)):
        layer = rng.choice(LAYERS)
        used.append(layer.__name__)
        e = layer(p, e)
    if p.n == 0 or rng.random() < 0.5:
        e = from_import(p, e)
    p.add("from temporalio import workflow\n\n\n@workflow.defn\nclass Flow:\n    @workflow.run\n"
          f"    async def run(self) -> None:\n        {e}()\n")
    p.next_module()
    return p.files, used


def write(folder, files):
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def found(folder):
    run = aklint("--format", "json", "--select", "AK301", ".", cwd=folder, timeout=300)
    assert run.returncode in (0, 1), run.stderr
    return {os.path.relpath(f["filename"], folder).split(os.sep)[0] for f in json.loads(run.stdout)}


def show(folder, names, used):
    for name in sorted(names)[:3]:
        print(f"---- {name}: {' '.join(used[name])}")
        for path in sorted((folder / name).rglob("*.py")):
            print(f"-- {path.relative_to(folder)} --\n{path.read_text()}")


def test_hidden_clock_is_found_and_its_twin_is_silent(tmp_path):
    bad, twins, used = tmp_path / "bad", tmp_path / "twins", {}
    for i in range(COUNT):
        name = f"p{i}"
        files, used[name] = program("time.time", SEED * 100003 + i)
        write(bad / name, files)
        write(twins / name, program("dict", SEED * 100003 + i)[0])
    missed, alarms = set(used) - found(bad), found(twins)
    show(bad, missed, used)
    show(twins, alarms, used)
    assert not missed and not alarms, f"{len(missed)} missed, {len(alarms)} false alarms of {COUNT}"
