"""The packages programs import: in a session, outside one, and in place of a real autokitteh."""
import os
import subprocess
import sys
import unittest

from harness import ROOT, Case

NAMES = ("AttrDict AutoKittehError errors Event activity inhibit_activities register_no_activity subscribe unsubscribe next_event start "
         "signal next_signal Signal outcome http_outcome get_webhook_url get_store_public_url store get_value set_value del_value "
         "add_values check_and_set_value mutate_value list_values_keys publish_value unpublish_value").split()
SUBMODULES = "activities attr_dict connections errors event events outcomes signals store triggers".split()


class Session(Case):
    def run_it(self, body, head="", answers=None, **options):
        program = "from autokitteh import *\nimport autokitteh\n%s\ndef on_event(event):\n    %s\n" % (head, body.replace("\n", "\n    "))
        run = self.twice(program, answers=answers, **options)
        self.assertEqual(run.error, None)
        return run

    def test_event_is_a_dict_and_an_event_with_deep_attributes(self):
        event = {"event_type": "post", "event_id": "evt_1", "data": {"items_list": [{"x": {"y": 1}}], "body": {"bytes": "aGk=", "text": "hi"}}}
        run = self.run_it("print(isinstance(event, dict), isinstance(event, Event), event.data.items_list[0].x.y, event['data']['items_list'][0]['x']['y'])\n"
                          "print(event.event_type, event.integration_id, event.session_id, event.created_at, event.data.body.bytes)\n"
                          "try: event.data.nope\nexcept AttributeError as x: print(x)", event=event)
        self.assertEqual(run.text, "True True 1 1\npost None None None b'hi'\nno attribute 'nope'; the keys are 'items_list', 'body'\n")

    def test_parameter_named_session_id_is_filled(self):
        run = self.twice("def on_event(event, session_id): print(session_id)\n")
        self.assertEqual(run.text, "ses_1\n")

    def test_subscribe_next_event_unsubscribe(self):
        run = self.run_it("s = subscribe('conn', 'data.x == 1')\nprint(next_event(s, timeout=5).a.b)\nprint(next_event([s], full=True).event_type)\n"
                          "print(next_event(s, timeout=0))\nunsubscribe(s)",
                          answers={"subscribe": "sub_1", "next_event": [{"data": {"a": {"b": 2}}}, {"data": {}, "event_type": "t"}, None]})
        self.assertEqual(run.text, "2\nt\nNone\n")
        self.assertEqual(run.requests, [
            ("subscribe", {"source": "conn", "filter": "data.x == 1"}), ("next_event", {"ids": ["sub_1"], "timeout": 5.0}),
            ("next_event", {"ids": ["sub_1"], "timeout": None}), ("next_event", {"ids": ["sub_1"], "timeout": 0.0}),
            ("unsubscribe", {"id": "sub_1"})])

    def test_timeouts_take_timedelta_and_refuse_nonsense(self):
        run = self.run_it("from datetime import timedelta\nnext_event('s', timeout=timedelta(minutes=2))\n"
                          "for bad in (-1, 'x', float('nan')):\n    try: next_event('s', timeout=bad)\n    except (ValueError, TypeError) as x: print(x)")
        self.assertEqual(run.requests[0][1]["timeout"], 120.0)
        self.assertEqual(run.text, "timeout must not be negative\ntimeout must be a number of seconds or a timedelta, not str\n"
                                   "timeout must not be negative\n")

    def test_start_signal_next_signal(self):
        run = self.run_it("c = start('child.py:go', {'n': 1}, {'m': 'x'})\nsignal(c, 'go', [1])\ns = next_signal(['go', c], timeout=9)\n"
                          "print(s.name, s.payload.completed, s.session_id, isinstance(s, Signal))\nprint(next_signal('x', timeout=1))",
                          answers={"start": "ses_2", "next_signal": [{"name": "ses_2", "session_id": "ses_2", "payload": {"completed": True}}, None]})
        self.assertEqual(run.text, "ses_2 True ses_2 True\nNone\n")
        self.assertEqual(run.requests[0], ("start", {"loc": "child.py:go", "data": {"n": 1}, "memo": {"m": "x"}}))

    def test_store_functions_and_mapping(self):
        answers = {"store": lambda args: {"get": {"v": 1}, "list": ["a", "b"], "check_and_set": True, "add": 5}.get(args["action"])}
        run = self.run_it("set_value('k', {'x': 1})\nprint(get_value('k').v, list_values_keys(), check_and_set_value('k', 1, 2), add_values('k', 3))\n"
                          "del_value('k'); publish_value('k'); unpublish_value('k')\nstore['z'] = 1\nprint(store['z'], len(store), 'z' in store)\n"
                          "mutate_value('k', 'add', 2)", answers=answers)
        self.assertEqual(run.text, "{'v': 1}\n".replace("{'v': 1}", "1 ['a', 'b'] True 5") + "{'v': 1} 2 True\n")
        self.assertEqual(run.requests[0], ("store", {"action": "set", "key": "k", "value": {"x": 1}, "expected": None}))
        self.assertIn(("store", {"action": "check_and_set", "key": "k", "value": 2, "expected": 1}), run.requests)

    def test_big_integers_stay_exact(self):
        run = self.run_it("set_value('k', [1 << 80])\nprint(get_value('k') == 1 << 70)",
                          answers={"store": lambda args: {"__int__": str(1 << 70)} if args["action"] == "get" else None})
        self.assertEqual((run.text, run.requests[0][1]["value"]), ("True\n", [{"__int__": str(1 << 80)}]))

    def test_values_that_are_no_json_are_refused_with_their_path(self):
        run = self.execute("import autokitteh\ndef on_event(e):\n    autokitteh.set_value('k', {'a': [1, object]})\n")
        self.assertEqual(run.error["kind"], "misuse")
        self.assertIn("main.py:3: store: args['value']['a'][1] (type class object", run.error["message"])

    def test_store_works_inside_an_activity_outside_the_count(self):
        run = self.run_it("act()\nprint(get_value('k'))", "@activity\ndef act(): set_value('k', 1)", answers={"store": 4})
        requests = [p for k, p in run.sent if k == "request"]
        self.assertEqual([(p["seq"], p.get("call")) for p in requests], [(0, 1), (2, None)])

    def test_next_signal_is_refused_inside_an_activity(self):
        run = self.execute("from autokitteh import *\n@activity\ndef act(): next_signal('x')\ndef on_event(e): act()\n")
        self.assertEqual((run.error["type"], run.error["kind"], run.requests), ("AutoKittehError", "misuse", []))

    def test_engine_errors_are_autokitteh_errors(self):
        answers = {"subscribe": {"error": {"type": "X", "message": "no connection 'c'", "kind": "misuse", "traceback": []}}}
        run = self.run_it("try: subscribe('c')\nexcept AutoKittehError as x: print(x)", answers=answers)
        self.assertEqual(run.text, "no connection 'c'\n")

    def test_outcomes(self):
        run = self.run_it("outcome({'a': 1})\nhttp_outcome(201, json={'b': 2}, headers={'X': 'y'})\nhttp_outcome(body=b'\\xff', more=True)\nhttp_outcome(body='t')")
        self.assertEqual([a["value"] for _, a in run.requests], [
            {"a": 1}, {"status_code": 201, "headers": {"X": "y"}, "more": False, "json": {"b": 2}},
            {"status_code": 200, "headers": {}, "more": True, "body_base64": "/w=="},
            {"status_code": 200, "headers": {}, "more": False, "body": "t"}])

    def test_webhook_url_comes_from_the_environment(self):
        run = self.run_it("print(get_webhook_url('t'), U)\ntry: get_webhook_url('q')\nexcept AutoKittehError as x: print(x)",
                          "U = get_webhook_url('t')", env={"t__webhook_url": "http://h/w"})
        self.assertEqual(run.text, "http://h/w http://h/w\nno webhook trigger named 'q' in this project\n")

    def test_ak_values_are_free_and_the_same_on_replay(self):
        run = self.run_it("import ak, time\na = ak.now(); print(a.isoformat(), ak.now() == a)\ntime.sleep(60)\nprint((ak.now() - a).total_seconds())\n"
                          "u = ak.uuid4(); print(u, u != ak.uuid4(), u.version)\nr = ak.random(); print(r.random(), ak.random().randint(0, 9))")
        self.assertEqual((run.calls, [op for op, _ in run.requests]), ([], ["sleep"]))
        self.assertTrue(run.text.startswith("1970-01-01T00:16:40+00:00 True\n60.0\n"))
        other = self.execute("import ak\ndef on_event(e): print(ak.uuid4())\n", seed="ab")
        self.assertNotIn(other.text.strip(), run.text)

    def test_ak_values_under_the_base_protocol_are_recorded(self):
        program = "import ak\ndef on_event(e): print(ak.now(), ak.uuid4(), ak.random().random())\n"
        first = self.execute(program, proto=1)
        again = self.execute(program, proto=1, journal=first.journal)
        self.assertEqual((first.calls, again.stdout), (["time", "urandom"], first.stdout))

    def test_names_imported_before_the_session_work_in_it(self):
        run = self.twice("from autokitteh import subscribe as s\nfrom autokitteh.events import subscribe as t\ndef on_event(e): s('a'), t('b')\n")
        self.assertEqual([a["source"] for _, a in run.requests], ["a", "b"])

    def test_requests_need_protocol_2(self):
        run = self.execute("import autokitteh\ndef on_event(e): autokitteh.subscribe('x')\n", proto=1)
        self.assertIn("subscribe needs an engine that speaks protocol 2", run.stderr)

    def test_a_real_package_gets_our_functions(self):
        site = os.path.join(self.dir, "site")
        os.makedirs(os.path.join(site, "autokitteh"))
        for name, text in (("__init__.py", "from .events import subscribe\nfrom .marks import activity\nfrom . import errors\n"
                                           "from .errors import AutoKittehError\nclass Event: pass\nREAL = 1\n"),
                           ("events.py", "def subscribe(c, f=''): return 'stub'\n"), ("errors.py", "class AutoKittehError(Exception): pass\n"),
                           ("marks.py", "def activity(f): return f\n")):
            with open(os.path.join(site, "autokitteh", name), "w") as file:
                file.write(text)
        program = "import autokitteh\nfrom autokitteh.events import subscribe\n@autokitteh.activity\ndef act(): return 1\ndef on_event(e):\n" \
                  "    print(autokitteh.REAL, subscribe('c'), autokitteh.subscribe('d'), act(), isinstance(e, autokitteh.Event))\n"
        run = self.twice(program, env={"PYTHONPATH": site}, answers={"subscribe": "sub"})
        self.assertEqual((run.error, run.text, run.calls), (None, "1 sub sub 1 True\n", ["act"]))

    def test_the_runner_alone_runs_without_the_packages(self):
        import shutil
        from harness import RUNNER, Engine, Run
        alone = os.path.join(self.dir, "ak_runner.py")
        shutil.copy(RUNNER, alone)
        process, sock = self.start({"main.py": "import os\ndef on_event(e): print(e['data'], os.getpid() > 0)\n"}, "main.py:on_event", runner=alone)
        run = Run()
        Engine(proto=1).talk(sock, run, "on_event", {"data": 1})
        sock.close()
        self.assertEqual((process.communicate(timeout=60)[0], process.returncode), (b"1 True\n", 0))


