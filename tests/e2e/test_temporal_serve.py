"""`ak serve --engine temporal`: webhooks become workflows, and the API and the page show what is on the cluster."""
import asyncio
import hashlib
import hmac
import http.client
import json
import os
import select
import signal
import subprocess
import time

import pytest

from serve_host import Answer
from temporal_host import free_port, make_cluster, server, until      # noqa: F401
from tools import need_module

MANIFEST = """\
version: v1
project:
  name: shop
  vars:
    - name: GREETING
      value: hello
    - name: TOKEN
      value: hidden
      secret: true
    - name: signed__webhook_secret
      value: s3cret
      secret: true
  triggers:
    - name: order
      type: webhook
      event_type: post
      call: main.py:on_order
    - name: answered
      type: webhook
      is_sync: true
      call: main.py:on_sync
    - name: signed
      type: webhook
      call: main.py:on_order
    - name: nightly
      schedule: "0 3 * * *"
      call: main.py:on_order
"""

MAIN = """\
import time

import autokitteh


@autokitteh.activity
def charge(n):
    return n * 2


def on_order(event):
    print("order")
    paid = charge(2)
    autokitteh.set_value("paid", paid)
    if (event.data.body.json or {}).get("wait"):
        autokitteh.next_signal("go")
    return paid


def on_sync(event):
    what = event.data.url.path_suffix
    if what == "fails":
        raise ValueError("no")
    if what == "silent":
        return
    if what == "slow":
        autokitteh.next_signal("never")
    if what == "parts":
        autokitteh.http_outcome(201, body="a", headers={"X-Part": "one"}, more=True)
        charge(1)
        autokitteh.http_outcome(201, body="b")
        charge(2)
        return
    autokitteh.http_outcome(200, json={"got": event.data.body.json["n"], "url": autokitteh.get_webhook_url("order")})
"""


