"""`ak serve`: requests become events, events sessions, and outcomes answers."""
import hashlib
import hmac
import json
import sqlite3
import threading
import time

import pytest

from run_host import wait_until
from serve_host import Server, copy_of, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("serve"), "quickstart", "sync", "events", "game", "counter") as running:
        yield running


def test_a_webhook_starts_a_session_that_completes(server):
    answer = server.get("start")
    assert answer.status == 202
    assert answer.headers["AutoKitteh-Event-ID"] == answer.json["event_id"]
    session = server.wait(answer.json["session_id"])
    assert session["state"] == "completed" and session["value"] == "'done'"


def test_a_method_that_the_trigger_does_not_name_starts_nothing(server):
    answer = server.request("POST", server.paths["start"])
    assert answer.status == 202 and "session_id" not in answer.json


def test_a_sync_webhook_answers_what_the_program_says(server):
    answer = server.request("POST", server.paths["echo"] + "/a/b?x=1&y=%20z", json.dumps({"n": [1]}),
                            {"Content-Type": "application/json", "x-test-header": "one"})
    assert answer.status == 200 and answer.headers["Content-Type"] == "application/json"
    assert answer.json == {"method": "POST", "suffix": "a/b", "query": {"x": "1", "y": " z"}, "type": "post", "json": {"n": [1]},
                           "form": None, "text": '{"n": [1]}', "size": 10, "header": "one"}


def test_a_form_and_bytes_that_are_no_text(server):
    form = server.request("POST", server.paths["echo"], "a=1+2&b=%C3%A9", {"Content-Type": "application/x-www-form-urlencoded"})
    assert form.json["form"] == {"a": "1 2", "b": "é"}
    raw = server.request("POST", server.paths["echo"], b"\xff\xfe\x00")
    assert raw.json["text"] is None and raw.json["json"] is None and raw.json["size"] == 3


def test_a_sync_session_can_wait_for_another_event(server):
    heard = []
    asking = threading.Thread(target=lambda: heard.append(server.get("ask")))
    asking.start()
    for _ in range(100):
        time.sleep(0.05)
        server.request("POST", server.paths["reply"], "good morning")
        if heard:
            break
    asking.join(20)
    assert heard[0].status == 201 and heard[0].body == b"heard: good morning" and heard[0].headers["X-Mood"] == "good"


def test_a_sync_webhook_whose_filter_refuses_is_502_and_without_outcome_202(server):
    assert server.get("silent").status == 502
    assert server.post("silent", {}).status == 202


def test_a_filter_chooses_events_for_triggers_and_subscriptions(server):
    assert "session_id" not in server.get("animals", "/moo").json
    first = server.get("animals", "/meow").json["session_id"]
    for _ in range(100):
        time.sleep(0.05)
        assert "session_id" not in server.get("animals", "/woof?name=Rex").json
        if server.session(first)["state"] == "completed":
            break
    assert server.wait(first)["value"] == "'Rex'"


def test_a_subscription_to_what_the_project_has_not_is_refused_in_words(server):
    session = server.wait(server.post("lost", {}).json["session_id"])
    assert session["value"] == '"the project has no trigger or connection \'plants\' to subscribe to; it has animals, lost"'


def test_an_event_wakes_a_session_that_gave_its_process_back(tmp_path):
    with serving(tmp_path, "events") as server:
        session = server.get("animals", "/meow").json["session_id"]
        wait_until(lambda: server.session(session).get("wait") and not server.request("GET", "/healthz").json["sessions"])
        server.get("animals", "/woof?name=Rex")
        assert server.wait(session)["value"] == "'Rex'"


def test_a_game_in_the_store(server):
    made = server.get("game", "/new")
    assert made.status == 302 and made.headers["Location"].startswith(f"http://127.0.0.1:{server.port}/webhooks/")
    game = made.headers["Location"].rsplit("/", 1)[1]
    assert server.get("game", f"/game/{game}/x/4").json["turn"] == "o"
    assert server.get("game", f"/game/{game}/x/5").status == 409
    assert server.get("game", f"/game/{game}/o/5").json["board"] == [None] * 4 + ["x", "o"] + [None] * 3
    assert server.get("game", "/what").status == 404


