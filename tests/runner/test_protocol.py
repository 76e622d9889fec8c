"""The seed's protocol byte for byte, the extension, and what a hostile or broken engine meets."""
import base64
import json
import os
import pickle
import signal
import socket
import time

from ak_runner_module import load
from harness import Case, Engine, Run

JSON_LOADS = "KGNqc29uCmxvYWRzCnAwCihWWzEsMl0KcDEKdHAyCihkcDMKdHA0Ci4="
LIST_1_2 = "KGxwMApJMQphSTIKYS4="
GETENV_HOME = "KGNvcwpnZXRlbnYKcDAKKFZIT01FCnAxCnRwMgooZHAzCnRwNAou"

GETENV = """
import os

def on_event(event):
    print(os.getenv("HOME"))
"""


class Golden(Case):
    """Transcripts written from the facts about the engine of April 2024, which answers without `proto`."""

    def talk(self, program, answers, event=None, entry="main.py:on_event"):
        """Sends `run` and then each canned line after each line of the runner; returns the runner's lines after `module`."""
        process, sock = self.start({"main.py": program}, entry)
        file, lines = sock.makefile("rb"), []
        file.readline()
        sock.sendall(json.dumps({"type": "run", "payload": {"func_name": entry.partition(":")[2], "event": event}}).encode() + b"\n")
        for answer in answers + [None]:
            lines.append(file.readline().decode())
            if answer is not None:
                sock.sendall(answer.encode() + b"\n")
        sock.close()
        out, err = process.communicate(timeout=60)
        return lines, out.decode(), err.decode(), process.returncode

    def test_first_execution_is_callback_callback_response_response(self):
        echo = '{"type": "callback", "payload": {"name": "getenv", "args": null, "kw": null, "data": "%s"}}' % GETENV_HOME
        recorded = '{"type": "response", "payload": {"value": "VmEKcDAKLg=="}}'
        lines, out, err, code = self.talk(GETENV, [echo, recorded])
        self.assertEqual(lines[0], '{"type": "callback", "payload": {"name": "getenv", "args": ["HOME"], "kw": {}, "data": "%s"}}\n'
                         % GETENV_HOME)
        value = base64.b64encode(pickle.dumps(os.environ["HOME"], 0)).decode()
        self.assertEqual(lines[1], '{"type": "response", "payload": {"value": "%s"}}\n' % value)
        self.assertEqual(lines[2], '{"type": "done"}\n')
        self.assertEqual((out, err, code), ("a\n", "", 0))

    def test_replay_is_callback_response(self):
        lines, out, _, code = self.talk(GETENV, ['{"type": "response", "payload": {"value": "VmEKcDAKLg=="}}'])
        self.assertEqual(lines[1], '{"type": "done"}\n')
        self.assertEqual((out, code), ("a\n", 0))

    def test_golden_vectors_of_calls_and_values(self):
        import ak_runner_module
        runner = ak_runner_module.load()
        self.assertEqual(runner.b64(runner.freeze_call(json.loads, ("[1,2]",), {})), JSON_LOADS)
        self.assertEqual(runner.b64(runner.freeze([1, 2])), LIST_1_2)
        self.assertEqual(runner.b64(runner.freeze(None)), "Ti4=")
        self.assertEqual(runner.b64(runner.freeze("a")), "VmEKcDAKLg==")
        self.assertEqual(runner.b64(runner.freeze_call(os.getenv, ("HOME",), {})), GETENV_HOME)

    def test_module_comes_first_even_when_module_level_code_calls(self):
        run = self.execute("import os\nTOKEN = os.getenv('HOME')\n" + GETENV, proto=1)
        self.assertEqual(run.sent[0][0], "module")
        self.assertEqual(run.calls, ["getenv"])

    def test_entries_are_all_callables_sorted_imported_names_too(self):
        run = self.execute("from json import loads\nimport os\nclass C: pass\ndef _p(): pass\ndef on_event(e): pass\n", proto=1)
        self.assertEqual(run.module["entries"], ["C", "_p", "loads", "on_event"])

    def test_base_engine_gets_no_extension_after_module(self):
        run = self.execute("import os, time\ndef on_event(e):\n    print('x')\n    time.sleep(0.001)\n    os.getenv('HOME')\n", proto=1)
        self.assertEqual([(k, sorted(p or ())) for k, p in run.sent[1:]], [
            ("callback", ["args", "data", "kw", "name"]), ("response", ["value"]),
            ("callback", ["args", "data", "kw", "name"]), ("response", ["value"]), ("done", [])])
        self.assertEqual(run.calls, ["sleep", "getenv"])
        self.assertEqual(run.stdout, "x\n")

    def test_null_event_is_an_empty_dict(self):
        _, out, _, _ = self.talk("def on_event(event):\n    print(event == {}, isinstance(event, dict))\n", [])
        self.assertEqual(out, "True True\n")

    def test_non_ascii_is_escaped(self):
        run = self.execute("import os\ndef on_event(e):\n    os.getenv('é')\n", proto=1)
        self.assertIn(b'["\\u00e9"]', run.lines[1])

    def test_base_exception_crosses_and_is_caught_on_replay(self):
        program = "import os\ndef on_event(e):\n    try:\n        os.listdir('/nope')\n    except FileNotFoundError as x:\n" \
                  "        print(x.errno, x.filename)\n"
        first = self.execute(program, proto=1)
        again = self.execute(program, proto=1, journal=first.journal)
        self.assertEqual((first.stdout, again.stdout, again.executed), ("2 /nope\n", "2 /nope\n", []))

    def test_base_uncaught_error_is_a_traceback_and_exit_1_without_done(self):
        run = self.execute("def on_event(e):\n    1 / 0\n", proto=1)
        self.assertEqual((run.code, run.done), (1, None))
        self.assertIn("ZeroDivisionError", run.stderr)
        self.assertNotIn("ak_runner.py", run.stderr)

    def test_async_handler_runs_and_is_never_skipped(self):
        run = self.execute("async def on_event(event):\n    print('ran')\n", proto=1)
        self.assertEqual((run.stdout, run.code), ("ran\n", 0))

    def test_lambda_argument_fails_the_session(self):
        run = self.execute("import os\ndef on_event(e):\n    os.fwalk(lambda: 1)\n", proto=1)
        self.assertEqual((run.code, run.done, run.calls), (1, None, []))
        self.assertIn("args[0] (type lambda)", run.stderr)


