"""`ak worker`, `ak deploy --temporal` and `ak trigger fire --temporal`: what they say, and what they leave in Temporal."""
import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest

from run_host import ROOT
from temporal_host import Cluster, make_cluster, server, until      # noqa: F401
from tools import need_program

sys.path.insert(0, str(ROOT / "runtime" / "temporal"))

MANIFEST = """\
version: v1
project:
  name: demo
  vars:
    - name: GREETING
      value: hello
  triggers:
    - name: order
      type: webhook
      event_type: post
      call: main.py:on_order
    - name: door
      type: webhook
    - name: tick
      schedule: "%s"
      call: main.py:on_tick
"""

MAIN = """\
import os

import autokitteh


@autokitteh.activity
def charge(n):
    return n * 2


def on_order(event):
    print(os.getenv("GREETING"))
    paid = charge(event.data.n)
    door = autokitteh.subscribe("door", "data.n > 5")
    got = autokitteh.next_event(door, timeout=event.data.wait)
    return [paid, got and got.n]


def on_tick(event):
    charge(1)
    return event.event_type
"""


def ak(cluster, *args, address=None, sdk=True, **more):
    connection = cluster.connection()
    if address:
        connection[1] = address
    if not sdk:
        connection = connection[:-2]
    return subprocess.run(cluster.command(*args, *connection), capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
                          env={**os.environ, "XDG_CONFIG_HOME": str(cluster.folder)}, **more)


@pytest.fixture(scope="module")
def cluster(make_cluster):      # noqa: F811
    cluster = make_cluster("cli")
    cluster.deploy_folder(ROOT / "tests" / "programs")
    return cluster


def one_sentence(done, code):
    lines = done.stderr.strip().splitlines()
    assert done.returncode == code, done.stderr
    assert len(lines) == 1 and lines[0].startswith("ak: ") and "Traceback" not in done.stderr, done.stderr
    return lines[0]


def test_no_server(cluster):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % s.getsockname()[1]
    assert "no Temporal server answers at " + address in one_sentence(ak(cluster, "worker", address=address), 1)


def test_no_such_namespace(cluster):
    assert "has no namespace 'nope'" in one_sentence(ak(cluster, "worker", "--namespace", "nope"), 44)


def test_tls_refused(cluster):
    assert "refused the TLS connection" in one_sentence(ak(cluster, "worker", "--tls"), 1)


def test_no_tls_where_it_is_wanted(cluster, tmp_path):
    """A server that speaks TLS alone, as far as we get with it."""
    import ssl

    need_program("openssl")
    key = tmp_path / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out",
                           str(tmp_path / "cert.pem"), "-subj", "/CN=localhost", "-days", "2"], capture_output=True, check=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def refuse():
            while True:
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(sock, server_side=True).close()
                except OSError:
                    sock.close()

        threading.Thread(target=refuse, daemon=True).start()
        address = "127.0.0.1:%d" % listener.getsockname()[1]
        one_sentence(ak(cluster, "worker", address=address), 1)
        assert "refused the TLS connection" in one_sentence(ak(cluster, "worker", "--tls", address=address), 1)
        listener.shutdown(socket.SHUT_RDWR)


def test_a_server_that_is_too_old():
    from ak_temporal import client

    client.check_version("there:7233", "1.24.0")
    client.check_version("there:7233", "2.0.1")
    with pytest.raises(client.Refusal, match="is Temporal 1.22.4; this wants 1.24 or later") as refused:
        client.check_version("there:7233", "1.22.4")
    assert refused.value.code == 1


def test_no_such_deployment(cluster):
    assert "deployment dep_nope is not in" in one_sentence(ak(cluster, "worker", "--deployment", "dep_nope"), 44)


def test_the_bundle_is_gone_or_was_changed(cluster, make_cluster):       # noqa: F811
    other = make_cluster("bundle")
    deployment = other.deploy_folder(ROOT / "tests" / "programs")
    path = other.shared.bundle_path(deployment["bundle"])
    data = path.read_bytes()
    path.write_bytes(data[:-512])
    assert "was changed or cut short" in one_sentence(ak(other, "worker", "--deployment", deployment["id"]), 44)
    path.unlink()
    assert "bundle %.16s is not in" % deployment["bundle"] in one_sentence(ak(other, "worker", "--deployment", deployment["id"]), 44)


