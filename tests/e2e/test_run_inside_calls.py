"""What a recorded call may ask of the runtime while it is performed: done at once, durable before it goes on, not recorded."""
import json

from run_host import Ak

PROGRAM = '''
import os
import time

import autokitteh


@autokitteh.activity
def all_of_it(me):
    autokitteh.set_value("k", {"n": 1})
    autokitteh.add_values("sum", 2)
    print("inside", autokitteh.get_value("k"), autokitteh.check_and_set_value("k", {"n": 1}, 5), autokitteh.list_values_keys())
    child = autokitteh.start("main.py:child", {"n": 3})
    autokitteh.signal(me, "note", "from inside")
    source = autokitteh.subscribe("somewhere")
    begun = time.monotonic()
    assert autokitteh.next_event(source, timeout=0.3) is None and 0.25 < time.monotonic() - begun < 5
    autokitteh.unsubscribe(source)
    autokitteh.outcome({"answer": 1})
    try:
        autokitteh.add_values("k", "no number")
    except TypeError as e:
        print(e)
    try:
        autokitteh.next_signal("note")
    except autokitteh.AutoKittehError as e:
        print(e)
    return child


def child(event):
    return event.data.n


def handler(event, session_id):
    id = all_of_it(session_id)
    print(autokitteh.next_signal("note").payload, autokitteh.next_signal(id).payload.value)


@autokitteh.activity
def guarded(path):
    """The guard is durable before the deed is done."""
    if autokitteh.check_and_set_value("paid", None, True):
        with open(path, "a") as file:
            file.write("paid\\n")
        os._exit(9)
    return "was paid"


def once(event):
    return guarded(event.data.path)

'''


def project(folder):
    (folder / "main.py").write_text(PROGRAM)
    return folder / "main.py", Ak(folder / "data")


def test_all_but_waiting_for_signals_works_inside_a_call(tmp_path):
    main, ak = project(tmp_path)
    done = ak("run", "%s:handler" % main)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ("inside {'n': 1} True ['k', 'sum']\nadd needs numbers; key 'k' holds another value\n"
                           "next_signal() cannot be called inside an activity\nfrom inside 3\n")
    kinds = [(r["kind"], r.get("name")) for r in ak.log(ak.last()["id"]) if r["kind"] not in ("print", "ask")]
    assert kinds == [("start", "main.py:handler"), ("call", "all_of_it"), ("answer", "next_signal"), ("answer", "next_signal"),
                     ("done", None)]


def test_what_a_call_set_is_durable_before_it_goes_on(tmp_path):
    """A call that is performed again after a crash finds the guard that it set."""
    main, ak = project(tmp_path)
    paid = tmp_path / "paid"
    done = ak("run", "%s:once" % main, "--data", "path=%s" % json.dumps(str(paid)))
    assert (done.returncode, paid.read_text()) == (0, "paid\n"), done.stderr
    assert ak.last()["value"] == "'was paid'"