class Extension(Case):
    def test_module_tells_proto_python_and_functions(self):
        run = self.execute("async def a(x, y=1, *z): pass\ndef g(): yield\ndef on_event(event): pass\n")
        self.assertEqual(run.module["proto"], 2)
        self.assertRegex(run.module["python"], r"^3\.\d+\.\d+$")
        by_name = {f["name"]: f for f in run.module["functions"]}
        self.assertEqual(by_name["a"], {"name": "a", "file": "main.py", "line": 1, "is_async": True, "is_generator": False,
                                        "min_args": 1, "max_args": None})
        self.assertTrue(by_name["g"]["is_generator"])
        self.assertEqual(by_name["on_event"]["max_args"], 1)

    def test_callback_tells_seq_where_preview_digest(self):
        run = self.execute(GETENV)
        call = run.sent[1][1]
        self.assertEqual((call["seq"], call["where"], call["preview"]), (1, {"file": "main.py", "line": 5, "func": "on_event"}, "'HOME'"))
        self.assertRegex(call["digest"], r"^[0-9a-f]{32}$")

    def test_lines_made_of_pieces_read_as_the_encoder_writes_them(self):
        program = ("import os, autokitteh\n"
                   "@autokitteh.activity(retries=2, timeout=1.5)\n"
                   "def echo(*args, **kwargs): return args[0] if args else None\n"
                   "def on_event(event):\n"
                   "    echo('\\\\ \\\"quoted\\\" \\n \\u00e9 \\U0001f600 \\ud800', 7, None, b=b'x', \u00e9='%s %d')\n"
                   "    echo(os.getenv('HOME'), [1.5, {'a': ()}])\n"
                   "    os.getpid()\n"
                   "    with open('/dev/null') as f: f.read()\n")
        run = self.execute(program, dialect="autokitteh")
        calls = [payload for kind, payload in run.sent if kind == "callback"]
        self.assertEqual([c["name"] for c in calls], ["echo", "getenv", "echo", "getpid", "read"])
        self.assertEqual((calls[0]["options"], calls[3].get("options")), ({"retries": 2, "timeout": 1.5}, None))
        self.assertEqual((calls[0]["args"][0][:2], set(calls[0]["kw"])), ("\\ ", {"b", "\u00e9"}))
        self.assertTrue(any(c.get("in_memory") and c["digest"] is None for c in calls))
        self.assertEqual(len([1 for kind, _ in run.sent if kind == "response"]), len(calls))
        for line in run.lines:
            self.assertEqual(line.decode(), json.dumps(json.loads(line)) + "\n")

    def test_load_error_is_told_in_module_with_its_line(self):
        run = self.execute({"main.py": "import helper\n", "helper.py": "x = 1\nraise ValueError('no')\n"})
        error = run.module["error"]
        self.assertEqual((error["type"], error["message"], error["kind"], run.code), ("ValueError", "no", "load", 1))
        self.assertEqual([(f["file"], f["line"]) for f in error["traceback"]], [("main.py", 1), ("helper.py", 2)])

    def test_syntax_error_is_told_with_its_line(self):
        error = self.execute("def on_event(e):\n    x = = 1\n").module["error"]
        self.assertEqual((error["type"], error["traceback"][-1]["line"]), ("SyntaxError", 2))

    def test_missing_file_is_a_load_error(self):
        error = self.execute({"main.py": ""}, entry="other.py:f").module["error"]
        self.assertEqual((error["kind"], error["message"]), ("load", "no file other.py in the program"))

    def test_unknown_function_is_a_load_error_in_done(self):
        run = self.execute("", entry="main.py:nothing")
        self.assertEqual((run.error["kind"], run.code), ("load", 1))
        self.assertIn("nothing", run.error["message"])

    def test_done_carries_a_preview_of_the_value(self):
        self.assertEqual(self.execute("def on_event(e):\n    return [1, 'x']\n").done, {"value": "[1, 'x']"})
        self.assertEqual(self.execute("def on_event(e): pass\n").done, {"value": None})

    def test_uncaught_error_is_told_with_the_users_frames_only(self):
        run = self.execute("import os\ndef inner():\n    os.listdir('/nope')\ndef on_event(e):\n    inner()\n")
        self.assertEqual((run.error["type"], run.error["kind"]), ("FileNotFoundError", "user"))
        self.assertEqual([(f["file"], f["line"], f["name"], f["code"]) for f in run.error["traceback"]], [
            ("main.py", 5, "on_event", "inner()"), ("main.py", 3, "inner", "os.listdir('/nope')")])

    def test_previews_are_cut(self):
        run = self.execute("import os\ndef on_event(e):\n    os.getenv('x' * 10000)\n    return 'y' * 10000\n")
        self.assertLessEqual(len(run.sent[1][1]["preview"]), 200)
        self.assertLessEqual(len(run.done["value"]), 200)

    def test_prints_are_messages_by_line_with_the_call_they_came_from(self):
        run = self.execute("""
import sys, autokitteh
@autokitteh.activity
def act():
    print("inside")
def on_event(event):
    print("a", "b", end="")
    print("!")
    print("unfinished", end="")
    act()
    sys.stderr.write("err\\n")
    sys.stdout.buffer.write("é\\n".encode())
""")
        self.assertEqual(run.prints, [("stdout", "a b!\n", 0), ("stdout", "unfinished", 0), ("stdout", "inside\n", 1),
                                      ("stderr", "err\n", 0), ("stdout", "é\n", 0)])
        self.assertEqual(run.stdout, "")

    def test_module_level_prints_come_with_the_session(self):
        self.assertEqual(self.execute("print('loading')\ndef on_event(e): print('on')\n").text, "loading\non\n")

    def test_a_call_that_failed_is_done_again_when_told(self):
        program = "import autokitteh, os\n@autokitteh.activity(retries=2, timeout=5, backoff=0.5)\ndef flaky(path):\n" \
                  "    os.mkdir(path)\n    os.listdir(path + '/x' if len(os.listdir(os.path.dirname(path))) < 9 else '/')\n" \
                  "def on_event(e):\n    try:\n        flaky(e.data.path)\n    except OSError as x:\n        print(type(x).__name__)\n"
        run = self.execute(program, attempts=2, event={"data": {"path": os.path.join(self.dir, "d")}})
        self.assertEqual(run.executed, ["flaky", "flaky"])
        self.assertEqual(run.sent[1][1]["options"], {"retries": 2, "timeout": 5.0, "backoff": 0.5})
        self.assertEqual(run.text, "FileExistsError\n")

    def test_engine_error_without_value_raises_the_builtin_class_it_names(self):
        class Late(Engine):
            def on_callback(self, payload):
                self.send("response", {"seq": payload["seq"], "at": 1.0, "value": None, "error": {
                    "type": "TimeoutError", "message": "took too long", "kind": "user", "traceback": []}})
        run = self.execute("import os\ndef on_event(e):\n    try:\n        os.getenv('A')\n    except TimeoutError as x:\n"
                           "        print('caught', x)\n", engine=Late())
        self.assertEqual(run.text, "caught took too long\n")

    def test_divergence_ends_the_session_whatever_user_code_catches(self):
        class Other(Engine):
            def on_callback(self, payload):
                self.send("response", {"seq": payload["seq"], "error": {"type": "Divergence", "message": "call 1 was listdir",
                                                                       "kind": "divergence", "traceback": []}})
        run = self.execute("import os\ndef on_event(e):\n    try:\n        os.getenv('A')\n    except BaseException:\n"
                           "        os.getenv('B')\n", engine=Other())
        self.assertEqual((run.code, run.done, run.calls), (1, None, []))
        self.assertIn("call 1 was listdir", run.stderr)

    def test_inner_frames_of_a_failed_call_are_kept(self):
        run = self.twice("import autokitteh\n@autokitteh.activity\ndef act():\n    return [][1]\ndef on_event(e):\n    act()\n")
        self.assertEqual([(f["name"], f["line"]) for f in run.error["traceback"]], [("on_event", 6), ("act", 4)])