def test_no_sdk(cluster, tmp_path):
    python = tmp_path / "python"
    # Not -I, which drops PYTHONPATH, where the package itself is.
    python.write_text("#!/bin/sh\nexec %s -S \"$@\"\n" % os.path.realpath(sys.executable))
    python.chmod(0o755)
    words = one_sentence(ak(cluster, "worker", "--sdk-python", str(python), sdk=False), 44)
    assert "Temporal's SDK is not there" in words
    assert "No such file" in one_sentence(ak(cluster, "worker", "--sdk-python", "/no/such/python", sdk=False), 44)


def test_flags_that_are_wrong(cluster):
    for args, words in ((["--sessions", "x"], "--sessions wants a number"), (["--heartbeat", "0"], "--heartbeat wants a number")):
        assert words in one_sentence(ak(cluster, "worker", *args), 40)
    assert "HOST:PORT" in one_sentence(ak(cluster, "worker", address="nowhere"), 40)
    assert "--codec nope:X" in one_sentence(ak(cluster, "worker", "--codec", "nope:X"), 44)


def test_the_packages_are_those_of_the_tests():
    def packages(path):
        return [line for line in path.read_text().splitlines() if not line.startswith("#")]

    assert packages(ROOT / "runtime/temporal/requirements.txt") == packages(ROOT / "tests/requirements-sdk.txt")


# Deployments.

class Project:
    def __init__(self, cluster, folder):
        self.cluster, self.folder = cluster, folder
        folder.mkdir()
        self.write()

    def write(self, main=MAIN, schedule="0 3 * * *"):
        (self.folder / "autokitteh.yaml").write_text(MANIFEST % schedule)
        (self.folder / "main.py").write_text(main)

    def deploy(self, *args):
        return ak(self.cluster, "deploy", str(self.folder), *args)

    def deployed(self, *args):
        done = self.deploy("--json", *args)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def fire(self, trigger, *args, **data):
        given = [word for k, v in data.items() for word in ("-d", "%s=%s" % (k, v))]
        done = ak(self.cluster, "trigger", "fire", trigger, *given, "--project", "demo", "--json", *args)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def project(make_cluster, tmp_path_factory):       # noqa: F811
    cluster = make_cluster("project")
    project = Project(cluster, tmp_path_factory.mktemp("project") / "demo")
    project.deployed()
    cluster.worker()
    return project


def test_the_gate_stands_before_temporal_too(project):
    project.write(MAIN.replace("def on_order", "async def on_order"))
    done = project.deploy()
    assert done.returncode == 42 and "nothing was changed" in done.stderr
    project.write()


def test_what_has_not_changed_is_not_deployed_again(project):
    first = project.deployed()
    assert first["unchanged"] and project.deployed()["deployment_id"] == first["deployment_id"]
    assert project.cluster.shared.active("demo") == first["deployment_id"]
    assert project.cluster.shared.bundle_path(first["bundle"]).is_file()


def test_a_schedule_catches_up_for_a_year_and_buffers_one(project):
    async def look():
        temporal = await project.cluster.connect()
        return await temporal.get_schedule_handle("ak-demo-tick").describe()

    from temporalio.client import ScheduleOverlapPolicy

    schedule = asyncio.run(look()).schedule
    assert schedule.policy.catchup_window == timedelta(days=365)
    assert schedule.policy.overlap == ScheduleOverlapPolicy.BUFFER_ONE


def test_a_schedule_fires_and_missed_ticks_fire_once(project):
    """Paused by nobody being there: the worker stops, ticks pass, and it comes back."""
    async def ticks():
        temporal = await project.cluster.connect()
        return [w async for w in temporal.list_workflows("AkTrigger = 'tick'")]

    project.write(schedule="@every 2s")
    project.deployed()
    until(lambda: len(asyncio.run(ticks())) >= 2, 30, "the schedule does not fire")
    project.cluster.workers[-1].terminate()
    project.cluster.workers[-1].wait(20)
    before = len(asyncio.run(ticks()))
    time.sleep(9)       # four ticks nobody takes
    project.write(schedule="0 3 * * *")
    project.deployed()
    project.cluster.worker()
    until(lambda: len(asyncio.run(ticks())) > before, 30, "no missed tick fired")
    time.sleep(2)
    assert len(asyncio.run(ticks())) == before + 1


