"""What is recorded and what is not. Names say which fact of the original's holes they close (facts 3.1 to 3.3)."""
from harness import Case


class Rewriting(Case):
    """3.1: every call inside functions is seen."""

    def calls(self, body, head="", **options):
        """Names of recorded calls of a handler; `a`, `b`, `c` are external, `act` is marked."""
        lines = "\n".join("    " + line for line in body.strip("\n").split("\n"))
        program = "import os, asyncio, autokitteh\nfrom os import getpid as a, getppid as b, getuid as c, strerror as s\n" \
                  "@autokitteh.activity\ndef act(*args, **kw): return 1\n%s\ndef on_event(event):\n%s\n" % (head, lines)
        run = self.execute(program, **options)
        self.assertEqual(run.error, None)
        return run.calls

    def test_hole_1_nested_positional_arguments_are_recorded(self):
        self.assertEqual(self.calls("print(s(a() and 1))"), ["getpid", "strerror"])

    def test_hole_1_keyword_arguments_are_recorded(self):
        self.assertEqual(self.calls("print(dict(k=a(), **dict(x=b())))"), ["getpid", "getppid"])

    def test_hole_1_call_of_a_call_is_recorded(self):
        self.assertEqual(self.calls("pick()()", "def pick(): return a"), ["getpid"])

    def test_hole_1_marked_functions_in_argument_lists_are_recorded(self):
        self.assertEqual(self.calls("print(act(act(1), k=act(2)))"), ["act", "act", "act"])

    def test_hole_1_arguments_of_gather_are_recorded(self):
        head = "async def m():\n    @autokitteh.inhibit_activities\n    async def quiet(): return a()\n" \
               "    async def one(f): return f()\n    return await asyncio.gather(one(a), one(b), quiet())"
        self.assertEqual(self.calls("asyncio.run(m())", head), ["getpid", "getppid"])

    def test_hole_1_exception_arguments_are_recorded(self):
        self.assertEqual(self.calls("try:\n    raise ValueError(a())\nexcept ValueError: pass"), ["getpid"])

    def test_hole_2_callee_over_several_lines(self):
        self.assertEqual(self.calls("(os\n  .getpid\n  )(\n)\nos \\\n  .getppid()"), ["getpid", "getppid"])

    def test_hole_3_non_ascii_before_the_call(self):
        self.assertEqual(self.calls("x = 'ééé日本'; open('/dev/null').close() if not a() else b()", dialect="autokitteh"),
                         ["getpid", "getppid"])

    def test_hole_4_calls_inside_fstrings(self):
        self.assertEqual(self.calls("f'{a()} {b():>{len(str(c()))}} {a()!r:5}'"), ["getpid", "getppid", "getuid", "getpid"])

    def test_hole_5_callbacks_of_builtins_are_recorded(self):
        self.assertEqual(self.calls("list(map(s, [1, 2]))\nsorted([2, 1], key=s)\n[1, 2].sort(key=s)\nmax([1, 2], key=act)"),
                         ["strerror"] * 6 + ["act"] * 2)

    def test_hole_5_callbacks_of_reduce_and_itertools_are_recorded(self):
        self.assertEqual(self.calls("import functools, itertools\nfunctools.reduce(act, [1, 2, 3])\n"
                                    "list(itertools.starmap(act, [(1,), (2,)]))\nlist(filter(act, [1]))"), ["act"] * 5)

    def test_hole_6_comprehensions_match_walrus_generators(self):
        body = "[a() for _ in range(2)]\n{b(): c() for _ in 'x'}\nlist(a() for _ in 'x')\nif (n := b()): c()\n" \
               "def gen():\n    yield a()\nlist(gen())"
        self.assertEqual(self.calls(body), ["getpid", "getpid", "getppid", "getuid", "getpid", "getppid", "getuid", "getpid"])

    def test_hole_6_lambda_bodies(self):
        self.assertEqual(self.calls("(lambda: a())()\nf(1)", "f = lambda x: b()"), ["getpid", "getppid"])

    def test_hole_6_chains(self):
        self.assertEqual(self.calls("str(a()).strip().join([str(b())]).upper()"), ["getpid", "getppid"])

    def test_hole_6_super_init_of_a_library_base_runs_in_place(self):
        head = "import http.client, threading\nclass T(threading.Thread):\n    def __init__(self):\n        super().__init__()\n" \
               "        self.ok = a()\nclass X(http.client.HTTPException):\n    def __init__(self, m):\n        super().__init__(m)\n"
        self.assertEqual(self.calls("assert T().ok and not T().is_alive\nX('m')".replace("is_alive", "daemon"), head),
                         ["getpid", "getpid"])

    def test_decorators_and_defaults_of_inner_functions(self):
        self.assertEqual(self.calls("def deco(x): return lambda f: f\n@deco(a())\ndef inner(x=b()): return x\ninner()"),
                         ["getpid", "getppid"])

    def test_class_bodies_inside_functions(self):
        self.assertEqual(self.calls("class C:\n    x = a()\n    def m(self): return b()\nC().m()"), ["getpid", "getppid"])

    def test_awaited_calls(self):
        head = "async def m():\n    await asyncio.sleep(0)\n    return await inner(a())\nasync def inner(x): return b()"
        self.assertEqual(self.calls("asyncio.run(m())", head), ["getpid", "getppid"])

    def test_module_level_calls_are_not_recorded(self):
        self.assertEqual(self.calls("pass", "X = a()\nclass K:\n    y = b()\ndef f(z=c()): return a()\nf()\nlist(map(act, [1]))"), [])