class Outside(unittest.TestCase):
    """Unit tests of a program import the packages without a runner."""

    def shown(self, code):
        path = os.path.join(ROOT, "runtime")
        done = subprocess.run([sys.executable, "-c", code], env=dict(os.environ, PYTHONPATH=path, PYTHONDONTWRITEBYTECODE="1"), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=60)
        return done.stdout.decode()

    def test_every_name_and_submodule_is_there(self):
        self.assertEqual(self.shown("import autokitteh\nfor n in %r: getattr(autokitteh, n)\nfor m in %r: __import__('autokitteh.' + m)\n"
                                    "print(sorted(autokitteh.__all__) == sorted(%r))" % (NAMES, SUBMODULES, NAMES)), "True\n")

    def test_marks_and_values_work(self):
        self.assertEqual(self.shown(
            "import autokitteh as k, ak, copy, json, pickle\n@k.activity\ndef f(x): return x\n@k.inhibit_activities\ndef g(x): return x\n"
            "@ak.step('n')\ndef h(x): return x\nk.register_no_activity([len])\nprint(f(1), g(2), h(3))\n"
            "e = k.Event({'data': {'a': [{'b': 1}]}})\ne.data.c = {'d': 2}\n"
            "print(e.data.a[0].b, e.data.c.d, e.event_type, json.dumps(e))\nfor p in range(6): assert pickle.loads(pickle.dumps(e, p)) == e and type(pickle.loads(pickle.dumps(e, p))) is k.Event\n"
            "print(copy.deepcopy(e).data.a[0].b, type(copy.copy(e)).__name__)\nprint(ak.now().tzinfo, ak.uuid4().version, 0 <= ak.random().random() < 1)"),
            "1 2 3\n1 2 None {\"data\": {\"a\": [{\"b\": 1}], \"c\": {\"d\": 2}}}\n1 Event\nUTC 4 True\n")

    def test_what_needs_a_session_says_so(self):
        self.assertIn("AutoKittehError: subscribe() works in a session only: start the program with `ak run` or `ak deploy`",
                      self.shown("import autokitteh\nautokitteh.subscribe('c')"))

    def test_the_store_is_a_dictionary(self):
        self.assertEqual(self.shown("from autokitteh import *\nset_value('a', 1); add_values('a', 2); store['b'] = {'x': 1}\n"
                                    "print(get_value('a'), get_value('no'), get_value('no', 7), store['b'].x, sorted(store), check_and_set_value('a', 3, 4), get_value('a'))\n"
                                    "set_value('a', None); del store['b']; print(list_values_keys(), get_webhook_url('x') == '')"),
                         "3 None 7 1 ['a', 'b'] True 4\n[] True\n")

    def test_bad_options_are_refused(self):
        for options in ("retries=-1", "retries=True", "timeout='x'", "backoff=-2", "name=''"):
            self.assertRegex(self.shown("import autokitteh\nautokitteh.activity(%s)(len)" % options), "(Value|Type)Error")


if __name__ == "__main__":
    unittest.main()
