"""What a worker promises beside the corpus: limits, large values, requests inside a call, codecs, metrics, stopping."""
import asyncio
import os
import time
import urllib.request

import pytest

from conftest import unavailable
from run_host import PROGRAMS, ROOT
from temporal_host import free_port, make_cluster, server, until      # noqa: F401

PROGRAM = """\
import os
import signal
import time

import autokitteh

from effects import count, effect


@autokitteh.activity
def load(size):
    return "x" * size


@autokitteh.activity
def inside(session_id):
    print("told inside")
    autokitteh.set_value(session_id + "-inside", 5)
    autokitteh.signal(session_id, "note", autokitteh.get_value(session_id + "-inside"))
    return autokitteh.start("main.py:child", {"n": 1})


@autokitteh.activity(timeout=0.5)
def slow():
    time.sleep(30)


@autokitteh.activity
def dies():
    effect("died")
    os._exit(3)


@autokitteh.activity
def dies_once():
    effect("once")
    if count("once") < 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return "lived"


def large(event):
    return len(load(event.data.n)) + len(load(event.data.n))


def requests(event, session_id):
    child = inside(session_id)
    note = autokitteh.next_signal("note")
    ended = autokitteh.next_signal(child)
    return [note.payload, ended.payload["value"]]


def child(event):
    return "child %d" % event.data.n


def too_slow(event):
    try:
        slow()
    except TimeoutError as exc:
        return str(exc)


def lost(event):
    dies()


def lost_once(event):
    return dies_once()


def endless(event):
    effect("before")
    while True:
        pass


def waits(event):
    effect("waits")
    signal = autokitteh.next_signal("go")
    return [effect("goes"), signal.payload, signal.session_id]


def sleeper(event):
    effect("a")
    time.sleep(0.5)
    effect("b")
    time.sleep(0.5)
    return effect("c")


def many(event):
    return sum(len(effect("n%d" % i)) for i in range(event.data.n))


def bad_store(event):
    try:
        autokitteh.set_value("k", "x" * 70000)
    except ValueError as exc:
        return str(exc)
"""


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    folder = tmp_path_factory.mktemp("extras")
    (folder / "main.py").write_text(PROGRAM)
    (folder / "effects.py").write_text((PROGRAMS / "effects.py").read_text())
    return folder


@pytest.fixture(scope="module")
def cluster(make_cluster, code):      # noqa: F811
    cluster = make_cluster("extras")
    cluster.deploy_folder(code, "extras")
    (cluster.folder / "ak").mkdir()
    (cluster.folder / "ak" / "config.yaml").write_text("limits:\n  turn: 2\n  runners: 2\n")
    cluster.worker("--heartbeat", "2")
    return cluster


def run(cluster, function, data=None, **more):
    async def go():
        await cluster.connect()
        return await cluster.family(await cluster.start("main.py:%s" % function, data, turn=2, **more))

    return asyncio.run(go())


def test_large_values_go_through_the_shared_folder(cluster):
    size = 3 << 20
    assert run(cluster, "large", {"n": size})["outcome"]["value"] == str(2 * size)
    blobs = [p for p in (cluster.shared.folder / "blobs").rglob("*") if p.is_file()]
    assert len(blobs) == 1 and blobs[0].stat().st_size > size       # twice the same value is one blob


def test_requests_inside_a_call(cluster):
    family = run(cluster, "requests")
    assert family["outcome"] == {"state": "completed", "value": "[5, \"'child 1'\"]"}
    # What happens inside a call is no step; what it prints is in the record.
    assert [r["name"] for r in family["record"] if r["kind"] in ("call", "answer")] == ["inside", "next_signal", "next_signal"]
    assert [r["text"] for r in family["record"] if r["kind"] == "print"] == ["told inside\n"]


def test_a_call_that_takes_too_long(cluster):
    assert run(cluster, "too_slow")["outcome"]["value"] == "'the call took longer than 0.5 s'"


def test_a_call_whose_process_dies_is_made_again(cluster):
    assert run(cluster, "lost_once")["outcome"]["value"] == "'lived'"


def test_a_call_whose_process_always_dies_ends_the_session(cluster):
    error = run(cluster, "lost")["outcome"]["error"]
    assert error["type"] == "RunnerLost" and "dies() at main.py:" in error["message"]
    assert cluster.effects().count("died") == 6


def test_a_turn_without_end_names_its_line(cluster):
    error = run(cluster, "endless")["outcome"]["error"]
    line = PROGRAM.split("\n").index("        pass")
    assert error["type"] == "TurnTimeout"
    assert error["message"] in ["workflow code ran longer than 2 s between two steps, at main.py:%d" % n for n in (line, line + 1)]


def test_more_sessions_than_processes(cluster):
    """Two wait at hand, the others come back by replay."""
    async def go():
        await cluster.connect()
        handles = [await cluster.start("main.py:sleeper", turn=2) for _ in range(8)]
        return [(await cluster.family(h))["outcome"]["value"] for h in handles]

    assert asyncio.run(go()) == ["'did c'"] * 8


def test_a_signal_from_outside(cluster):
    async def go():
        await cluster.connect()
        handle = await cluster.start("main.py:waits", turn=2)
        await handle.signal("other", 1)
        await handle.signal("go", {"n": 7})
        return await cluster.outcome(handle)

    assert asyncio.run(go())["value"] == "['did goes', {'n': 7}, None]"