def test_an_idempotency_key_makes_one_event_and_one_session(server):
    key = {"Idempotency-Key": "order-1"}
    answers = [server.post("add", {"n": 1}, key) for _ in range(5)]
    assert {a.status for a in answers} == {202}
    assert len({a.json["event_id"] for a in answers}) == 1
    assert [("session_id" in a.json) for a in answers] == [True, False, False, False, False]


def test_unknown_addresses_are_404(server):
    for path in ("/webhooks/none", "/webhooks/", "/nothing", "//", "/../../etc/passwd", "/webhooks/..%2f..", "/store/x/y"):
        assert server.request("GET", path).status == 404, path
    assert server.request("GET", "/%00").status == server.request("GET", "/webhooks/x%00y").status == 400
    page = server.request("GET", "/")
    assert page.status == 200 and page.headers["Content-Type"].startswith("text/html")
    assert server.request("GET", "/healthz").json["status"] == "ok"
    assert b"ak_events_total" in server.request("GET", "/metrics").body


def test_a_body_above_the_limit_is_413_and_one_at_it_is_not(server):
    assert server.request("POST", server.paths["silent"], b"x" * (512 << 10)).status == 202
    assert server.request("POST", server.paths["silent"], b"x" * ((512 << 10) + 1)).status == 413

    def chunks():
        for _ in range(600):
            yield b"x" * 1024

    assert server.request("POST", server.paths["silent"], chunks()).status == 413


def test_a_schedule_fires(server):
    def ticks():
        shown = server.ak("store", "get", "ticks", "-p", "counter_sample", "--json").stdout
        return json.loads(shown)["value"] if shown else 0

    first = ticks()
    wait_until(lambda: ticks() >= first + 2)


def test_commands_reach_the_server(server):
    fired = json.loads(server.ak("trigger", "fire", "nap", "-d", 'body={"json": {"seconds": 0}}', "--json").stdout)
    assert server.wait(fired["session_id"])["state"] == "completed"
    again = json.loads(server.ak("event", "redispatch", fired["event_id"], "--json").stdout)
    assert again["event_id"] != fired["event_id"]
    assert server.wait(again["session_id"])["state"] == "completed"
    assert server.ak("trigger", "fire", "nothing").returncode == 44
    assert any(e["event_id"] == again["event_id"] for e in server.ak.lines("event", "list", "--json"))


def test_a_second_server_on_the_state_is_refused(server):
    second = server.ak("serve", "--listen", "127.0.0.1:0")
    assert second.returncode == 42 and "another ak holds" in second.stderr


def test_a_signed_webhook_wants_its_signature(server):
    assert server.ak("var", "set", "reply__webhook_secret", "key", "-s", "-p", "sync_sample").returncode == 0
    try:
        body = b'{"a": 1}'
        digest = hmac.new(b"key", body, hashlib.sha256).hexdigest()
        path = server.paths["reply"]
        assert server.request("POST", path, body).status == 401
        assert server.request("POST", path, body, {"X-Ak-Signature": "sha256=" + "0" * 64}).status == 401
        assert server.request("POST", path, body, {"X-Ak-Signature": "sha256=" + digest}).status == 202
        assert server.request("POST", path, body, {"X-Hub-Signature-256": "sha256=" + digest}).status == 202
    finally:
        server.ak("var", "delete", "reply__webhook_secret", "-p", "sync_sample")


def test_an_address_that_others_reach_wants_a_token(tmp_path):
    server = Server(tmp_path)
    assert server.ak("serve", "--listen", "0.0.0.0:0").returncode == 41