class History(Case):
    """Recorded answers sent in advance: replay without a round trip a call."""

    PROGRAM = """
import os, time, random, autokitteh
@autokitteh.activity
def twice(x): return x * 2
@autokitteh.activity
def bad(x): raise KeyError(x)
def on_event(event):
    try: os.getenv(lambda: 1)
    except Exception as x: print(type(x).__name__)
    print(os.getenv("HOME"), twice([1]), twice(2))
    time.sleep(5)
    try: bad(1)
    except KeyError as x: print("caught", x)
    print(autokitteh.get_value("k"), len(os.listdir("/")) > 0)
"""

    def test_replay_from_history_asks_nothing_and_ends_alike(self):
        first = self.execute(self.PROGRAM, answers={"store": 3})
        self.assertEqual(first.error, None)
        for ahead in (1, 2, 100):
            again = self.execute(self.PROGRAM, journal=first.journal, ahead=ahead)
            self.assertEqual((again.calls, again.requests), ([], []))
            self.assertEqual([p[:2] for p in again.prints], [p[:2] for p in first.prints])
            self.assertEqual(again.done, first.done)

    def test_what_the_history_does_not_hold_goes_on_live(self):
        first = self.execute(self.PROGRAM, answers={"store": 3})
        for kept in range(len(first.journal)):
            again = self.execute(self.PROGRAM, journal=first.journal[:kept], ahead=2, answers={"store": 3}, at=2000.0)
            self.assertEqual(len(again.calls) + len(again.requests), len(first.journal) - kept)
            self.assertEqual((again.text, again.done), (first.text, first.done))

    def test_another_call_than_recorded_is_left_to_the_engine_to_judge(self):
        class Judge(Engine):
            def on_callback(self, payload):
                self.send("response", {"seq": payload["seq"], "error": {"type": "Divergence", "kind": "divergence", "traceback": [],
                                       "message": "call %d was %s, is %s" % (payload["seq"], self.journal[payload["seq"] - 1]["name"], payload["name"])}})
        first = self.execute("import os\ndef on_event(e):\n    os.getpid()\n    os.getuid()\n    os.getpid()\n")
        run = self.execute("import os\ndef on_event(e):\n    os.getpid()\n    os.getppid()\n    os.getpid()\n",
                           engine=Judge(journal=first.journal, ahead=1))
        self.assertIn("call 2 was getuid, is getppid", run.stderr)
        self.assertEqual(run.replayed, [1])

    def test_other_arguments_than_recorded_are_left_to_the_engine_too(self):
        program = "import os\ndef on_event(e):\n    os.getenv('A')\n    os.getenv(%r)\n    os.getenv('A')\n"
        first = self.execute(program % "B")
        ak_runner = load()
        for record, data in zip(first.journal, ("A", "B", "A")):
            record["digest"] = ak_runner.digest(ak_runner.b64(ak_runner.freeze_call(os.getenv, (data,), {})))
        again = self.execute(program % "B", journal=first.journal, ahead=100)
        self.assertEqual((again.calls, again.replayed), ([], [3]))
        other = self.execute(program % "C", journal=first.journal, ahead=100)
        self.assertEqual((other.calls, other.error), (["getenv", "getenv"], None))

    def test_a_program_that_ends_before_its_history_says_where(self):
        first = self.execute("import os\ndef on_event(e):\n    for _ in range(5): os.getpid()\n")
        for ending in ("return", "1/0"):
            run = self.execute("import os\ndef on_event(e):\n    for _ in range(3): os.getpid()\n    %s\n" % ending,
                               journal=first.journal, ahead=100)
            self.assertEqual(run.replayed, [3])
        self.assertEqual(run.code, 1)


