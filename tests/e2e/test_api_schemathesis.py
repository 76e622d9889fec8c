"""The API against its own OpenAPI document: no 5xx, no answer that the document does not tell of."""
import os
import subprocess
import sys

import pytest

import tools
from serve_host import serving

CHECKS = ("not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance,"
          "negative_data_rejection,missing_required_header,unsupported_method,use_after_free,ignored_auth")

EXAMPLES = int(os.environ.get("AK_SCHEMATHESIS_EXAMPLES", "10"))


@pytest.fixture(params=["", "a-long-token"], ids=["open", "token"])
def server(tmp_path, monkeypatch, request):
    if request.param:
        monkeypatch.setenv("AK_TOKEN", request.param)
    with serving(tmp_path, "shop", "counter") as running:
        session = running.post("order", {"item": "tea", "count": 30, "cards": ["good"]}).json
        running.post("order", {"item": "tea", "count": 1, "cards": ["bad"]})
        if request.param: # what is there, too
            deployment = running.request("GET", "/api/v1/deployments", headers={"Authorization": "Bearer " + request.param}).json["items"][0]["deployment_id"]
            known = {"session": session["session_id"], "event": session["event_id"], "deployment": deployment, "trigger": "approve", "project": "shop_sample", "key": "last"}
            (tmp_path / "schemathesis.toml").write_text("[parameters]\n" + "".join(f'"path.{name}" = "{value}"\n' for name, value in known.items()))
        yield running


@pytest.mark.timeout(300 + 20 * EXAMPLES)
def test_it_does_what_its_document_says(server, tmp_path):
    tools.need_module("schemathesis")
    token = os.environ.get("AK_TOKEN")
    headers = ["--header", f"Authorization: Bearer {token}"] if token else []
    # The stream does not end; tests/e2e/test_api.py reads it.
    done = subprocess.run([sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{server.port}/api/v1/openapi.json", *headers, "--checks", CHECKS,
                           "--exclude-path", "/api/v1/stream", "--max-examples", str(EXAMPLES), "--seed", "20", "--request-timeout", "20",
                           "--no-color"], cwd=tmp_path, capture_output=True, text=True, timeout=280 + 20 * EXAMPLES)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "31 selected / 32 total" in done.stdout
    assert server.request("GET", "/healthz").status == 200
    assert server.stop() == 0
