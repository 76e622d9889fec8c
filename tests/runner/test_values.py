"""Values, exceptions and mutations across the wire (facts 2.5 and 3.4)."""
import os
import pickle
import re
import sys

from harness import ROOT, Case

sys.path.insert(0, ROOT)
import ak_runner     # noqa: E402

MARK = "import os, io, re, autokitteh\nfrom autokitteh import activity\n"


class Results(Case):
    """2.5: what protocol 0 would take and not bring back is refused; what only protocol 4 takes is accepted."""

    def result(self, expression, head=""):
        run = self.execute(MARK + head + "@activity\ndef make():\n    return %s\ndef on_event(e):\n    return make()\n" % expression)
        return run

    def refused(self, expression, path="result", head=""):
        error = self.result(expression, head).error
        self.assertIsNotNone(error, expression)
        self.assertEqual(error["kind"], "unpicklable")
        self.assertIn("the result of make(): %s (type " % path, error["message"])
        self.assertIn(" cannot be recorded: ", error["message"])
        return error["message"]

    def test_hole_sqlite3_connection_is_refused_in_words(self):
        run = self.execute("import sqlite3\ndef on_event(e):\n    db = sqlite3.connect(':memory:')\n    db.execute('select 1')\n")
        self.assertEqual(run.error["kind"], "unpicklable")
        self.assertTrue(run.error["message"].startswith(
            "main.py:3: the result of connect(): result (type sqlite3.Connection) cannot be recorded: "), run.error["message"])
        self.assertIn("make and use it inside one function marked @autokitteh.activity", run.error["message"])

    def test_hole_re_match_is_refused(self):
        self.refused("re.match('a', 'a')")

    def test_hole_hash_object_is_refused(self):
        self.refused("hashlib.sha256(b'x')", head="import hashlib\n")

    def test_locks_generators_files_sockets_modules_views_are_refused(self):
        head = "import contextvars, threading, socket\n"
        for expression in ("threading.Lock()", "(x for x in [1])", "open('/dev/null')", "socket.socket()", "os", "{}.keys()",
                           "memoryview(b'')", "lambda: 1", "contextvars.ContextVar('x')"):
            self.refused(expression, "result", head)

    def test_bound_methods_and_objects_name_what_they_hold(self):
        self.assertIn("result.__self__", self.result("os.environ.get").error["message"])
        self.assertIn("(type thread.", self.result("threading.Thread()", "import threading\n").error["message"].replace("_thread.", "thread."))

    def test_path_inside_the_result_is_named(self):
        self.refused("{'rows': [1, {'lock': threading.Lock()}]}", "result['rows'][1]['lock']", "import threading\n")

    def test_values_that_only_protocol_4_takes_are_accepted(self):
        run = self.twice("import io, xml.etree.ElementTree as ET\nfrom autokitteh import activity\n"
                         "@activity\ndef b(): return io.BytesIO(b'abc')\n@activity\ndef x(): return ET.fromstring('<a k=\"v\"/>')\n"
                         "def on_event(e): print(b().read(), x().get('k'))\n")
        self.assertEqual(run.text, "b'abc' v\n")

    def test_values_that_pickle_are_accepted(self):
        head = "import logging, decimal, time, datetime\n"
        for expression, shown in (("os.getenv", "<function getenv"), ("decimal.Decimal('1.5')", "Decimal('1.5')"),
                                  ("re.compile('a')", "re.compile('a')"), ("float('nan')", "nan"), ("{1, 2}", "{1, 2}"),
                                  ("b'\\x00\\xff'", "b'\\x00\\xff'"), ("'\\ud800'", "'\\ud800'"),
                                  ("datetime.date(2020, 1, 2)", "datetime.date(2020, 1, 2)"), ("(1,)", "(1,)"),
                                  ("logging.getLogger('x')", "<Logger x"), ("time.gmtime(0)", "time.struct_time("),
                                  ("map(len, ['a'])", "<map")):
            run = self.result(expression, head)
            if run.error is not None and expression.startswith("map"):
                continue    # iterators no longer pickle in Python 3.14
            self.assertIsNone(run.error)
            self.assertTrue(run.done["value"].startswith(shown), (run.done, shown))

    def test_integers_of_many_digits_survive(self):
        run = self.execute(MARK + "@activity\ndef make(): return 1 << 40000\ndef on_event(e): print(make() == 1 << 40000)\n")
        self.assertEqual(run.text, "True\n")

    def test_value_nested_too_deep_is_refused(self):
        run = self.execute(MARK + "@activity\ndef make():\n    x = []\n    for _ in range(100000): x = [x]\n    return x\n"
                           "def on_event(e): make()\n")
        self.assertEqual(run.error["kind"], "unpicklable")

    def test_values_that_hold_themselves_many_times_are_quick(self):
        run = self.twice(MARK + "@activity\ndef make():\n    x = [1]\n    x += [x] * 9\n    y = {}\n    for i in range(30): y = {1: y, 2: y, 3: y}\n"
                         "    return x, y\ndef on_event(e):\n    x, y = make()\n    print(x[3][4] is x, y[1] is y[2])\n")
        self.assertEqual(run.text, "True True\n")

    def test_the_workflow_sees_what_replay_will_see(self):
        run = self.twice(MARK + "KEEP = []\n@activity\ndef make(): return KEEP\ndef on_event(e): print(make() is KEEP)\n")
        self.assertEqual(run.text, "False\n")


