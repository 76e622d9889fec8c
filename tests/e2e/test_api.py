"""The API below /api/v1: what it says, whom it lets in, what the stream tells."""
import contextlib
import http.client
import json
import os
import re
import time

import pytest

import tools
from run_host import ROOT, wait_until
from serve_host import Server, serving

JSON = {"Content-Type": "application/json"}
GONE = {"session": "ses_" + "0" * 26, "deployment": "dep_" + "0" * 26, "event": "evt_" + "0" * 26, "trigger": "none",
        "project": "nobody", "name": "NAME", "key": "key"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("api"), "shop", "counter") as running:
        yield running


def get(server, path, status=200):
    answer = server.request("GET", "/api/v1" + path)
    assert answer.status == status, answer.body
    return answer.json


def do(server, method, path, body=None, status=200, headers=None):
    answer = server.request(method, "/api/v1" + path, None if body is None else json.dumps(body), {**(JSON if body is not None else {}), **(headers or {})})
    assert answer.status == status, answer.body
    return answer.json


def order(server, **more):
    return server.post("order", {"item": "tea", "count": 2, "cards": ["good"], **more}).json["session_id"]


def operations(server):
    for path, methods in get(server, "/openapi.json")["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), re.sub(r"{(\w+)}", lambda m: GONE[m[1]], path), operation


# ---- What it says

def test_it_says_what_the_commands_say(server):
    session = order(server)
    server.wait(session)
    assert get(server, "/sessions/" + session) .items() >= server.session(session).items()
    steps = get(server, f"/sessions/{session}/steps?limit=1000")["items"]
    assert steps == list(server.ak.lines("session", "log", session, "--json"))

    def agree(path, command):
        listed, told = list(server.ak.lines(command, "list", "--json")), get(server, path)["items"]
        return listed and all(any(one.items() <= item.items() for item in told) for one in listed)

    for path, command in (("/deployments", "deployment"), ("/triggers", "trigger")):
        # A schedule may fire, and its session end, between the two looks.
        assert any(agree(path, command) for _ in range(20))
    assert get(server, "/projects/shop_sample/vars")["items"] == list(server.ak.lines("var", "get", "-p", "shop_sample", "--json"))


def test_secrets_are_masked(server):
    values = {v["name"]: v["value"] for v in get(server, "/projects/shop_sample/vars")["items"]}
    assert values == {"CURRENCY": "EUR", "API_KEY": "********"}
    for path in ("/deployments", "/triggers", "/projects"):
        assert "not-to-be-shown" not in json.dumps(get(server, path))


def test_lists_are_paged_without_a_gap(server):
    for _ in range(7):
        server.wait(order(server))
    whole = [s["id"] for s in get(server, "/sessions?limit=1000&project=shop_sample")["items"]]
    paged, cursor = [], ""
    while cursor is not None:
        page = get(server, f"/sessions?limit=3&project=shop_sample{cursor and '&cursor=' + cursor}")
        paged += [s["id"] for s in page["items"]]
        cursor = page["next"]
    assert paged == whole and len(whole) >= 7
    steps = get(server, f"/sessions/{whole[0]}/steps?limit=1000")
    one_by_one, at = [], 0
    while at < steps["next"]:
        page = get(server, f"/sessions/{whole[0]}/steps?limit=1&from={at}")
        one_by_one += page["items"]
        at = page["next"]
    assert one_by_one == steps["items"]
    assert get(server, f"/sessions/{whole[0]}/steps?from={at + 5}") == {"items": [], "next": at + 5}


def test_a_filter_finds_what_failed(server):
    failed = order(server, cards=["stolen-42"])
    assert server.wait(failed)["state"] == "error"
    found = get(server, "/sessions?state=error,stopped&text=STOLEN-42")["items"]
    assert [s["id"] for s in found] == [failed]
    assert found[0]["error"] == {"type": "ValueError", "message": "card 'stolen-42' was declined for 25.00", "kind": "user"}
    last = get(server, f"/sessions/{failed}")["error"]["traceback"][-1]
    assert (last["file"], last["name"]) == ("program.py", "charge")
    source = get(server, f"/deployments/{found[0]['deployment_id']}/source?file=program.py")
    assert "raise ValueError" in source["text"].split("\n")[last["line"] - 1]


def test_the_deployment_has_verdict_and_pictures(server):
    deployment = get(server, "/projects/shop_sample")["active_deployment_id"]
    whole = get(server, "/deployments/" + deployment)
    assert whole["verdict_holds"] is True and whole["verdict"]["findings"] == []
    nodes = whole["verdict"]["pictures"]["program.py:on_order"]["nodes"]
    assert [n["label"] for n in nodes][:3] == ["on_order", "look_up", "reserve"]
    assert all(n["file"] == "program.py" for n in nodes)


# ---- What it does

def test_variables_and_keys_come_and_go(server):
    do(server, "PUT", "/projects/shop_sample/vars/TOKEN", {"value": "hidden", "secret": True})
    assert {"name": "TOKEN", "value": "********", "secret": True} in get(server, "/projects/shop_sample/vars")["items"]
    do(server, "DELETE", "/projects/shop_sample/vars/TOKEN")
    do(server, "DELETE", "/projects/shop_sample/vars/TOKEN", status=404)
    key = "a%2Fb%20%C3%A9"
    do(server, "PUT", "/projects/shop_sample/store/" + key, {"value": {"n": [1, None]}})
    assert get(server, "/projects/shop_sample/store/" + key) == {"key": "a/b é", "published": False, "value": {"n": [1, None]}}
    do(server, "DELETE", "/projects/shop_sample/store/" + key)
    get(server, "/projects/shop_sample/store/" + key, status=404)


def test_a_session_is_stopped_forked_restarted_replayed_deleted(server):
    waits = order(server, count=30)
    do(server, "DELETE", "/sessions/" + waits, status=409)
    do(server, "POST", f"/sessions/{waits}/stop", {"reason": "enough"})
    assert server.wait(waits)["state"] == "stopped"
    do(server, "POST", f"/sessions/{waits}/stop", status=409)
    copy = do(server, "POST", f"/sessions/{waits}/fork", {"from": 2}, status=201)["session_id"]
    do(server, "POST", f"/sessions/{copy}/stop")
    server.wait(copy)
    assert get(server, f"/sessions/{copy}/steps")["items"][0]["args"] == get(server, f"/sessions/{waits}/steps")["items"][0]["args"]
    do(server, "POST", f"/sessions/{waits}/fork", {"from": 1000}, status=400)
    done = order(server)
    server.wait(done)
    again = do(server, "POST", f"/sessions/{done}/restart", status=201)["session_id"]
    assert server.wait(again)["value"] == server.session(done)["value"]
    assert do(server, "POST", f"/sessions/{done}/replay")["replay"] == "it ended as recorded"
    do(server, "DELETE", "/sessions/" + again)
    get(server, "/sessions/" + again, status=404)


def test_a_copy_that_waits_for_an_event_gets_one(server):
    first = order(server, count=30, item="copied")

    def wait_for_an_event(*ids):
        return all(server.session(s).get("wait", {}).get("kind") == "event" for s in ids)

    wait_until(lambda: wait_for_an_event(first))
    waits = next(s["number"] for s in get(server, f"/sessions/{first}/steps")["items"] if s["kind"] == "ask")
    copy = do(server, "POST", f"/sessions/{first}/fork", {"from": waits}, status=201)["session_id"]
    behind = do(server, "POST", f"/sessions/{first}/fork", {"from": waits + 1}, status=201)["session_id"]
    wait_until(lambda: wait_for_an_event(copy, behind))
    server.request("POST", server.paths["approve"], "all of you")
    assert [server.wait(s)["value"] for s in (first, copy, behind)] == ["'receipt over 375.00'"] * 3
    for session in (copy, behind):
        assert do(server, "POST", f"/sessions/{session}/replay")["replay"] == "it ended as recorded"


def test_a_forced_delete_ends_the_process(server):
    naps = server.post("nap", {"seconds": 3600}).json["session_id"]
    do(server, "DELETE", f"/sessions/{naps}?force=true")
    get(server, "/sessions/" + naps, status=404)
    server.wait(order(server))


def test_commands_about_sessions_reach_the_server(server):
    done = order(server)
    server.wait(done)
    forked = server.ak("session", "fork", done, "--from", "1", "--json")
    assert forked.returncode == 0, forked.stderr
    copy = json.loads(forked.stdout.splitlines()[0])["session_id"]
    assert server.session(copy)["state"] == "completed"
    assert server.ak("session", "restart", done, "--detach").returncode == 0
    assert server.ak("session", "delete", copy).returncode == 0
    assert server.ak("session", "get", copy).returncode == 44
    assert json.loads(server.ak("session", "prune", "--older-than", "90d", "--json").stdout) == {"deleted": 0}


def test_an_event_is_made_by_hand_and_sent_again(server):
    made = do(server, "POST", "/triggers/approve/fire", {"event_type": "post", "data": {"body": {"text": "by hand"}}}, status=202)
    assert server.wait(made["session_id"])["value"] == "'by hand'"
    again = do(server, "POST", f"/events/{made['event_id']}/redispatch", status=202)
    assert server.wait(again["session_id"])["value"] == "'by hand'"
    assert get(server, "/events/" + again["event_id"])["event"]["data"] == {"body": {"text": "by hand"}}
    for event in (made, again):
        assert [s["id"] for s in get(server, "/sessions?event=" + event["event_id"])["items"]] == [event["session_id"]]
    assert again["event_id"] in [e["event_id"] for e in get(server, "/events?limit=5&project=shop_sample")["items"]]


def test_a_deployment_is_taken_from_work_and_put_back(tmp_path):
    with serving(tmp_path, "counter") as server:
        deployment = get(server, "/deployments")["items"][0]["deployment_id"]
        do(server, "DELETE", "/deployments/" + deployment, status=409)
        do(server, "POST", f"/deployments/{deployment}/deactivate")
        assert server.post("add", {"n": 1}).status == 404
        do(server, "POST", f"/deployments/{deployment}/activate")
        assert server.post("add", {"n": 1}).status == 202


# ---- A deploy

TOKEN = {"Authorization": "Bearer a-long-token"}
SHOP = ROOT / "tests" / "projects" / "shop"


def files_of(folder):
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file() and not p.name.endswith(".pyc")}