class Modules(Case):
    """3.1: modules of the program."""

    FILES = {
        "main.py": "import pkg, side\ndef on_event(event):\n    pkg.hello()\n    side.work()\n    import late\n    late.work()\n"
                   "    from ns.deep import thing\n    thing.work()\n    from pkg.sub import work\n    work()\n",
        "side.py": "import os\ndef work(): return os.getpid()\n",
        "late.py": "import os\nX = os.getpid()\ndef work(): return os.getppid()\n",
        "pkg/__init__.py": "import os\ndef hello(): return os.getuid()\n",
        "pkg/sub.py": "from . import os\ndef work(): return os.geteuid()\n",
        "ns/deep/thing.py": "import os\ndef work(): return os.getgid()\n",
    }

    def test_hole_package_init_and_lazy_imports_and_namespace_packages_are_patched(self):
        run = self.execute(self.FILES)
        self.assertEqual((run.error, run.calls), (None, ["getuid", "getpid", "getppid", "getgid", "geteuid"]))

    def test_hole_sibling_modules_are_internal(self):
        self.assertNotIn("work", self.execute(self.FILES).calls)

    def test_project_file_named_like_a_library_module_is_the_projects(self):
        files = {"main.py": "import queue\nfrom queue import mine\ndef on_event(e): print(mine())\n",
                 "queue.py": "def mine(): return 'ours'\n"}
        self.assertEqual(self.execute(files).text, "ours\n")

    def test_entry_named_like_a_library_module(self):
        for name in ("email", "signal", "time", "__main__", "ak"):
            run = self.execute({name + ".py": "import os\ndef on_event(e): print(os.getpid() > 0)\n"}, entry=name + ".py:on_event")
            self.assertEqual((run.text, run.calls), ("True\n", ["getpid"]), name)

    def test_entry_in_a_folder(self):
        run = self.execute({"flows/x.py": "import os\ndef on_event(e): os.getpid()\n"}, entry="flows/x.py:on_event")
        self.assertEqual((run.error, run.calls), (None, ["getpid"]))

    def test_entry_whose_name_is_no_identifier(self):
        run = self.execute({"my-flow.py": "import os\ndef helper(): return os.getpid()\ndef on_event(e): helper()\n"},
                           entry="my-flow.py:on_event")
        self.assertEqual((run.error, run.calls), (None, ["getpid"]))

    def test_an_environment_inside_the_project_stays_external(self):
        files = {"main.py": "import sys, os\nsys.path.append(os.path.join(os.path.dirname(__file__), 'venv/site-packages'))\n"
                            "import vendored\nfrom vendored.sub import g\ndef on_event(e):\n    vendored.f()\n    g()\n",
                 "venv/site-packages/vendored/__init__.py": "def f(): return 1\n",
                 "venv/site-packages/vendored/sub.py": "def g(): return 2\n"}
        self.assertEqual(self.execute(files).calls, ["f", "g"])