class Broken(Case):
    """Each a named error on standard error, exit code 1, no traceback of ours."""

    def meet(self, *lines, program=GETENV, hold=False, env=None):
        process, sock = self.start({"main.py": program}, "main.py:on_event", env)
        file = sock.makefile("rb")
        file.readline()
        try:
            for line in lines:
                sock.sendall(line)
            if not hold:
                sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        while file.readline():
            pass
        sock.close()
        out, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertNotIn(b"Traceback", err)
        self.assertTrue(err.startswith(b"ak_runner: "), err)
        return err.decode()

    RUN = b'{"type": "run", "payload": {"func_name": "on_event", "event": null, "proto": 2}}\n'

    def test_closed_socket(self):
        self.assertIn("closed the connection", self.meet())
        self.assertIn("closed the connection", self.meet(self.RUN))

    def test_half_a_line(self):
        self.assertIn("in the middle of a line", self.meet(self.RUN[:20]))

    def test_no_json(self):
        self.assertIn("not JSON", self.meet(b"hello\n"))
        self.assertIn("not JSON", self.meet(b"[" * 100000 + b"\n"))

    def test_no_utf8(self):
        self.assertIn("not UTF-8", self.meet(b'{"type": "\xff\xfe"}\n'))

    def test_no_object_and_no_type(self):
        self.assertIn("without a type", self.meet(b"[1]\n"))
        self.assertIn("without a type", self.meet(b"{}\n"))
        self.assertIn("no object", self.meet(b'{"type": "run", "payload": []}\n'))

    def test_wrong_type(self):
        self.assertIn("where run was due", self.meet(b'{"type": "zebra", "payload": {}}\n'))
        self.assertIn("where a response was due", self.meet(self.RUN, b'{"type": "done"}\n'))

    def test_missing_fields(self):
        self.assertIn("without func_name", self.meet(b'{"type": "run", "payload": {"event": {}}}\n'))
        self.assertIn("event", self.meet(b'{"type": "run", "payload": {"func_name": "f", "event": 7}}\n'))
        self.assertIn("without a value", self.meet(self.RUN, b'{"type": "response", "payload": {}}\n'))

    def test_bad_values(self):
        self.assertIn("no base64", self.meet(self.RUN, b'{"type": "response", "payload": {"value": "*"}}\n'))
        self.assertIn("no base64", self.meet(self.RUN, b'{"type": "response", "payload": {"value": 5}}\n'))
        self.assertIn("does not unpickle", self.meet(self.RUN, b'{"type": "response", "payload": {"value": "YQ=="}}\n'))
        self.assertIn("is no call", self.meet(self.RUN, b'{"type": "callback", "payload": {"data": "Ti4="}}\n'))

    def test_wrong_call_number(self):
        self.assertIn("answer to call 9 where call 1 stood",
                      self.meet(self.RUN, b'{"type": "response", "payload": {"seq": 9, "value": "Ti4="}}\n'))

    def test_history_that_is_none(self):
        run = self.RUN.replace(b'"proto": 2', b'"proto": 2, "replay": 2')
        self.assertIn("recorded answers were due", self.meet(run, b'{"type": "history", "payload": {"records": 5}}\n'))
        self.assertIn("recorded answers were due", self.meet(run, b'{"type": "response", "payload": {"value": "Ti4="}}\n'))
        self.assertIn("more recorded answers than", self.meet(run, b'{"type": "history", "payload": {"records": [{}, {}, {}]}}\n'))
        self.assertIn("without a value", self.meet(run, b'{"type": "history", "payload": {"records": [{"name": "getenv"}]}}\n'))
        self.assertIn("is no number", self.meet(self.RUN.replace(b'"proto": 2', b'"proto": 2, "replay": "x"')))

    def test_line_above_the_limit(self):
        err = self.meet(b"x" * 5000, hold=True, env={"AK_LINE_LIMIT": "4096"})
        self.assertIn("above the limit of 4096 bytes", err)

    def test_user_code_cannot_swallow_a_broken_engine(self):
        program = "import os\ndef on_event(e):\n    while True:\n        try:\n            os.getenv('A')\n        except Exception:\n            pass\n"
        self.assertIn("closed the connection", self.meet(self.RUN, program=program))

    def test_arguments_and_results_above_the_limit_fail_the_call(self):
        program = "import os, autokitteh\n@autokitteh.activity\ndef big():\n    return 'x' * 9000\ndef on_event(e):\n" \
                  "    for f in (lambda: os.getenv('y' * 9000), big):\n        try:\n            f()\n" \
                  "        except Exception as x:\n            print(type(x).__name__, x)\n"
        run = self.execute(program, env={"AK_LINE_LIMIT": "8192"})
        self.assertEqual(run.code, 0)
        self.assertRegex(run.text, r"CannotRecord main.py:6: the arguments of getenv\(\) take \d+ bytes, above the line limit of 8192\n")
        self.assertRegex(run.text, r"CannotRecord main.py:8: the result of big\(\) takes \d+ bytes, above the line limit of 8192\n")