def test_events_reach_the_trigger_and_the_subscribers(project):
    fired = project.fire("order", "--type", "post", n=4, wait=30)
    shown = "ak-project-demo"

    async def subscribed():
        temporal = await project.cluster.connect()
        try:
            return (await temporal.get_workflow_handle(shown).query("shown"))["subscriptions"]
        except Exception:
            return {}

    until(lambda: asyncio.run(subscribed()), 20, "it does not subscribe")
    assert project.fire("door", n=3)["mails"] == 0
    assert project.fire("door", n=9)["mails"] == 1

    async def outcome():
        temporal = await project.cluster.connect()
        return await project.cluster.family(temporal.get_workflow_handle(fired["session_id"]))

    family = asyncio.run(outcome())
    assert family["outcome"] == {"state": "completed", "value": "[8, 9]"}
    assert [r["text"] for r in family["record"] if r["kind"] == "print"] == ["hello\n"]
    assert project.fire("order", "--type", "get", n=1, wait=0)["session_id"] is None


def test_fire_waits_for_the_session(project):
    fired = project.fire("order", "--type", "post", "--wait", n=1, wait=0)
    assert fired["outcome"] == {"state": "completed", "value": "[2, None]"}


def waiting(project):
    """A session that waits at the door, and how many records it has."""
    fired = project.fire("order", "--type", "post", n=4, wait=300)

    async def asks():
        temporal = await project.cluster.connect()
        log = await temporal.get_workflow_handle(fired["session_id"]).query("log", 0)
        return log[-1]["kind"] == "ask"

    until(lambda: asyncio.run(asks()), 20, "it does not wait")
    return fired["session_id"]


def test_migrate_refuses_code_that_would_take_another_step(project):
    waiting(project)
    before = project.cluster.shared.active("demo")
    project.write(MAIN.replace("    paid = charge(event.data.n)\n", "    paid = abs(event.data.n)\n"))
    done = project.deploy("--migrate")
    assert done.returncode == 42, done.stderr
    assert "does not replay on the new code" in done.stderr and "Traceback" not in done.stderr
    assert "charge" in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert project.cluster.shared.active("demo") == before
    project.write()


def test_migrate_moves_sessions_to_code_that_replays(project):
    session = waiting(project)
    project.write(MAIN.replace("return [paid, got and got.n]", "return [paid, got and got.n, 'new']"))
    done = project.deployed("--migrate")
    assert done["replayed"] >= 1
    assert project.fire("door", n=7)["mails"] >= 1

    async def outcome():
        temporal = await project.cluster.connect()
        return await project.cluster.outcome(temporal.get_workflow_handle(session))

    assert asyncio.run(outcome()) == {"state": "completed", "value": "[8, 7, 'new']"}


def test_a_worker_of_one_deployment_takes_its_sessions_alone(project, tmp_path_factory):
    """Worker versioning: the deployment's id is the build id."""
    deployment = project.cluster.shared.active("demo")
    cluster = Cluster(project.cluster.server, tmp_path_factory.mktemp("pinned"), "pinned")
    cluster.shared = project.cluster.shared
    worker = cluster.worker("--deployment", deployment)
    try:
        async def version():
            import temporalio.api.workflowservice.v1 as service

            temporal = await project.cluster.connect()
            found = await temporal.workflow_service.describe_worker_deployment(service.DescribeWorkerDeploymentRequest(
                namespace="default", deployment_name="demo"))
            return [v.version for v in found.worker_deployment_info.version_summaries]

        def known():
            try:
                return "demo.%s" % deployment in asyncio.run(version())
            except Exception:
                return False

        until(known, 30, "Temporal does not know the version")
    finally:
        cluster.stop()
    assert worker.returncode == 0, cluster.said(worker)