class Classification(Case):
    """3.2: by identity and public name, at the time of the call."""

    def calls(self, body, head="", **options):
        lines = "\n".join("    " + line for line in body.strip("\n").split("\n"))
        run = self.twice("import os, autokitteh\nfrom autokitteh import activity\n%s\ndef on_event(event):\n%s\n" % (head, lines),
                         **options)
        self.assertEqual(run.error, None)
        return run.calls

    def test_hole_c_accelerated_library_code_runs_directly(self):
        body = """
import hashlib, csv, io, heapq, bisect, operator, struct, functools, json, zlib, base64, decimal, math, xml.etree.ElementTree as ET
hashlib.sha256(b'x').hexdigest(); hashlib.md5(b'').update(b'x'); hashlib.new('sha1')
list(csv.reader(['a,b'])); csv.writer(io.StringIO()).writerow([1])
h = []; heapq.heappush(h, 2); heapq.heappush(h, 1); assert heapq.heappop(h) == 1
bisect.insort(h, 3); operator.itemgetter(0)(h); struct.pack('<I', 1); struct.Struct('<I').unpack(b'1234')
functools.reduce(operator.add, [1, 2]); json.loads(json.dumps([1])); zlib.crc32(b''); base64.b64encode(b'')
decimal.Decimal('1').sqrt(); math.sqrt(4); ET.SubElement(ET.Element('a'), 'b').set('k', 'v')
"""
        self.assertEqual(self.calls(body), [])

    def test_hole_datetime_methods_run_directly_and_now_is_recorded(self):
        body = "from datetime import datetime, date, timedelta, timezone\nn = datetime.now()\n" \
               "n.isoformat(); n.strftime('%Y'); n.date(); n.timestamp(); n.replace(year=2000); timedelta(1).total_seconds()\n" \
               "datetime(2020, 1, 1); datetime.fromisoformat('2020-01-01'); datetime.strptime('2020', '%Y')\ndate.today()"
        self.assertEqual(self.calls(body), ["now", "today"])

    def test_hole_class_methods_of_builtins_run_directly(self):
        self.assertEqual(self.calls("dict.fromkeys('a'); int.from_bytes(b'1', 'big'); bytes.fromhex('00'); str.upper('x')"), [])

    def test_hole_stringio_keeps_its_state(self):
        self.assertEqual(self.calls("import io\ns = io.StringIO(); s.write('x'); assert s.getvalue() == 'x'\n"
                                    "b = io.BytesIO(b'12'); assert b.read() == b'12'"), [])

    def test_hole_logging_and_paths_run_directly(self):
        body = "import logging\nfrom pathlib import Path\nlogging.getLogger('x').warning('w')\np = Path('/tmp/x.txt')\n" \
               "p.with_suffix('.y').joinpath('z'); p.relative_to('/tmp'); Path('/dev/null').exists()"
        self.assertEqual(self.calls(body), ["exists"])

    def test_clock_random_uuid_env_are_recorded(self):
        body = "import time, random, uuid\ntime.time(); random.random(); random.choice([1]); uuid.uuid4(); os.getenv('X'); os.listdir('/')"
        self.assertEqual(self.calls(body), ["time", "random", "choice", "uuid4", "getenv", "listdir"])

    def test_a_seeded_generator_is_a_value(self):
        body = "import random\nr = random.Random(3)\nassert [r.random(), r.random()] == [random.Random(3).random(), r.random()] or 1\n" \
               "a = r.randint(1, 9); b = r.random(); print(a, b)"
        self.assertEqual(self.calls(body), ["Random", "Random"])

    def test_uuid_values_and_names_are_direct(self):
        self.assertEqual(self.calls("import uuid\nuuid.UUID(int=1); uuid.uuid5(uuid.NAMESPACE_DNS, 'x')"), [])

    def test_hole_shadowed_builtins_are_told_apart_by_identity(self):
        head = "@activity\ndef print(x): return x\nfrom os import getpid as sorted\ndef filter(x): return os.getuid()\n"
        self.assertEqual(self.calls("print(1); sorted(); filter(1); len([1])", head), ["print", "getpid", "getuid"])

    def test_builtins_run_directly_under_another_name(self):
        self.assertEqual(self.calls("p = print; p('x'); q = sorted; q([2, 1]); t = [str, int]; t[0](1)"), [])

    def test_open_outside_an_activity_is_not_recorded(self):
        self.assertEqual(self.calls("with open('/dev/null') as f:\n    for line in f: pass"), [])

    def test_hole_partials_and_caches_count_as_what_they_call(self):
        head = "import functools\n@functools.lru_cache\ndef user(x): return os.getpid() + x\n"
        self.assertEqual(self.calls("functools.partial(os.getenv, 'X')(); functools.partial(user, 1)(); user(1); user(2)", head),
                         ["getenv", "getpid", "getpid"])

    def test_functions_wrapped_by_library_decorators_stay_internal(self):
        head = "import contextlib\n@contextlib.contextmanager\ndef ctx():\n    os.getpid()\n    yield\n    os.getuid()\n"
        self.assertEqual(self.calls("with ctx():\n    os.getppid()", head), ["getpid", "getppid", "getuid"])

    def test_user_classes_dataclasses_enums_namedtuples_are_internal(self):
        head = "import dataclasses, enum, collections, typing\n@dataclasses.dataclass\nclass D:\n    x: int = 1\n" \
               "class E(enum.Enum):\n    A = 1\nN = collections.namedtuple('N', 'a b')\nclass T(typing.NamedTuple):\n    q: int\n"
        self.assertEqual(self.calls("dataclasses.replace(D(), x=2); E(1); N(1, 2)._replace(a=3); T(1)._asdict(); D().__repr__()", head), [])

    def test_code_made_by_exec_is_the_programs(self):
        self.assertEqual(self.calls("ns = {}\nexec('def f(x): return x', ns)\nns['f'](1)"), [])

    def test_sleep_is_a_durable_timer_in_every_spelling(self):
        body = "import time\nfrom time import sleep as nap\ntime.sleep(1); nap(2); nap(secs=3); nap(seconds=4); f = time.sleep; f(0.5)\n" \
               "import ak; ak.sleep(6); list(map(nap, [7]))\n" \
               "for bad in (-1, 'x', None, float('nan')):\n    try: time.sleep(bad)\n    except (ValueError, TypeError): print('refused')"
        run = self.twice("def on_event(e):\n    " + body.replace("\n", "\n    "))
        self.assertEqual(run.error, None)
        self.assertEqual(run.requests, [("sleep", {"seconds": float(s)}) for s in (1, 2, 3, 4, 0.5, 6, 7)])
        self.assertEqual(run.text, "refused\n" * 4)

    def test_sleep_inside_an_activity_is_real(self):
        run = self.execute("import time, autokitteh\n@autokitteh.activity\ndef act(): time.sleep(0.01)\ndef on_event(e): act()\n")
        self.assertEqual((run.calls, run.requests), (["act"], []))

    def test_exit_and_introspection_are_not_recorded(self):
        self.assertEqual(self.calls("import sys, inspect, traceback, gc\nsys.getsizeof(1); inspect.currentframe(); traceback.format_stack()"), [])

    def test_fact_4_properties_operators_and_iteration_are_no_calls(self):
        head = "class P:\n    @property\n    def x(self): return os.getpid()\n    def __getitem__(self, i): return os.getuid()\n"
        self.assertEqual(self.calls("P().x; P()[0]; os.environ.keys; os.environ['PATH']", head), ["getpid", "getuid"])