def test_a_project_is_deployed_over_http(tmp_path, monkeypatch):
    with with_token(tmp_path, monkeypatch) as server:
        checked = do(server, "POST", "/deployments", {"files": files_of(SHOP), "check": True}, headers=TOKEN)
        assert checked["plan"][0] == 'project "shop_sample": create' and checked["verdict"]["result"] == "passed"
        assert "shop_sample" not in json.dumps(do(server, "GET", "/projects", headers=TOKEN))
        made = do(server, "POST", "/deployments", {"files": {**files_of(SHOP), "lib/more.py": "N = 1\n"}}, headers=TOKEN)
        slug = next(t["slug"] for t in made["triggers"] if t["name"] == "order")
        session = server.request("POST", "/webhooks/" + slug, json.dumps({"item": "tea", "count": 1, "cards": ["good"]}), JSON).json["session_id"]
        assert server.wait(session)["value"] == "'receipt over 12.50'"
        source = do(server, "GET", f"/deployments/{made['deployment_id']}/source", headers=TOKEN)
        assert "lib/more.py" in source["files"]
        assert not list(tmp_path.glob("upload-*"))


def test_the_gate_refuses_a_deploy_over_http_with_findings(tmp_path, monkeypatch):
    with with_token(tmp_path, monkeypatch) as server:
        files = files_of(ROOT / "examples" / "broken" / "autokitteh")
        said = do(server, "POST", "/deployments", {"files": files}, status=409, headers=TOKEN)
        assert said["code"] == "refused" and re.fullmatch(r"refused by the gate: \d+ findings?", said["error"])
        assert "AK101" in {f["code"] for f in said["findings"]} and {f["filename"] for f in said["findings"]} <= set(files)
        assert "autokitteh.yaml" in do(server, "POST", "/deployments", {"files": {"program.py": "x"}}, status=400, headers=TOKEN)["error"]
        allowed = do(server, "POST", "/deployments", {"files": files, "check": True, "allow": {f["code"]: "a test" for f in said["findings"]}}, headers=TOKEN)
        assert allowed["verdict"]["allow"][0]["reason"] == "a test"
        do(server, "POST", "/deployments", {"files": files, "allow": {"AK101": ""}}, status=400, headers=TOKEN)