class Arguments(Case):
    def refusal(self, program, **options):
        run = self.execute(MARK + program, **options)
        self.assertEqual((run.calls, run.error["kind"]), ([], "unpicklable"))
        return run.error["message"]

    def test_seed_lambda_argument(self):
        self.assertEqual(self.refusal("def on_event(e):\n    os.fwalk(1, {'x': [lambda: 1]})\n"), (
            "main.py:4: the call of fwalk(): args[1]['x'][0] (type lambda) cannot be recorded: " + self.words_of_lambda()
            + "; define it at module level under its own name"))

    def words_of_lambda(self):
        import pickle

        namespace = {"__name__": "main"}
        exec("def on_event(e):\n    return lambda: 1\n", namespace)
        import sys
        import types
        sys.modules["main"] = types.ModuleType("main")
        try:
            pickle.dumps(namespace["on_event"](1), 4)
        except Exception as exc:
            return re.sub(r" at 0x[0-9a-f]+", "", str(exc))
        finally:
            del sys.modules["main"]

    def test_seed_dynamic_callable_os_environ_get(self):
        message = self.refusal("def on_event(e):\n    os.environ.get('HOME')\n")
        self.assertIn("main.py:4: the call of get(): callee.__self__", message)

    def test_seed_file_handle_method(self):
        message = self.refusal("def on_event(e):\n    with open('/dev/null') as f:\n        f.read()\n")
        self.assertTrue(message.startswith("main.py:5: the call of read(): callee.__self__ (type _io.TextIOWrapper) cannot be recorded"), message)
        self.assertIn("open, use and close the file inside one function marked @autokitteh.activity", message)

    def test_attribute_path_is_named(self):
        message = self.refusal("class Box: pass\n@activity\ndef take(x, k): pass\ndef on_event(e):\n    b = Box(); b.handler = (x for x in [])\n"
                               "    take(1, k={'x': b})\n")
        self.assertIn("main.py:8: the call of take(): kwargs['k']['x'].handler (type generator) cannot be recorded", message)

    def test_a_caught_refusal_lets_the_program_go_on(self):
        run = self.twice(MARK + "def on_event(e):\n    try:\n        os.fwalk(lambda: 1)\n    except Exception as x:\n        print(type(x).__name__)\n"
                         "    print(os.getpid() > 0)\n")
        self.assertEqual((run.text, run.calls), ("CannotRecord\nTrue\n", ["getpid"]))

    def test_dialect_autokitteh_makes_the_call_in_memory_and_marks_it(self):
        run = self.twice(MARK + "@activity\ndef apply(f, x): return f(x)\ndef on_event(e):\n    print(apply(lambda v: v + 1, 2))\n"
                         "    with open('/dev/null') as f: print(repr(f.read()))\n", dialect="autokitteh")
        self.assertEqual((run.calls, run.text), (["apply", "read"], "3\n''\n"))
        call = run.sent[1][1]
        self.assertTrue(call["in_memory"])
        self.assertIsNone(call["digest"])
        from harness import unpickled
        self.assertEqual(unpickled(call["data"]), ("apply", (), {}))

    def test_pickling_hooks_of_user_classes_are_not_recorded(self):
        run = self.twice(MARK + "class K:\n    def __getstate__(self): os.getpid(); return {'a': 1}\n    def __repr__(self): return str(os.getuid())\n"
                         "    def __setstate__(self, s): os.getppid()\n@activity\ndef take(k): return 1\ndef on_event(e): take(K())\n")
        self.assertEqual(run.calls, ["take"])

    def test_local_function_marked_activity_is_refused_with_the_way_out(self):
        message = self.refusal("def on_event(e):\n    @activity\n    def inner(): pass\n    inner()\n")
        self.assertIn("the call of inner(): callee (type function defined inside another (on_event.<locals>.inner))", message)


