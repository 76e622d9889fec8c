"""Rewriting changes what is recorded and nothing else."""
import ast
import contextlib
import io
import os
import random
import re
import sys
import sysconfig
import traceback
import types
import unittest

import ak_runner_module
from harness import Case
from tricky import programs

runner = ak_runner_module.load()

LIBRARY = """abc argparse ast base64 bisect calendar cmd codecs collections.__init__ configparser contextlib copy csv dataclasses datetime
decimal difflib dis doctest email.message enum fnmatch fractions functools getopt gettext glob graphlib gzip hashlib heapq html.parser
http.client inspect ipaddress json.decoder json.encoder keyword linecache locale logging.__init__ mailbox numbers operator optparse os
pathlib pdb pickle platform plistlib pprint queue random re reprlib sched selectors shlex shutil socket statistics string subprocess
tarfile tempfile textwrap threading timeit tokenize traceback types typing unittest.case unittest.mock urllib.parse urllib.request uuid
warnings weakref xml.dom.minidom xml.etree.ElementTree zipfile asyncio.tasks asyncio.base_events asyncio.streams""".split()


def behaviour(code, name):
    """What main() of a module prints, returns or raises, the traceback's lines included."""
    module = types.ModuleType(name)
    module.__dict__.update(_ak_call=runner.pick, _ak_await=runner.pick_awaited, __file__=name + ".py")
    sys.modules[name] = module
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out):
            exec(code, module.__dict__)
            result = repr(module.main())
    except Exception as exc:
        runner.clean_exception(exc)
        result = "".join(traceback.format_exception(type(exc), exc, exc.__traceback__))
    finally:
        del sys.modules[name]
    return out.getvalue() + re.sub(r"0x[0-9a-f]+", "0x", result)


class Unchanged(unittest.TestCase):
    def test_tricky_programs_behave_as_without_rewriting(self):
        for name, source in programs(sys.version_info[:2]).items():
            with self.subTest(program=name):
                plain = behaviour(compile(source, name + ".py", "exec", dont_inherit=True), name)
                self.assertEqual(behaviour(runner.rewrite(source, name + ".py"), name), plain)
                if not name.startswith("raises"):
                    self.assertNotIn("Traceback", plain)

    def test_every_call_inside_functions_is_rewritten(self):
        for name, source in programs(sys.version_info[:2]).items():
            with self.subTest(program=name):
                self.assertEqual(self.unpatched(runner.Rewriter().visit(ast.parse(source))), 0)

    def unpatched(self, tree):
        """Calls inside function bodies whose callee is not chosen by _ak_call; annotations do not count."""
        return sum(self.unpatched_in(node) for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))

    def unpatched_in(self, function):
        count, todo = 0, list(function.body)
        while todo:
            node = todo.pop()
            for field, value in ast.iter_fields(node):
                if field in ("annotation", "returns", "type_params"):
                    continue
                todo.extend(v for v in (value if isinstance(value, list) else [value]) if isinstance(v, ast.AST))
            if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id.startswith("_ak_")):
                inner = node.func
                count += not (isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id.startswith("_ak_"))
        return count

    def test_positions_of_user_nodes_stay(self):
        for name, source in programs(sys.version_info[:2]).items():
            before = self.positions(ast.parse(source))
            after = self.positions(runner.Rewriter().visit(ast.parse(source)))
            self.assertEqual(before - after, set(), name)

    def positions(self, tree):
        return {(type(n).__name__, n.lineno, n.col_offset, n.end_lineno, n.end_col_offset) for n in ast.walk(tree) if hasattr(n, "lineno")}

    def test_library_modules_still_compile_with_the_same_lines(self):
        folder = sysconfig.get_path("stdlib")
        seen = 0
        for name in LIBRARY:
            path = os.path.join(folder, *name.split(".")) + ".py"
            if not os.path.isfile(path):
                path = path[:-3] + "/__init__.py"
            if not os.path.isfile(path):
                continue
            with open(path, "rb") as file:
                source = file.read()
            seen += 1
            with self.subTest(module=name):
                plain, ours = compile(source, path, "exec", dont_inherit=True), runner.rewrite(source, path)
                self.assertEqual(self.lines(ours), self.lines(plain))
        self.assertGreater(seen, 60)

    def lines(self, code):
        """First lines of all code objects, by name."""
        out = [(code.co_name, code.co_firstlineno, code.co_freevars, code.co_varnames)]
        for const in code.co_consts:
            if isinstance(const, types.CodeType):
                out += self.lines(const)
        return out

    def test_rewritten_library_modules_work(self):
        def load(name):
            module = types.ModuleType("re_" + name)
            path = os.path.join(sysconfig.get_path("stdlib"), name + ".py")
            with open(path, "rb") as file:
                code = runner.rewrite(file.read(), path)
            module.__dict__.update(_ak_call=runner.pick, _ak_await=runner.pick_awaited, __file__=path)
            sys.modules["re_" + name] = module
            self.addCleanup(sys.modules.pop, "re_" + name)
            exec(code, module.__dict__)
            return module

        text = "The quick brown fox " * 9
        self.assertEqual(load("textwrap").fill(text, 30), __import__("textwrap").fill(text, 30))
        self.assertEqual(str(load("fractions").Fraction("3/9") + 1), "4/3")
        self.assertEqual(load("statistics").median([3, 1, 2]), 2)
        self.assertEqual(load("shlex").split("a 'b c'"), ["a", "b c"])
        self.assertEqual(list(load("difflib").unified_diff(["a"], ["b"], lineterm="")), ["--- ", "+++ ", "@@ -1 +1 @@", "-a", "+b"])
        parser = load("configparser").ConfigParser()
        parser.read_string("[a]\nb = %(c)s\nc = 1\n")
        self.assertEqual(parser["a"]["b"], "1")
        args = load("argparse").ArgumentParser(prog="p")
        args.add_argument("--x", type=int, default=3)
        self.assertEqual(args.parse_args(["--x", "4"]).x, 4)
        dataclasses = load("dataclasses")
        Point = dataclasses.make_dataclass("Point", [("x", int), ("y", int, dataclasses.field(default=2))])
        self.assertEqual(repr(Point(1)), "Point(x=1, y=2)")
        self.assertEqual(load("ast").literal_eval("[1, {'a': (2,)}]"), [1, {"a": (2,)}])

    def test_generated_expressions_evaluate_alike(self):
        """Seeded: expressions of calls, lambdas, comprehensions, attributes and operators."""
        for seed in range(300):
            rng = random.Random(seed)
            source = "def g(*a, **k): return sum(x for x in a if isinstance(x, int)) + len(k)\nclass O:\n    def m(self, *a): return g(*a)\n" \
                     "o = O()\ndef main():\n    return %s\n" % expression(rng, 5)
            with self.subTest(seed=seed, source=source):
                self.assertEqual(behaviour(runner.rewrite(source, "m.py"), "m"), behaviour(compile(source, "m.py", "exec"), "m"))


