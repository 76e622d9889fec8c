"""A Temporal server on loopback, workers of the built `ak`, and sessions on them, for tests."""
import asyncio
import io
import os
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import pytest

from conftest import unavailable
from run_host import ROOT, build_dir, fast_dir, wait_until

sys.path.insert(0, str(ROOT / "runtime" / "temporal"))


def server_program():
    """Built or found by tests/temporal_server.sh."""
    try:
        import temporalio     # noqa: F401
    except ImportError as exc:
        unavailable("Temporal's SDK is not there: %s" % exc)
    found = subprocess.run(["sh", str(ROOT / "tests" / "temporal_server.sh")], capture_output=True, text=True)
    if found.returncode == 77:
        unavailable("no Temporal server can be had: " + found.stderr.strip().splitlines()[-1])
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def end(process):
    """What was asked to end, and is not let stay."""
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Server:
    """One for a test module. Its database is a file in memory: the server's own way to have none loses it under load."""

    def __init__(self, folder, *more):
        self.port = free_port()
        self.address = "127.0.0.1:%d" % self.port
        self.log = open(folder / "server.log", "w")
        self.database = tempfile.TemporaryDirectory(dir=fast_dir(), prefix="ak-temporal-")
        self.process = subprocess.Popen(
            [server_program(), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--port", str(self.port),
             "--metrics-port", str(free_port()), "--log-level", "error", "--db-filename", str(Path(self.database.name) / "temporal.db"), *more], stdout=self.log, stderr=self.log,
            stdin=subprocess.DEVNULL)
        try:
            wait_until(lambda: reached(self.port) or self.process.poll() is not None)
            assert self.process.poll() is None, "the server does not listen"
        except BaseException:
            self.stop()
            raise

    def stop(self):
        self.process.terminate()
        end(self.process)
        self.log.close()
        self.database.cleanup()


def reached(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def until(condition, seconds, words):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, words
        time.sleep(0.05)


def tar_of(folder, names="*.py"):
    """As `ak deploy` packs it: sorted, no times, no owners."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for path in sorted(Path(folder).glob(names)):
            member = tarfile.TarInfo(path.name)
            member.size = path.stat().st_size
            archive.addfile(member, io.BytesIO(path.read_bytes()))
    return out.getvalue()


class Cluster:
    """A shared folder and workers on a server. Everything of it lies in `folder`."""

    def __init__(self, server, folder, queue="ak"):
        from ak_temporal.shared import Shared

        self.server, self.folder, self.queue = server, Path(folder), queue
        self.effects_file = self.folder / "effects"
        self.shared = Shared(str(self.folder / "shared"), str(self.folder / "cache"))
        self.workers = []
        self.more = []      # flags of our own client

    def command(self, *args):
        return [str(build_dir() / "ak"), "--data", str(self.folder / "data"), *map(str, args)]

    def connection(self):
        return ["--temporal", self.server.address, "--task-queue", self.queue, "--shared", str(self.shared.folder),
                "--sdk-python", sys.executable]

    def worker(self, *args, wait=True, env=None):
        log = open(self.folder / ("worker-%d.log" % len(self.workers)), "w+")
        process = subprocess.Popen(
            self.command("worker", *self.connection(), *args), stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
            env={**os.environ, "XDG_CONFIG_HOME": str(self.folder), "EFFECTS": str(self.effects_file), **(env or {})})
        process.log = log
        self.workers.append(process)
        if wait:
            until(lambda: "sessions of task queue" in self.said(process) or process.poll() is not None, 60, "the worker does not start")
            assert process.poll() is None, self.said(process)
        return process

    def said(self, process):
        return Path(process.log.name).read_text()

    def kill(self, process):
        process.send_signal(signal.SIGKILL)
        process.wait()

    def stop(self):
        for process in self.workers:
            if process.poll() is None:
                process.terminate()
        for process in self.workers:
            end(process)
            process.log.close()

    def effects(self):
        return self.effects_file.read_text().split("\n")[:-1] if self.effects_file.exists() else []

    def deploy_folder(self, folder, project="corpus", name="dep_" + "0" * 26):
        """What `ak deploy --temporal` leaves behind, without its gate: the programs of the corpus have no manifest."""
        digest = self.shared.put_bundle(tar_of(folder))
        self.deployment = {"id": name, "project": project, "bundle": digest, "dialect": "ak"}
        self.shared.put_deployment(self.deployment)
        return self.deployment

    async def connect(self, **more):
        from ak_temporal import client
        import argparse

        parser = argparse.ArgumentParser()
        client.add_arguments(parser)
        args = parser.parse_args(["--temporal", self.server.address, "--task-queue", self.queue,
                                  "--shared", str(self.shared.folder), "--cache", str(self.folder / "cache"), *self.more])
        self.client = await client.connect(args, self.shared, **more)
        assert await client.search_attributes(self.client, make=True)
        return self.client

    async def start(self, entry, data=None, **more):
        from ak_temporal import start

        event = {"event_type": "manual", "event_id": "evt_" + "0" * 26, "integration_id": None,
                 "created_at": "2026-01-01T00:00:00Z", "data": data or {"n": 2}}
        return await start.start_session(self.client, self.queue, self.deployment, entry, event, **more)

    async def outcome(self, handle, seconds=60):
        from ak_temporal import start

        return await asyncio.wait_for(start.outcome_of(handle), seconds)

    async def family(self, handle, seconds=60):
        """An ended session's outcome and record, and those of its children, oldest first. A worker has to be there."""
        from ak_temporal import start

        found = {"outcome": await self.outcome(handle, seconds), "record": await start.log_of(handle), "children": []}
        for record in found["record"]:
            if record["kind"] == "answer" and record["name"] == "start" and "value" in record:
                found["children"].append(await self.family(self.client.get_workflow_handle(record["value"]), seconds))
        return found


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def make_cluster(server, tmp_path_factory):
    made = []

    def make(queue="ak"):
        cluster = Cluster(server, tmp_path_factory.mktemp("cluster"), queue)
        made.append(cluster)
        return cluster

    yield make
    for cluster in made:
        cluster.stop()
