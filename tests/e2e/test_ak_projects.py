"""`ak init`, `ak doctor`, and the example that the demo shows."""
import json
import subprocess
import sys

from run_host import ROOT, Ak, build_dir
from serve_host import serving


def test_a_new_project_passes_the_gate_its_test_and_runs(tmp_path):
    ak, folder = Ak(tmp_path / "state"), tmp_path / "2nd-try"
    assert ak("init", folder).returncode == 0
    assert ak("deploy", "--check", folder).returncode == 0
    unittest = subprocess.run([sys.executable, "-m", "unittest"], cwd=folder, capture_output=True, text=True, timeout=60)
    assert unittest.returncode == 0 and "Ran 1 test" in unittest.stderr
    ran = ak("run", folder / "program.py:on_hello", "--data", 'body={"form": {"name": "Ada"}}')
    assert ran.returncode == 0 and "Hello, Ada!" in ran.stdout and "Still here, Ada." in ran.stdout


def test_init_overwrites_nothing(tmp_path):
    (tmp_path / "program.py").write_text("mine\n")
    assert Ak(tmp_path / "state")("init", tmp_path).returncode == 42
    assert (tmp_path / "program.py").read_text() == "mine\n"
    assert not (tmp_path / "autokitteh.yaml").exists()


def test_doctor_tells_what_is_missing(tmp_path):
    ak = Ak(tmp_path / "state")
    lines = {line["what"]: line for line in json.loads(ak("doctor", "--json").stdout)}
    assert all(line["well"] for line in lines.values()), lines
    ak("config", "set", "run.python", "/not/there/python3")
    sick = ak("doctor")
    assert sick.returncode == 1 and "--  interpreter" in sick.stdout


def test_doctor_sees_the_server(tmp_path):
    with serving(tmp_path, "sync") as server:
        lines = {line["what"]: line for line in json.loads(server.ak("doctor", "--verify", "--json").stdout)}
        assert lines["server"]["words"] == f"http://127.0.0.1:{server.port}"
        assert lines["store"]["well"]


def test_the_webhook_example_survives_its_kill(tmp_path):
    shown = subprocess.run([str(ROOT / "examples" / "webhook" / "show"), str(build_dir() / "ak")], capture_output=True, text=True,
                           timeout=60, stdin=subprocess.DEVNULL)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert shown.stdout.count("prints charging") == 1
    assert '200 {"sold":2}' in shown.stdout


def test_a_session_of_a_server_is_stopped_by_the_command(tmp_path):
    with serving(tmp_path, "counter") as server:
        session = server.post("nap", {"seconds": 3600}).json["session_id"]
        assert server.ak("session", "stop", session, "--reason", "enough").returncode == 0
        assert server.wait(session)["state"] == "stopped"
        assert server.ak("session", "stop", session).returncode == 42