class Process(Case):
    def test_usr1_writes_the_stack_to_standard_error(self):
        process, sock = self.start({"main.py": "def on_event(e):\n    while True:\n        pass\n"}, "main.py:on_event")
        sock.makefile("rb").readline()
        sock.sendall(Broken.RUN)
        time.sleep(0.3)
        process.send_signal(signal.SIGUSR1)
        time.sleep(0.2)
        process.kill()
        err = process.communicate(timeout=60)[1].decode()
        sock.close()
        self.assertRegex(err, r'main\.py", line [23] in on_event')

    def test_interrupt_is_left_to_the_engine(self):
        process, sock = self.start({"main.py": GETENV}, "main.py:on_event")
        file = sock.makefile("rb")
        file.readline()
        process.send_signal(signal.SIGINT)
        engine, run = Engine(), Run()
        sock.sendall(Broken.RUN)
        self.assertIn(b"callback", file.readline())
        sock.sendall(b'{"type": "response", "payload": {"value": "VmEKcDAKLg==", "seq": 1}}\n')
        self.assertIn(b'"a\\n"', file.readline())
        self.assertIn(b"done", file.readline())
        sock.close()
        self.assertEqual(process.wait(timeout=60), 0)
        process.communicate()

    def test_archive_that_leaves_its_folder_is_refused(self):
        process, sock = None, None
        path, tar = os.path.join(self.dir, "s"), os.path.join(self.dir, "t.tar")
        from harness import RUNNER, make_tar
        import subprocess
        import sys
        with open(tar, "wb") as file:
            file.write(make_tar({"../evil.py": "x"}))
        done = subprocess.run([sys.executable, RUNNER, path, tar, "main.py:f"], stderr=subprocess.PIPE, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"no plain file inside it", done.stderr)
        self.assertFalse(os.path.exists(os.path.join(os.path.dirname(self.dir), "evil.py")))

    def test_threads_left_behind_do_not_hold_the_session(self):
        run = self.execute("import threading, time, autokitteh\n@autokitteh.activity\ndef act():\n"
                           "    threading.Thread(target=time.sleep, args=(500,)).start()\ndef on_event(e):\n    act()\n")
        self.assertEqual(run.code, 0)


if __name__ == "__main__":
    import unittest
    unittest.main()