def expression(rng, depth):
    if depth == 0:
        return rng.choice(["1", "2", "len('é')", "g(3)", "o.m(1)"])
    e = lambda: expression(rng, depth - 1)      # noqa: E731
    return rng.choice([
        lambda: "g(%s, %s)" % (e(), e()), lambda: "g(%s, k=%s)" % (e(), e()), lambda: "o.m(*[%s, %s])" % (e(), e()),
        lambda: "(lambda x: x + %s)(%s)" % (e(), e()), lambda: "sum([%s for i in range(%d)])" % (e(), rng.randint(0, 2)),
        lambda: "(%s if %s else %s)" % (e(), e(), e()), lambda: "len(f'{%s}日{g(%d)}')" % (rng.choice(["g(1)", "o.m(2)"]), rng.randint(0, 9)),
        lambda: "(%s\n      + %s)" % (e(), e()), lambda: "max(%s, %s, key=lambda v: -g(v))" % (e(), e()),
        lambda: "g(**dict(a=%s, b=%s))" % (e(), e()), lambda: "{1: %s}.get(1)" % e(), lambda: "[g][0](%s)" % e(),
    ])()


class InSession(Case):
    """The same programs under a running session: those that touch nothing external make no recorded call and end alike."""

    def test_tricky_programs_run_alike_in_a_session(self):
        names = [n for n in programs(sys.version_info[:2]) if not n.startswith("raises")]
        for name in names:
            source = programs(sys.version_info[:2])[name]
            with self.subTest(program=name):
                plain = behaviour(compile(source, name + ".py", "exec", dont_inherit=True), name)
                head = source.startswith("from __future__")
                run = self.execute({name + "_p.py": source, "main.py": "import %s_p\ndef on_event(e): print(repr(%s_p.main()))\n" % (name, name)},
                                   dialect="autokitteh")
                self.assertIsNone(run.error, (name, head))
                shown = re.sub(r"0x[0-9a-f]+", "0x", run.text.rstrip("\n")).replace(name + "_p", name)
                self.assertEqual(shown, plain)
                self.assertEqual([c for c in run.calls if c not in ("__import__",)], [])


if __name__ == "__main__":
    unittest.main()