def test_a_missed_tick_fires_once_after_downtime(tmp_path):
    server = Server(tmp_path)
    server.deploy("counter")
    time.sleep(3.5)
    with sqlite3.connect(server.ak.data + "/ak.db") as database:
        database.execute("update trig set config = replace(config, '@every 1s', '@every 1h')")
    server.start()
    try:
        time.sleep(2)
        events = [e for e in server.ak.lines("event", "list", "--json") if e["type"] == "tick"]
        assert len(events) == 1
    finally:
        server.kill()


def test_a_sync_webhook_without_an_answer_in_time_is_504(tmp_path):
    with serving(tmp_path, "sync", config={"serve.sync": 1}) as server:
        begun = time.monotonic()
        assert server.get("ask").status == 504
        assert time.monotonic() - begun < 5


def test_a_stop_by_signal_lets_sessions_go_on_later(tmp_path):
    with serving(tmp_path, "counter") as server:
        session = server.post("nap", {"seconds": 2}).json["session_id"]
        assert server.stop() == 0
        assert server.session(session)["state"] in ("created", "running")
        server.start()
        assert server.wait(session)["value"] == "'slept'"


def test_a_verdict_that_does_not_match_its_content_is_refused(tmp_path):
    server = Server(tmp_path)
    server.deploy("counter")
    with sqlite3.connect(server.ak.data + "/ak.db") as database:
        database.execute("update deployment set verdict = replace(verdict, '\"errors\":0', '\"errors\":1')")
    server.start()
    try:
        assert server.post("add", {"n": 1}).status == 503
        assert "verdict" in server.words()
    finally:
        server.kill()


def test_sessions_of_a_deployment_before_finish_on_their_own_code(tmp_path):
    with serving(tmp_path, "counter") as server:
        session = server.post("nap", {"seconds": 2}).json["session_id"]
        time.sleep(0.5)
        assert server.ak("deploy", copy_of("counter", tmp_path / "next", ('"slept"', '"slept anew"'))).returncode == 0
        states = [d["state"] for d in server.ak.lines("deployment", "list", "--json")]
        assert states == ["ACTIVE", "DRAINING"]
        new = server.post("nap", {"seconds": 0}).json["session_id"]
        assert server.wait(new)["value"] == "'slept anew'"
        assert server.wait(session)["value"] == "'slept'"
        wait_until(lambda: [d["state"] for d in server.ak.lines("deployment", "list", "--json")] == ["ACTIVE", "INACTIVE"])


def test_more_sessions_than_processes_wait_in_line_and_all_complete(tmp_path):
    with serving(tmp_path, "counter", config={"limits.runners": 2}) as server:
        ids = [server.post("add", {"n": n}).json["session_id"] for n in range(12)]
        assert server.request("GET", "/healthz").json["runners"] <= 2
        assert [server.wait(i)["value"] for i in ids] == [str(4 * n) for n in range(12)]


def test_a_full_line_is_503_and_nothing_accepted_is_lost(tmp_path):
    with serving(tmp_path, "counter", config={"limits.runners": 1, "limits.queue": 3}) as server:
        answers = [server.post("add", {"n": n}) for n in range(30)]
        taken = [a for a in answers if a.status == 202]
        ticks = sum("tick" == e["type"] for e in server.ak.lines("event", "list", "--json"))  # they stand in the line too
        assert {a.status for a in answers} <= {202, 503} and len(taken) + ticks >= 4
        for a in taken:
            assert server.wait(a.json["session_id"])["state"] == "completed"
        assert len(server.ak.sessions()) - sum("tick" == e["type"] for e in server.ak.lines("event", "list", "--json")) == len(taken)


def test_short_sleeps_that_give_their_process_away_all_wake(tmp_path):
    with serving(tmp_path, "counter", config={"limits.runners": 1}) as server:
        ids = [server.post("nap", {"seconds": 0.01 * (n % 7)}).json["session_id"] for n in range(30)]
        assert [server.wait(i, 60)["value"] for i in ids] == ["'slept'"] * 30