class Mutation(Case):
    """3.2: a change that the callee makes to its arguments is lost, on the first run as on replay, and told."""

    def test_hole_lost_mutation_is_reported(self):
        run = self.twice("import random\ndef on_event(e):\n    x = list(range(50))\n    random.shuffle(x)\n    print(x == list(range(50)))\n")
        self.assertEqual(run.text, "True\n")
        self.assertEqual(run.errors, "main.py:4: shuffle() changed args[0]: replay restores its result, not the change; "
                                     "return the new value instead\n")
        self.assertEqual([p[2] for p in run.prints if p[0] == "stderr"], [1])

    def test_lost_change_of_the_object_is_reported(self):
        run = self.twice(MARK + "class K:\n    n = 0\n    @activity\n    def up(self): self.n += 1\ndef on_event(e):\n    k = K()\n    k.up()\n    print(k.n)\n")
        self.assertEqual((run.text, run.errors[:60]), ("0\n", "main.py:9: up() changed the object it is called on: replay resto"[:60]))

    def test_nothing_is_reported_without_a_change(self):
        run = self.twice(MARK + "@activity\ndef take(x, k): return len(x)\ndef on_event(e): take([1, {2: [3]}], k={'a': 1})\n")
        self.assertEqual(run.errors, "")

    def test_dialect_autokitteh_changes_the_callers_object_on_the_first_run(self):
        run = self.execute("import random\ndef on_event(e):\n    x = list(range(50))\n    random.shuffle(x)\n    print(x == list(range(50)))\n",
                           dialect="autokitteh")
        self.assertEqual(run.text, "False\n")
        self.assertIn("shuffle() changed args[0]", run.errors)