class Marks(Case):
    """3.3."""

    def run_it(self, program, **options):
        run = self.twice("import os, asyncio, autokitteh\nfrom autokitteh import activity, inhibit_activities, register_no_activity\n"
                         + program, **options)
        self.assertEqual(run.error, None)
        return run

    def test_activity_on_function_method_class(self):
        run = self.run_it("@activity\ndef f(x): return os.getpid() and x\nclass K:\n    @activity\n    def m(self, x): return x + 1\n"
                          "@activity\nclass R:\n    def __init__(self, x): self.x = x\n"
                          "def on_event(e): print(f(1), K().m(1), R(7).x)\n")
        self.assertEqual((run.calls, run.text), (["f", "m", "R"], "1 2 7\n"))

    def test_everything_inside_an_activity_runs_directly(self):
        run = self.run_it("@activity\ndef outer(): return inner() + len(os.listdir('/')) * 0\n@activity\ndef inner(): return 1\n"
                          "def on_event(e): print(outer())\n")
        self.assertEqual(run.calls, ["outer"])

    def test_activity_on_the_handler_makes_it_one_step(self):
        run = self.run_it("@activity\ndef on_event(event):\n    os.getpid()\n    print(event.data.x)\n", event={"data": {"x": 1}})
        self.assertEqual((run.calls, run.prints), (["on_event"], [("stdout", "1\n", 1)]))

    def test_mark_of_a_class_is_not_inherited(self):
        run = self.run_it("@activity\nclass A: pass\nclass B(A): pass\ndef on_event(e):\n    A()\n    B()\n")
        self.assertEqual(run.calls, ["A"])

    def test_inhibit_activities_nests(self):
        run = self.run_it("@inhibit_activities\ndef q(n):\n    os.getpid()\n    return q(n - 1) if n else os.getuid()\n"
                          "def on_event(e):\n    q(2)\n    os.getppid()\n")
        self.assertEqual(run.calls, ["getppid"])

    def test_inhibit_ends_when_the_function_raises(self):
        run = self.run_it("@inhibit_activities\ndef q(): raise ValueError\ndef on_event(e):\n    try: q()\n"
                          "    except ValueError: os.getppid()\n")
        self.assertEqual(run.calls, ["getppid"])

    def test_register_no_activity_for_functions_and_classes(self):
        run = self.run_it("import random, string\nregister_no_activity([os.getpid, random.SystemRandom])\n"
                          "def on_event(e):\n    os.getpid(); random.SystemRandom().random(); os.getuid()\n")
        self.assertEqual(run.calls, ["getuid"])

    def test_hole_generator_activity_is_refused_in_words(self):
        run = self.execute("from autokitteh import activity\n@activity\ndef g():\n    yield 1\ndef on_event(e):\n    g()\n")
        self.assertEqual(run.error["kind"], "unpicklable")
        self.assertIn("main.py:6: the result of g(): result (type generator) cannot be recorded", run.error["message"])

    def test_step_names(self):
        run = self.run_it("import ak\n@ak.step('charge the card', retries=1)\ndef charge(x): return x\n@ak.step\ndef plain(): pass\n"
                          "def on_event(e):\n    charge(1)\n    plain()\n")
        self.assertEqual(run.calls, ["charge the card", "plain"])

    def test_module_level_code_of_a_lazy_import_is_not_recorded(self):
        run = self.twice({"main.py": "def on_event(e):\n    import late\n", "late.py": "import os\ndef f(): return os.getpid()\nf()\n"})
        self.assertEqual(run.calls, [])


if __name__ == "__main__":
    import unittest
    unittest.main()
