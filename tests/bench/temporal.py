"""Sessions of `ak worker` beside a plain worker of Temporal's SDK that does the same: a workflow of K steps, each an activity that
returns a two-key dict. Interleaved, one client and eight, medians; then what `ak` adds per session and per step.

    build/venv/bin/python tests/bench/temporal.py [SECONDS]
"""
import asyncio
import os
import statistics
import sys
import tempfile
import time
import uuid
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "runtime" / "temporal")]

from temporalio import activity, workflow     # noqa: E402
from temporalio.worker import UnsandboxedWorkflowRunner, Worker     # noqa: E402

from temporal_host import Cluster, Server     # noqa: E402

PROGRAM = """\
import autokitteh


@autokitteh.activity
def step(i):
    return {"ok": True, "x": i}


def handler(event):
    for i in range(event.data.n):
        step(i)
"""
POINTS = ((1, 1), (10, 1), (1, 8), (10, 8))


@activity.defn
async def step(i: int) -> dict:
    return {"ok": True, "x": i}


@workflow.defn
class Plain:
    @workflow.run
    async def run(self, k: int) -> None:
        for i in range(k):
            await workflow.execute_activity(step, i, start_to_close_timeout=timedelta(seconds=30))


async def load(one, clients, seconds):
    """Seconds of a run, runs a second, runs."""
    taken, end = [], time.perf_counter() + seconds

    async def go():
        while time.perf_counter() < end:
            begun = time.perf_counter()
            await one()
            taken.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    await asyncio.gather(*(go() for _ in range(clients)))
    return statistics.median(taken), len(taken) / (time.perf_counter() - begun), len(taken)


def processor_seconds(root):
    """Of this process, and of a worker with all that it has started."""
    parents, spent = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(stat.parent.name)], spent[int(stat.parent.name)] = int(fields[1]), sum(map(int, fields[11:15]))
    tree, before = {root}, 0
    while len(tree) != before:
        before = len(tree)
        tree |= {pid for pid, parent in parents.items() if parent in tree}
    return time.process_time() + sum(spent.get(pid, 0) for pid in tree) / os.sysconf("SC_CLK_TCK")


async def measure(cluster, worker, seconds):
    client = await cluster.connect()

    async def ours(k):
        handle = await cluster.start("bench.py:handler", {"n": k})
        await handle.result()

    async def plain(k):
        await client.execute_workflow(Plain.run, k, id=uuid.uuid4().hex, task_queue="plain")

    peers = {"plain": plain, "ak": ours}
    for one in peers.values():
        for _ in range(5):
            await one(1)
    found = {}
    for k, clients in POINTS:
        for name in ("plain", "ak", "plain", "ak"):
            spent = processor_seconds(worker)
            median, rate, runs = await load(lambda: peers[name](k), clients, seconds)
            spent = (processor_seconds(worker) - spent) / runs
            best = found.get((name, k, clients), (9e9, 0.0, 9e9))
            found[name, k, clients] = (min(best[0], median), max(best[1], rate), min(best[2], spent))
    return found


def report(found):
    print("| steps | clients | plain temporalio ms | ak ms | ratio | plain a second | ak a second | plain CPU ms | ak CPU ms |")
    print("|---|---|---|---|---|---|---|---|---|")
    for k, clients in POINTS:
        (plain, rate, spent), (ours, our_rate, our_spent) = found["plain", k, clients], found["ak", k, clients]
        print("| %d | %d | %.1f | %.1f | %.2f | %.1f | %.1f | %.1f | %.1f |" % (
            k, clients, plain * 1e3, ours * 1e3, ours / plain, rate, our_rate, spent * 1e3, our_spent * 1e3))
    for what, at in (("time", 0), ("CPU", 2)):
        added = {k: (found["ak", k, 1][at] - found["plain", k, 1][at]) * 1e3 for k in (1, 10)}
        step = (added[10] - added[1]) / 9
        print("added by ak, %s: %.1f ms a step, %.1f ms a session" % (what, step, added[1] - step))


async def main(folder, seconds):
    server = Server(folder)
    cluster = Cluster(server, folder, "bench")
    try:
        code = folder / "code"
        code.mkdir()
        (code / "bench.py").write_text(PROGRAM)
        cluster.deploy_folder(code)
        worker = cluster.worker("--quiet", wait=False)
        client = await cluster.connect()
        # The plain worker runs in the client's process, which spares it some switches; ours is a process of its own.
        async with Worker(client, task_queue="plain", workflows=[Plain], activities=[step],
                          workflow_runner=UnsandboxedWorkflowRunner()):
            report(await measure(cluster, worker.pid, seconds))
    finally:
        cluster.stop()
        server.stop()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(Path(folder), float(sys.argv[1]) if len(sys.argv) > 1 else 5.0))