class Serve:
    def __init__(self, cluster):
        self.cluster, self.port = cluster, free_port()
        self.log = open(cluster.folder / "serve.log", "w+")
        self.process = subprocess.Popen(
            [*cluster.command("serve", "--engine", "temporal", "--json", "--listen", "127.0.0.1:%d" % self.port), *cluster.connection()],
            stdout=subprocess.PIPE, stderr=self.log, stdin=subprocess.DEVNULL, env={**os.environ, "XDG_CONFIG_HOME": str(cluster.folder)})
        ready, _, _ = select.select([self.process.stdout], [], [], 60)
        line = self.process.stdout.readline() if ready else b""
        assert json.loads(line or b"{}").get("url"), (cluster.folder / "serve.log").read_text()

    def request(self, method, path, body=None, headers=None, timeout=60):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            given = None if body is None else body if isinstance(body, (str, bytes)) else json.dumps(body)
            connection.request(method, path, given, {"Content-Type": "application/json", **(headers or {})} if given is not None else headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def api(self, method, path, body=None, status=200):
        answer = self.request(method, "/api/v1" + path, body)
        assert answer.status == status, (answer.status, answer.body)
        return answer.json

    def post(self, trigger, value=None, suffix="", **more):
        return self.request("POST", self.paths[trigger] + suffix, value if value is not None else {}, **more)

    def ended(self, session, seconds=60):
        end = time.monotonic() + seconds
        while True:
            found = self.api("GET", "/sessions/" + session)
            if found["state"] != "running":
                return found
            assert time.monotonic() < end, found
            time.sleep(0.1)


@pytest.fixture(scope="module")
def shop(make_cluster, tmp_path_factory):      # noqa: F811
    cluster = make_cluster("shop")
    folder = tmp_path_factory.mktemp("shop") / "shop"
    folder.mkdir()
    (folder / "autokitteh.yaml").write_text(MANIFEST)
    (folder / "main.py").write_text(MAIN)
    (cluster.folder / "ak").mkdir()
    (cluster.folder / "ak" / "config.yaml").write_text("serve:\n  url: https://shop.example\n  sync: 6\n")
    done = subprocess.run(cluster.command("deploy", folder, "--json", *cluster.connection()), capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL, env={**os.environ, "XDG_CONFIG_HOME": str(cluster.folder)})
    assert done.returncode == 0, done.stderr
    cluster.worker()
    serve = Serve(cluster)
    deployed = json.loads(done.stdout)
    serve.deployment = deployed["deployment_id"]
    serve.paths = {t["name"]: "/webhooks/" + t["slug"] for t in deployed["triggers"] if "slug" in t}
    yield serve
    if serve.process.poll() is None:
        serve.process.kill()
    serve.process.wait()
    serve.process.stdout.close()
    serve.log.close()


def test_a_webhook_is_a_workflow_with_a_record(shop):
    answer = shop.post("order", {"n": 1})
    assert answer.status == 202, answer.body
    assert answer.headers["AutoKitteh-Event-ID"] == answer.json["event_id"]
    session = shop.ended(answer.json["session_id"])
    assert (session["state"], session["value"], session["entry"]) == ("completed", "4", "main.py:on_order")
    assert (session["project_id"], session["deployment_id"], session["event_id"]) == ("shop", shop.deployment, answer.json["event_id"])
    steps = shop.api("GET", "/sessions/%s/steps" % session["id"])
    assert [(s["kind"], s.get("name")) for s in steps["items"]] == [
        ("start", "main.py:on_order"), ("print", None), ("call", "charge"), ("answer", "store"), ("done", None)]
    assert steps["next"] == len(steps["items"]) == session["records"]
    assert shop.api("GET", "/sessions/%s/steps?from=2&limit=1" % session["id"])["items"] == steps["items"][2:3]

    async def there():
        temporal = await shop.cluster.connect()
        return (await temporal.get_workflow_handle(session["id"]).describe()).workflow_type

    assert asyncio.run(there()) == "main.py:on_order"


def test_a_synchronous_webhook_is_answered_by_the_session(shop):
    answer = shop.post("answered", {"n": 7})
    assert (answer.status, answer.json["got"]) == (200, 7), answer.body
    assert answer.json["url"] == "https://shop.example" + shop.paths["order"]
    assert answer.headers["AutoKitteh-Event-ID"].startswith("evt_")


def test_an_outcome_in_parts(shop):
    answer = shop.post("answered", suffix="/parts")
    assert (answer.status, answer.body, answer.headers["X-Part"]) == (201, b"ab", "one")


@pytest.mark.parametrize("suffix, status", [("/fails", 500), ("/silent", 202), ("/slow", 504)])
def test_a_session_that_does_not_answer(shop, suffix, status):
    assert shop.post("answered", suffix=suffix).status == status


def test_what_a_webhook_refuses(shop):
    assert shop.request("POST", "/webhooks/" + "0" * 32, {}).status == 404
    assert shop.post("signed", {}).status == 401
    body = b'{"n": 1}'
    signature = "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert shop.post("signed", body, headers={"X-Ak-Signature": signature}).status == 202
    assert shop.post("signed", b'{"n": 2}', headers={"X-Ak-Signature": signature}).status == 401
    # An event type that the trigger does not want starts nothing.
    assert "session_id" not in shop.request("GET", shop.paths["order"]).json


def test_a_key_makes_one_event(shop):
    first = shop.post("order", {"n": 1}, headers={"Idempotency-Key": "k1"}).json
    again = shop.post("order", {"n": 1}, headers={"Idempotency-Key": "k1"}).json
    assert again == first and shop.post("order", {"n": 1}, headers={"Idempotency-Key": "k2"}).json["event_id"] != first["event_id"]


def test_lists_of_sessions(shop):
    wanted = [shop.ended(shop.post("order").json["session_id"])["id"] for _ in range(3)]

    def listed():
        found, cursor = [], ""
        while True:
            page = shop.api("GET", "/sessions?project=shop&state=completed&limit=2" + cursor)
            found += page["items"]
            if not page["next"]:
                return [s["id"] for s in found]
            cursor = "&cursor=" + page["next"]

    until(lambda: set(wanted) <= set(listed()), 20, "they are not listed")
    found = listed()
    assert len(found) == len(set(found)) and [s for s in found if s in wanted] == wanted[::-1]
    assert [s["id"] for s in shop.api("GET", "/sessions?text=" + wanted[0])["items"]] == [wanted[0]]
    assert shop.api("GET", "/sessions?project=nope", status=404)["code"] == "not_found"
    assert shop.api("GET", "/sessions?cursor=ses_" + "0" * 26, status=400)["code"] == "bad_request"
    row = next(s for s in shop.api("GET", "/sessions")["items"] if s["id"] == wanted[0])
    assert row["value"] == "4" and row["trigger_id"] in [t["trigger_id"] for t in shop.api("GET", "/triggers")["items"]]


def test_a_failed_session_tells_its_error(shop):
    shop.post("answered", suffix="/fails")

    def failed():
        return [s for s in shop.api("GET", "/sessions?state=error")["items"] if s["entry"] == "main.py:on_sync"]

    until(failed, 20, "it is not listed")
    assert failed()[0]["error"] == {"type": "ValueError", "message": "no", "kind": failed()[0]["error"]["kind"]}
    whole = shop.api("GET", "/sessions/" + failed()[0]["id"])["error"]
    assert [f["name"] for f in whole["traceback"]] == ["on_sync"]


def test_stop_and_restart_and_delete(shop):
    session = shop.post("order", {"wait": True}).json["session_id"]
    until(lambda: shop.api("GET", "/sessions/" + session).get("wait", {}).get("kind") == "signal", 30, "it does not wait")
    assert shop.api("POST", "/sessions/%s/stop" % session, {"reason": "enough"}) == {"session_id": session}
    assert shop.ended(session)["state"] == "stopped"
    assert shop.api("POST", "/sessions/%s/stop" % session, {}, status=409)["code"] == "refused"
    again = shop.request("POST", "/api/v1/sessions/%s/restart" % session).json
    assert again["session_id"] != session
    until(lambda: shop.api("GET", "/sessions/" + again["session_id"]).get("wait"), 30, "it does not wait")
    shop.request("DELETE", "/api/v1/sessions/" + again["session_id"] + "?force=true")
    assert shop.request("DELETE", "/api/v1/sessions/" + session).status == 200
    until(lambda: shop.request("GET", "/api/v1/sessions/" + session).status == 404, 90, "it is not deleted")
    assert shop.request("POST", "/api/v1/sessions/%s/stop" % session, {}).status == 404
    assert shop.request("GET", "/api/v1/sessions/ses_" + "0" * 26).status == 404


def test_events_and_triggers(shop):
    triggers = {t["name"]: t for t in shop.api("GET", "/triggers")["items"]}
    assert triggers["order"]["path"] == shop.paths["order"] and triggers["nightly"]["next_at"] > time.time()
    fired = shop.request("POST", "/api/v1/triggers/nightly/fire", {"data": {"body": {"json": {}}}})
    assert fired.status == 202, fired.body
    assert shop.ended(fired.json["session_id"])["trigger_id"] == triggers["nightly"]["trigger_id"]
    event = fired.json["event_id"]
    until(lambda: event in [e["event_id"] for e in shop.api("GET", "/events?project=shop")["items"]], 20, "it is not listed")
    whole = shop.api("GET", "/events/" + event)
    assert (whole["type"], whole["event"], whole["trigger_id"]) == ("tick", {"body": {"json": {}}}, triggers["nightly"]["trigger_id"])
    again = shop.request("POST", "/api/v1/events/%s/redispatch" % event).json
    assert again["event_id"] != event and shop.ended(again["session_id"])["value"] == "4"
    assert shop.request("GET", "/api/v1/events/evt_" + "0" * 26).status == 404


def test_projects_deployments_variables_keys(shop):
    assert [(p["name"], p["active_deployment_id"]) for p in shop.api("GET", "/projects")["items"]] == [("shop", shop.deployment)]
    deployment = shop.api("GET", "/deployments?project=shop")["items"][0]
    assert (deployment["deployment_id"], deployment["state"]) == (shop.deployment, "ACTIVE")
    whole = shop.api("GET", "/deployments/" + shop.deployment)
    assert whole["manifest"]["name"] == "shop" and whole["verdict"]["result"]
    assert shop.api("GET", "/deployments/%s/source?file=main.py" % shop.deployment)["text"] == MAIN
    assert {v["name"]: v["value"] for v in shop.api("GET", "/projects/shop/vars")["items"]} == {
        "GREETING": "hello", "TOKEN": "********", "signed__webhook_secret": "********"}
    assert shop.api("PUT", "/projects/shop/store/k", {"value": [1]}) == {"key": "k"}
    assert shop.api("GET", "/projects/shop/store/k")["value"] == [1]
    assert "k" in [k["key"] for k in shop.api("GET", "/projects/shop/store")["items"]]
    assert shop.api("DELETE", "/projects/shop/store/k") == {"key": "k"}
    assert shop.request("GET", "/api/v1/projects/shop/store/k").status == 404
    status = shop.api("GET", "/status")
    assert status["sessions"]["completed"] > 0 and status["url"] == "https://shop.example" and status["version"]
    # What Temporal has no way for is refused in words.
    refused = shop.request("POST", "/api/v1/sessions/ses_%s/fork" % ("0" * 26), {"from": 1})
    assert refused.status == 409 and "sessions on Temporal cannot" in refused.json["error"]


def test_answers_are_as_the_document_says(shop):
    """Each route's answer against the schema that the OpenAPI document gives for it."""
    need_module("jsonschema")
    import jsonschema

    document = shop.api("GET", "/openapi.json")
    session = shop.ended(shop.post("order").json["session_id"])["id"]
    event = shop.post("order").json["event_id"]
    until(lambda: event in [e["event_id"] for e in shop.api("GET", "/events")["items"]], 20, "it is not listed")
    names = {"project": "shop", "deployment": shop.deployment, "session": session, "event": event, "key": "paid"}
    checked = 0
    for path, methods in document["paths"].items():
        if "get" not in methods or path.endswith(("/stream", "/openapi.json")):
            continue
        answer = shop.request("GET", path.format(**names))
        assert answer.status == 200, (path, answer.body)
        schema = methods["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(answer.json, {**schema, "components": document["components"]})
        checked += 1
    assert checked >= 15


def test_the_stream_tells_of_sessions(shop):
    connection = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=30)
    try:
        connection.request("GET", "/api/v1/stream")
        stream = connection.getresponse()
        session = shop.post("order").json["session_id"]
        end = time.monotonic() + 30
        while time.monotonic() < end:
            line = stream.fp.readline().decode()
            if line.startswith("data: ") and session in line:
                break
        assert json.loads(line[6:])["id"] == session
    finally:
        connection.close()


def test_the_page_health_and_metrics(shop):
    page = shop.request("GET", "/")
    assert page.status == 200 and b"<title>" in page.body
    assert shop.request("GET", "/healthz").json == {"status": "ok", "engine": "temporal"}
    metrics = shop.request("GET", "/metrics").body.decode()
    assert "ak_events_total " in metrics and int(metrics.split("ak_events_total ")[-1].split("\n")[0]) > 0
    assert shop.request("GET", "/api/v1/sessions", headers={"Sec-Fetch-Site": "cross-site"}).status == 403


def test_an_event_is_kept_while_no_worker_is_there(shop):
    worker = shop.cluster.workers[-1]
    worker.terminate()
    worker.wait(30)
    answer = shop.post("order")
    assert answer.status == 202 and "session_id" not in answer.json
    shop.cluster.worker()

    def sessions():
        return [s for s in shop.api("GET", "/sessions?state=completed")["items"] if s["event_id"] == answer.json["event_id"]]

    until(sessions, 60, "the event was lost")
    assert len(sessions()) == 1


def test_the_words_when_it_cannot_start(shop):
    def start(*args):
        return subprocess.run(shop.cluster.command("serve", "--engine", "temporal", *args), capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, env={**os.environ, "XDG_CONFIG_HOME": str(shop.cluster.folder)})

    for args, code, words in (((), 40, "--temporal HOST:PORT is missing"), (("--temporal", "nowhere"), 40, "HOST:PORT"),
                              ((*shop.cluster.connection(), "--namespace", "nope"), 44, "has no namespace 'nope'"),
                              (("--engine", "other"), 40, "--engine is embedded or temporal")):
        done = start(*args)
        assert done.returncode == code and words in done.stderr and len(done.stderr.strip().splitlines()) == 1, (args, done)
        assert not done.stdout


def test_stopping(shop):
    """The last one: SIGTERM ends it with 0, what ran goes on without it."""
    session = shop.post("order", {"wait": True}).json["session_id"]
    shop.process.send_signal(signal.SIGTERM)
    assert shop.process.wait(30) == 0, (shop.cluster.folder / "serve.log").read_text()

    async def go():
        temporal = await shop.cluster.connect()
        handle = temporal.get_workflow_handle(session)
        await handle.signal("go", None)
        return await shop.cluster.outcome(handle)

    assert asyncio.run(go())["value"] == "4"