@pytest.mark.parametrize("path", ["/etc/x", "../x", "a/../x", "a//b", "a/", "", ".hidden", "a/.git/x", "a\\b", "x" * 300], ids=range(10))
def test_a_path_that_leads_out_is_refused(tmp_path, monkeypatch, path):
    with with_token(tmp_path, monkeypatch) as server:
        assert "no path below the project" in do(server, "POST", "/deployments", {"files": {"autokitteh.yaml": "", path: ""}}, status=400, headers=TOKEN)["error"]
        do(server, "POST", "/deployments", {"files": {"autokitteh.yaml": "", "a": "", "a/b": ""}}, status=400, headers=TOKEN)
        assert not list(tmp_path.glob("upload-*"))


def test_a_deploy_over_http_needs_a_token_on_loopback_too(server):
    said = do(server, "POST", "/deployments", {"files": files_of(SHOP)}, status=403)
    assert said["code"] == "forbidden" and "AK_TOKEN" in said["error"]


def test_each_command_has_its_operation(server):
    """The table of docs/api.md: all commands there are, and operations that there are; each operation but those that no command needs."""
    table = (ROOT / "docs" / "api.md").read_text().split("## Commands and operations")[1].split("\n## ")[0]
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| `ak")]
    commands = [c for left, _ in rows for c in re.findall(r"`ak ([a-z ]+)`", left)]
    told = {o for left, right in rows for o in re.findall(r"`(\w+)`", right)} - {"check"}

    def below(*words):
        listed = re.search(r"^Commands:\n((?:  .*\n)+)", server.ak(*words, "--help").stdout, re.M)
        return re.findall(r"^  (\w+)", listed[1], re.M) if listed else []

    there = [" ".join([name, *one]) for name in below() for one in ([[sub] for sub in below(name)] if name != "config" else []) or [[]]]
    assert sorted(commands) == sorted(there)
    operations = {o["operationId"] for methods in get(server, "/openapi.json")["paths"].values() for o in methods.values()}
    assert told <= operations
    assert operations - told == {"getStatus", "getDocument", "listProjects", "getProject", "getSource", "deleteKey"}


# ---- What is refused

@pytest.mark.parametrize("path", ["/sessions?limit=0", "/sessions?limit=1001", "/sessions?limit=x", "/sessions?state=lost", "/sessions?cursor=x",
                                  "/sessions?colour=red", "/events?cursor=ses_1", "/sessions?deployment=%00", "/sessions/ses_x/steps?from=-1"])
def test_a_wrong_parameter_is_400_with_words(server, path):
    said = get(server, path, status=400)
    assert said["code"] == "bad_request" and said["error"]


@pytest.mark.parametrize("body, status", [(b"{", 400), (b"[]", 400), (b"\xff", 400), (b'{"from": "2"}', 400), (b'{"from": 0}', 400), (b"{}", 400), (b"", 415),
                                          (b'{"from": 1, "and": 2}', 400), (b'{"from": 1, "from": 2}', 400), (b'{"from": 1e400}', 400), (b"[" * 100000, 400)])
def test_a_wrong_body_is_400_with_words(server, body, status):
    answer = server.request("POST", "/api/v1/sessions/ses_x/fork", body, JSON if status == 400 else {})
    assert answer.status == status and answer.json["error"] and answer.json["code"]


def test_unknown_paths_and_methods(server):
    for path in ("/", "/nothing", "/sessions/", "/sessions/a/b", "/sessions/%zz", "/sessions/%ff", "/../status"):
        assert get(server, path, status=404)["code"] == "not_found"
    assert get(server, "/sessions/%00", status=400)["code"] == "bad_request"
    answer = server.request("PATCH", "/api/v1/sessions")
    assert answer.status == 405 and answer.headers["Allow"] == "GET"
    assert server.request("POST", "/api/v1/prune", json.dumps({"older_than": 5}), {"Content-Type": "text/plain"}).status == 415


def test_a_body_that_is_too_large_is_413_as_documented(server):
    answer = server.request("POST", "/api/v1/sessions/ses_x/stop", json.dumps({"reason": "x" * (600 << 10)}), JSON)
    assert answer.status == 413 and answer.json["code"] == "too_large" and "512 KiB" in answer.json["error"]


def test_every_route_knows_what_is_not_there(server):
    seen = 0
    for method, path, operation in operations(server):
        if "{" in path or "0000" not in path and "nobody" not in path and "none" not in path:
            continue
        seen += 1
        body = {"value": "x"} if method == "PUT" else {"from": 1} if path.endswith("/fork") else {} if "requestBody" in operation else None
        do(server, method, path.removeprefix("/api/v1"), body, status=404)
    assert seen > 20


# ---- Who is let in

STRANGERS = [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
             {"Host": "evil.example"}, {"Host": "127.0.0.1.evil.example:80"}, {"X-Forwarded-For": "10.0.0.1"}, {"Forwarded": "for=10.0.0.1"}]


@pytest.mark.parametrize("headers", STRANGERS, ids=lambda h: "-".join(*h.items()))
def test_every_change_is_refused_to_strangers(server, headers):
    changes = [(method, path) for method, path, _ in operations(server) if method != "GET"]
    assert len(changes) == 16
    for method, path in changes:
        answer = server.request(method, path, "{}", {**JSON, **headers})
        assert answer.status == 403 and answer.json["code"] == "forbidden", (method, path, answer.body)


def test_reading_is_refused_to_other_hosts(server):
    for path in ("/api/v1/status", "/api/v1/stream", "/metrics"):
        for headers in ({"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            assert server.request("GET", path, headers=headers).status == 403
    for host in ("localhost:1", "127.0.0.1", "[::1]:5", "LOCALHOST"):
        assert server.request("GET", "/api/v1/status", headers={"Host": host}).status == 200
    same = {"Origin": f"http://127.0.0.1:{server.port}", "Sec-Fetch-Site": "same-origin"}
    do(server, "POST", "/prune", {"older_than": 1000000}, headers=same)


@contextlib.contextmanager
def with_token(tmp_path, monkeypatch, listen=None):
    monkeypatch.setenv("AK_TOKEN", "a-long-token")
    server = Server(tmp_path)
    server.deploy("counter")
    server.start(*(["--listen", listen] if listen else []))
    try:
        yield server
    finally:
        server.kill()


def test_off_loopback_every_route_wants_the_token(tmp_path, monkeypatch):
    with with_token(tmp_path, monkeypatch, "0.0.0.0:0") as server:
        bearer = {"Authorization": "Bearer a-long-token"}
        document = server.request("GET", "/api/v1/openapi.json", headers=bearer).json
        assert document["security"] == [{"token": []}]
        for path, methods in document["paths"].items():
            path = re.sub(r"{(\w+)}", lambda m: GONE[m[1]], path)
            for method in methods:
                for wrong in ({}, {"Authorization": "Bearer a-long-tokem"}, {"Authorization": "Bearer "}, {"Authorization": "Basic a-long-token"}):
                    answer = server.request(method.upper(), path, headers=wrong)
                    assert answer.status == 401 and answer.json["code"] == "unauthorized", (method, path)
                    assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert server.request("GET", "/metrics").status == 401
        assert server.request("GET", "/api/v1/status", headers={**bearer, "Host": "ak.example"}).status == 200
        assert server.request("POST", "/api/v1/prune", "{}", {**bearer, **JSON, "Origin": "http://evil.example"}).status == 403
        assert server.request("GET", "/").status == 200 and server.request("GET", "/healthz").status == 200
        assert server.post("add", {"n": 1}).status == 202


def test_answers_are_not_kept_and_not_guessed(server):
    for path in ("/api/v1/status", "/api/v1/none"):
        headers = server.request("GET", path).headers
        assert headers["Cache-Control"] == "no-store" and headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    page = server.request("GET", "/").headers
    assert "unsafe" not in page["Content-Security-Policy"] and "script-src 'self'" in page["Content-Security-Policy"]
    assert page["X-Content-Type-Options"] == "nosniff" and "frame-ancestors 'none'" in page["Content-Security-Policy"]


# ---- The stream

class Stream:
    def __init__(self, server, query="", headers=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        self.connection.request("GET", "/api/v1/stream" + query, headers=headers or {})
        self.answer = self.connection.getresponse()
        self.text = b""

    def next(self):
        while b"\n\n" not in self.text:
            chunk = self.answer.read1(65536)
            assert chunk, "the stream has ended"
            self.text += chunk
        block, self.text = self.text.split(b"\n\n", 1)
        lines = dict(line.split(": ", 1) for line in block.decode().split("\n") if ": " in line)
        return lines.get("event"), lines.get("id"), json.loads(lines["data"]) if "data" in lines else None

    def until(self, wanted):
        while True:
            event, number, data = self.next()
            if wanted(event, data):
                return event, number, data

    def close(self):
        self.connection.close()


def ended(session):
    return lambda event, data: event == "session" and data["id"] == session and data["state"] == "completed"


def test_the_stream_tells_of_sessions_and_changes(server):
    with contextlib.closing(Stream(server)) as stream:
        assert stream.answer.getheader("Content-Type") == "text/event-stream"
        assert stream.next()[0] == "hello"
        session = order(server)
        stream.until(ended(session))
        do(server, "PUT", "/projects/shop_sample/store/told", {"value": 1})
        assert stream.until(lambda event, data: event == "change" and data["op"] == "store_set")


def test_a_stream_of_one_session_has_no_other(server):
    waits = order(server, count=30)
    with contextlib.closing(Stream(server, "?session=" + waits)) as stream:
        assert stream.next()[0] == "hello"
        server.wait(order(server))
        do(server, "POST", f"/sessions/{waits}/stop")
        seen = []
        stream.until(lambda event, data: seen.append(data.get("id") if event == "session" else None) or (event == "session" and data["state"] == "stopped"))
        assert set(seen) <= {None, waits}


def test_a_stream_goes_on_where_it_was_left(server):
    with contextlib.closing(Stream(server)) as watcher:
        watcher.next()
        with contextlib.closing(Stream(server)) as stream:
            _, last, _ = stream.next()
        session = order(server)
        watcher.until(ended(session))
        with contextlib.closing(Stream(server, headers={"Last-Event-ID": last})) as stream:
            assert stream.next()[0] == "hello"
            stream.until(ended(session))
        for unknown in ("0-1", "rubbish", last.split("-")[0] + "-99999999"):
            with contextlib.closing(Stream(server, headers={"Last-Event-ID": unknown})) as stream:
                assert stream.next()[0] == "reset"


def test_who_comes_back_after_nobody_listened_looks_anew(server):
    with contextlib.closing(Stream(server)) as stream:
        _, last, _ = stream.next()
    # The one client that has gone is found out by the next thing that is told.
    until_no_stream(server)
    server.wait(order(server))
    with contextlib.closing(Stream(server, headers={"Last-Event-ID": last})) as stream:
        assert stream.next()[0] == "reset"


def until_no_stream(server):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        server.wait(order(server))
        if b"ak_streams 0\n" in server.request("GET", "/metrics").body:
            break
    assert b"ak_streams 0\n" in server.request("GET", "/metrics").body


def test_streams_are_bounded_and_let_go(server):
    streams = [Stream(server) for _ in range(105)]
    status = [s.answer.status for s in streams]
    assert status.count(503) >= 5 and 90 <= status.count(200) <= 100
    for s in streams:
        s.close()
    until_no_stream(server)


def test_a_client_that_does_not_read_costs_no_memory(server):
    with contextlib.closing(Stream(server)) as lazy:
        before = server.rss_kib()
        big = "x" * 60000
        for i in range(300):
            do(server, "PUT", "/projects/shop_sample/store/big", {"value": big})
        server.wait(order(server))
        if "AK_SANITIZED" not in os.environ:  # the sanitizer keeps what is freed for a while
            assert server.rss_kib() - before < 24 * 1024
        assert lazy.next()[0] == "hello"
    do(server, "DELETE", "/projects/shop_sample/store/big")


# ---- Metrics and logs

def test_metrics_are_documented_and_consistent(server):
    server.wait(order(server))
    text = server.request("GET", "/metrics").body.decode()
    documented = (ROOT / "docs" / "api.md").read_text()
    names = re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M)
    assert names and all(f"`{name}`" in documented for name, _ in names)
    values = {k: float(v) for k, v in (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))}
    buckets = [v for k, v in values.items() if k.startswith("ak_step_seconds_bucket")]
    assert buckets == sorted(buckets) and buckets[-1] == values["ak_step_seconds_count"] >= 3
    assert values['ak_sessions{state="completed"}'] >= 1 and values["ak_resident_memory_bytes"] > 1 << 20


def test_metrics_are_read_by_prometheus_own_parser(server):
    tools.need_module("prometheus_client")
    from prometheus_client.parser import text_string_to_metric_families
    server.wait(order(server))
    answer = server.request("GET", "/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    families = {f.name: f for f in text_string_to_metric_families(answer.body.decode())}
    kinds = {f.type for f in families.values()}
    assert kinds == {"counter", "gauge", "histogram"} and all(f.documentation and f.samples for f in families.values())
    steps = families["ak_step_seconds"].samples
    assert [s.labels["le"] for s in steps if s.name.endswith("_bucket")][-1] == "+Inf" and {s.name for s in steps} == {"ak_step_seconds_bucket", "ak_step_seconds_sum", "ak_step_seconds_count"}
    assert {s.labels["state"] for s in families["ak_sessions"].samples} == {"created", "running", "completed", "error", "stopped"}


def test_logs_are_objects_a_line(tmp_path):
    server = Server(tmp_path)
    server.deploy("shop")
    server.start("--log-format", "json")
    try:
        failed = order(server, cards=["stolen"])
        server.wait(failed)
        assert server.stop() == 0
        lines = [json.loads(line) for line in server.words().splitlines()]
        one = next(line for line in lines if line.get("session_id") == failed)
        assert one["level"] == "error" and one["state"] == "error" and one["error"]["type"] == "ValueError"
        assert all(line["time"] > 1e9 and line["message"] for line in lines)
    finally:
        if server.process.poll() is None:
            server.kill()


def test_the_server_stops_with_streams_open(tmp_path):
    with serving(tmp_path, "counter") as server:
        with contextlib.closing(Stream(server)) as stream:
            stream.next()
            assert server.stop() == 0