def test_a_session_is_cancelled(cluster):
    async def go():
        await cluster.connect()
        handle = await cluster.start("main.py:waits", turn=2)
        before = cluster.effects().count("waits")
        while cluster.effects().count("waits") == before:
            await asyncio.sleep(0.05)
        await handle.cancel()
        return await cluster.family(handle)

    family = asyncio.run(go())
    assert family["outcome"]["state"] == "stopped"
    assert family["record"][-1]["kind"] == "done" and family["record"][-1]["state"] == "stopped"


def test_many_steps_in_runs_that_go_on(cluster):
    family = run(cluster, "many", {"n": 60}, events=100)
    assert family["outcome"]["value"] == str(sum(len("did n%d" % i) for i in range(60)))
    assert [r["seq"] for r in family["record"] if r["kind"] == "call"] == list(range(1, 61))


def test_what_the_store_refuses(cluster):
    assert "a value may have 65536 bytes" in run(cluster, "bad_store")["outcome"]["value"]


def test_search_attributes_and_words_for_people(cluster):
    async def go():
        client = await cluster.connect()
        handle = await cluster.start("main.py:child", {"n": 3}, trigger="order")
        await handle.result()
        until_seen = time.monotonic() + 20
        while time.monotonic() < until_seen:
            found = [w async for w in client.list_workflows("AkProject = 'extras' AND AkTrigger = 'order' AND AkEntry = 'main.py:child'")]
            if found:
                break
            await asyncio.sleep(0.2)
        described = await handle.describe()
        return found, await described.static_summary(), await described.static_details()

    found, summary, details = asyncio.run(go())
    assert len(found) == 1 and summary == "main.py:child · order" and "project extras" in details


def test_metrics_and_an_interceptor(make_cluster, code):      # noqa: F811
    cluster = make_cluster("metrics")
    cluster.deploy_folder(code)
    port = free_port()
    worker = cluster.worker("--metrics", "127.0.0.1:%d" % port, "--interceptor", "interceptors:CallTimes",
                            env={"PYTHONPATH": str(ROOT / "examples" / "temporal")})
    assert run(cluster, "many", {"n": 3})["outcome"]["state"] == "completed"
    text = urllib.request.urlopen("http://127.0.0.1:%d/metrics" % port, timeout=10).read().decode()
    assert "temporal_workflow_completed" in text and 'callee="effect"' in text
    assert cluster.said(worker).count('{"call": "effect"') == 3


CODEC = """\
import zlib

from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec


class Squeezed(PayloadCodec):
    async def encode(self, payloads):
        return [Payload(metadata={"encoding": b"binary/zlib"}, data=zlib.compress(p.SerializeToString())) for p in payloads]

    async def decode(self, payloads):
        return [Payload.FromString(zlib.decompress(p.data)) if p.metadata.get("encoding") == b"binary/zlib" else p for p in payloads]
"""


def test_a_codec(make_cluster, code, tmp_path, monkeypatch):      # noqa: F811
    (tmp_path / "squeezed.py").write_text(CODEC)
    monkeypatch.syspath_prepend(str(tmp_path))
    check_codec(make_cluster("codec"), code, "squeezed:Squeezed", {"PYTHONPATH": str(tmp_path)}, b"binary/zlib")


def test_the_codec_of_the_examples(make_cluster, code, tmp_path, monkeypatch):      # noqa: F811
    try:
        import cryptography     # noqa: F401
    except ImportError:
        unavailable("tests/requirements-codec.txt is not installed")
    (tmp_path / "key").write_bytes(os.urandom(32))
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "temporal"))
    path = os.pathsep.join(filter(None, (str(ROOT / "examples" / "temporal"), os.environ.get("PYTHONPATH"))))
    monkeypatch.setenv("AK_CODEC_KEY", str(tmp_path / "key"))
    check_codec(make_cluster("encrypted"), code, "codec:Encryption", {"PYTHONPATH": path}, b"binary/encrypted")


def check_codec(cluster, code, name, env, encoding):
    cluster.deploy_folder(code)
    cluster.more = ["--codec", name]
    cluster.worker("--codec", name, env=env)

    async def go():
        await cluster.connect()
        handle = await cluster.start("main.py:many", {"n": 2})
        family = await cluster.family(handle)
        return family, [e async for e in handle.fetch_history_events()]

    family, events = asyncio.run(go())
    assert family["outcome"]["value"] == "12"
    payloads = [p for e in events for p in (*e.workflow_execution_started_event_attributes.input.payloads,
                                            *e.activity_task_scheduled_event_attributes.input.payloads,
                                            *e.activity_task_completed_event_attributes.result.payloads)]
    assert len(payloads) == 5 and {p.metadata["encoding"] for p in payloads} == {encoding}


def test_stopping_lets_calls_end(make_cluster, tmp_path):      # noqa: F811
    (tmp_path / "main.py").write_text(
        "import time\nimport autokitteh\nfrom effects import effect\n\n\n@autokitteh.activity\ndef work():\n    effect('begun')\n"
        "    time.sleep(3)\n    return effect('done')\n\n\ndef handler(event):\n    return work()\n")
    (tmp_path / "effects.py").write_text((PROGRAMS / "effects.py").read_text())
    cluster = make_cluster("graceful")
    cluster.deploy_folder(tmp_path)
    worker = cluster.worker()

    async def begin():
        await cluster.connect()
        return (await cluster.start("main.py:handler")).id

    session = asyncio.run(begin())
    until(lambda: cluster.effects() == ["begun"], 30, "it does not begin")
    worker.terminate()
    assert worker.wait(20) == 0
    assert cluster.effects() == ["begun", "done"]
    cluster.worker()

    async def end():
        client = await cluster.connect()
        return await cluster.outcome(client.get_workflow_handle(session))

    assert asyncio.run(end())["value"] == "'did done'"
    assert cluster.effects() == ["begun", "done"]
