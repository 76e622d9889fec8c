"""Traces: what a collector on loopback gets of sessions that ended."""
import contextlib
import http.server
import json
import re
import threading
import time

from run_host import wait_until
from serve_host import Server


class Collector:
    """Keeps what is posted; answers with the statuses it is given, then with 200."""

    def __init__(self, *statuses):
        self.bodies, self.headers, self.statuses, told = [], [], list(statuses), self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = told.statuses.pop(0) if told.statuses else 200
                if status == 200:
                    told.headers.append((self.path, dict(self.headers)))
                    told.bodies.append(json.loads(body))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def spans(self):
        return [s for b in self.bodies for r in b["resourceSpans"] for c in r["scopeSpans"] for s in c["spans"]]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@contextlib.contextmanager
def exporting(tmp_path, monkeypatch, collector, **env):
    for name, value in {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **env}.items():
        monkeypatch.setenv(name, value)
    server = Server(tmp_path)
    server.deploy("shop")
    server.start()
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.kill()
        collector.close()


def attributes(of):
    return {a["key"]: a["value"].get("stringValue", a["value"].get("intValue")) for a in of["attributes"]}


def order(server, **more):
    session = server.post("order", {"item": "tea", "count": 2, "cards": ["good"], **more}).json["session_id"]
    return server.wait(session)


def metric(server, name):
    return float(re.search(rf"^{name} (\S+)$", server.request("GET", "/metrics").body.decode(), re.M)[1])


def test_a_session_is_a_trace_of_its_steps(tmp_path, monkeypatch):
    collector = Collector()
    with exporting(tmp_path, monkeypatch, collector, OTEL_EXPORTER_OTLP_HEADERS="x-team=a%20b,Authorization=Bearer%20xyz", OTEL_SERVICE_NAME="shop") as server:
        session = order(server, cards=["stolen-43"])
        wait_until(lambda: collector.spans())
        path, headers = collector.headers[0]
        assert path == "/v1/traces" and headers["Content-Type"] == "application/json" and headers["x-team"] == "a b" and headers["Authorization"] == "Bearer xyz"
        assert attributes(collector.bodies[0]["resourceSpans"][0]["resource"])["service.name"] == "shop"
        root, *steps = collector.spans()
        assert root["name"] == "program.py:on_order" and attributes(root)["ak.session.id"] == session["id"] and "parentSpanId" not in root
        assert root["status"] == {"code": 2, "message": "ValueError: card 'stolen-43' was declined for 25.00"}
        assert [s["name"] for s in steps] == ["look_up", "reserve", "reserve", "charge"]
        assert all(re.fullmatch("[0-9a-f]{32}", s["traceId"]) and s["traceId"] == root["traceId"] and s["parentSpanId"] == root["spanId"] for s in steps)
        assert len({s["spanId"] for s in (root, *steps)}) == 5
        charge = attributes(steps[3])
        assert (charge["code.file.path"], charge["code.line.number"], charge["code.function.name"]) == ("program.py", "46", "on_order")
        assert steps[1]["status"]["code"] == 2 and steps[3]["events"][0]["name"] == "exception" and "status" not in steps[0]
        assert int(root["startTimeUnixNano"]) <= int(steps[0]["startTimeUnixNano"]) <= int(steps[0]["endTimeUnixNano"]) <= int(root["endTimeUnixNano"])
        wait_until(lambda: metric(server, "ak_otlp_spans_sent_total") == 5)


def test_a_wait_is_one_span_and_values_stay_at_home(tmp_path, monkeypatch):
    collector = Collector()
    with exporting(tmp_path, monkeypatch, collector) as server:
        session = server.post("nap", {"seconds": 0.3}).json["session_id"]
        server.wait(session)
        order(server, item="a-secret-item")
        wait_until(lambda: len([s for s in collector.spans() if "parentSpanId" not in s]) == 2)
        sleep = next(s for s in collector.spans() if s["name"] == "sleep")
        assert int(sleep["endTimeUnixNano"]) - int(sleep["startTimeUnixNano"]) >= 300e6
        assert "a-secret-item" not in json.dumps(collector.bodies)


def test_a_collector_that_is_busy_is_asked_again(tmp_path, monkeypatch):
    collector = Collector(503, 429)
    with exporting(tmp_path, monkeypatch, collector) as server:
        order(server)
        wait_until(lambda: collector.spans())
        wait_until(lambda: metric(server, "ak_otlp_spans_sent_total") == len(collector.spans()))
        assert metric(server, "ak_otlp_spans_dropped_total") == 0


def test_a_collector_that_refuses_costs_no_session(tmp_path, monkeypatch):
    collector = Collector(*[400] * 20)
    with exporting(tmp_path, monkeypatch, collector) as server:
        assert order(server)["state"] == "completed"
        wait_until(lambda: metric(server, "ak_otlp_spans_dropped_total") == 6)
        wait_until(lambda: "spans cannot be sent to" in server.words())
        assert server.words().count("it answered 400") == 1


def test_the_server_stops_though_nobody_collects(tmp_path, monkeypatch):
    collector = Collector()
    collector.close()
    monkeypatch.setattr(collector, "close", lambda: None)
    with exporting(tmp_path, monkeypatch, collector) as server:
        order(server)
        begun = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begun < 10


def test_a_wrong_address_is_refused_at_the_start(tmp_path, monkeypatch):
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    server = Server(tmp_path, {"serve.otlp": "ftp://nowhere"})
    done = server.ak("serve", "--listen", "127.0.0.1:0")
    assert done.returncode == 1 and "spans cannot be exported: 'ftp://nowhere/v1/traces'" in done.stderr