class Exceptions(Case):
    """3.4: class, args and `except` behaviour survive, on the first run as on replay."""

    def caught(self, head, raising, catching, show="x.args"):
        program = MARK + head + "\n@activity\ndef act():\n    %s\ndef on_event(e):\n    try:\n        act()\n    except %s as x:\n" \
                                "        print(type(x).__name__, %s)\n" % (raising, catching, show)
        run = self.twice(program)
        self.assertEqual(run.error, None)
        return run.text

    def test_builtin_errors_keep_class_and_fields(self):
        self.assertEqual(self.caught("", "open('/nope/x')", "OSError", "x.errno, x.filename"), "FileNotFoundError 2 /nope/x\n")
        self.assertEqual(self.caught("", "{}['k']", "LookupError"), "KeyError ('k',)\n")
        self.assertEqual(self.caught("", "b'\\xff'.decode()", "UnicodeDecodeError", "x.start, x.object"), "UnicodeDecodeError 0 b'\\xff'\n")

    def test_hole_init_with_extra_arguments(self):
        head = "class X(ValueError):\n    def __init__(self, code, text):\n        super().__init__(text)\n        self.code = code\n"
        self.assertEqual(self.caught(head, "raise X(7, 'bad')", "X", "x.code, x.args, str(x)"), "X 7 ('bad',) bad\n")

    def test_hole_keyword_only_init(self):
        head = "class X(Exception):\n    def __init__(self, *, code):\n        self.code = code\n"
        self.assertEqual(self.caught(head, "raise X(code=3)", "X", "x.code"), "X 3\n")

    def test_hole_attributes_that_do_not_pickle_become_none(self):
        head = "import threading\nclass X(Exception): pass\ndef go():\n    x = X('m', threading.Lock())\n    x.lock = threading.Lock()\n    x.n = 1\n    raise x\n"
        self.assertEqual(self.caught(head, "go()", "X", "x.args[0], x.lock, x.n, x.args[1][:16]"), "X m None 1 <unlocked _threa\n")

    def test_hole_oserror_with_its_own_init(self):
        head = "class X(OSError):\n    def __init__(self, response, **kw):\n        super().__init__(5, 'io')\n        self.response = response\n"
        self.assertEqual(self.caught(head, "raise X('r')", "IOError", "x.response, x.errno"), "X r 5\n")

    def test_hole_reduce_that_lies(self):
        head = "class X(Exception):\n    def __reduce__(self): return (dict, ())\n"
        self.assertEqual(self.caught(head, "raise X('a')", "X"), "X ('a',)\n")

    def test_class_that_cannot_be_imported_keeps_its_nearest_base(self):
        head = "def go():\n    class Local(KeyError): pass\n    raise Local('a')\n"
        self.assertEqual(self.caught(head, "go()", "KeyError"), "KeyError (\"Local: 'a'\",)\n")

    def test_the_same_class_is_caught_on_first_run_and_replay_uncaught_too(self):
        run = self.twice(MARK + "class X(Exception):\n    def __init__(self, a, b): super().__init__(a)\n@activity\ndef act(): raise X(1, 2)\n"
                         "def on_event(e): act()\n")
        self.assertEqual((run.error["type"], run.error["message"], run.error["kind"]), ("X", "1", "user"))

    def test_an_exception_returned_as_a_value_is_not_raised(self):
        run = self.twice(MARK + "@activity\ndef act(): return ValueError('v')\ndef on_event(e): print(repr(act()))\n")
        self.assertEqual(run.text, "ValueError('v')\n")

    def test_base_exception_in_an_activity_ends_the_session(self):
        for raising, name in (("raise KeyboardInterrupt", "KeyboardInterrupt"), ("raise SystemExit(3)", "SystemExit")):
            run = self.twice(MARK + "@activity\ndef act():\n    %s\ndef on_event(e):\n    try:\n        act()\n    except Exception:\n"
                             "        print('swallowed')\n" % raising)
            self.assertEqual((run.error["type"], run.text, run.code), (name, "", 1))

    def test_exit_in_the_handler_is_an_error_in_words(self):
        run = self.twice("import sys\ndef on_event(e):\n    sys.exit(4)\n")
        self.assertEqual((run.error["type"], run.code), ("SystemExit", 1))
        self.assertEqual(run.error["message"], "the program called exit(4): a session ends by returning from its handler")

    def test_tracebacks_printed_by_the_program_hold_its_own_lines_only(self):
        run = self.twice("import os, traceback, autokitteh\ndef on_event(e):\n    try:\n        os.listdir('/nope')\n    except OSError:\n"
                         "        print(traceback.format_exc())\n")
        self.assertEqual([line for line in run.text.split("\n") if "File \"" in line], [
            '  File "%s/code/main.py", line 4, in on_event' % os.path.realpath(self.dir)])

    def test_exceptions_with_a_broken_str_do_not_break_the_session(self):
        run = self.twice(MARK + "class X(Exception):\n    def __str__(self): raise ValueError\n    __repr__ = __str__\n"
                         "@activity\ndef act(): raise X(1)\ndef on_event(e): act()\n")
        self.assertEqual((run.error["type"], run.error["message"]), ("X", "no message: str() of it raised ValueError"))

    def test_an_oserror_without_a_number_keeps_its_class(self):
        """Protocol 0 knows them all as Python 2's OSError, which turns into the right one by its number alone."""
        for cls in (TimeoutError, ConnectionError, ConnectionRefusedError, FileNotFoundError, PermissionError, OSError):
            for exc in (cls("words"), cls(2, "words")):
                back = pickle.loads(ak_runner.freeze(ak_runner.frozen_form(exc)))
                self.assertEqual((type(back), back.args), (type(exc), exc.args))


if __name__ == "__main__":
    import unittest
    unittest.main()
