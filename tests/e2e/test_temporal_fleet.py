"""Many sessions on three workers, one of which goes away in the middle: each session ends once, and as if undisturbed."""
import asyncio
import collections
import os
import signal

import pytest

from run_host import PROGRAMS
from temporal_host import make_cluster, server      # noqa: F401

SESSIONS = int(os.environ.get("AK_FLEET_SESSIONS", "1000"))
CALLS = 8       # at a time, of each worker

PROGRAM = """\
from effects import effect


def handler(event):
    first = effect("%d first" % event.data.n)
    return [first, effect("%d second" % event.data.n)]
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.timeout(900)
def test_a_thousand_sessions_on_three_workers_one_of_which_goes(make_cluster, tmp_path, how):
    (tmp_path / "fleet.py").write_text(PROGRAM)
    (tmp_path / "effects.py").write_text((PROGRAMS / "effects.py").read_text())
    cluster = make_cluster("fleet-%d" % how)
    cluster.deploy_folder(tmp_path)
    workers = [cluster.worker("--calls", str(CALLS), "--quiet", wait=False) for _ in range(3)]

    async def run():
        await cluster.connect()
        going = asyncio.Semaphore(200)
        done = 0

        async def one(n):
            nonlocal done
            async with going:
                handle = await cluster.start("fleet.py:handler", {"n": n}, turn=2)
                outcome = await cluster.outcome(handle, 800)
            done += 1
            if done == SESSIONS // 3:
                workers[1].send_signal(how)
            return outcome

        return await asyncio.gather(*(one(n) for n in range(SESSIONS)))

    outcomes = asyncio.run(run())
    assert workers[1].wait(30) == (0 if how == signal.SIGTERM else -how)
    assert [workers[0].poll(), workers[2].poll()] == [None, None]
    for n, outcome in enumerate(outcomes):
        assert outcome == {"state": "completed", "value": repr(["did %d first" % n, "did %d second" % n])}
    effects = collections.Counter(cluster.effects())
    assert set(effects) == {"%d %s" % (n, which) for n in range(SESSIONS) for which in ("first", "second")}
    # A call that ran where the worker was killed runs again; nothing else does.
    assert sum(effects.values()) - 2 * SESSIONS <= (CALLS if how == signal.SIGKILL else 0)

    async def counted():
        temporal = await cluster.connect()
        return (await temporal.count_workflows("TaskQueue = '%s' AND AkEntry = 'fleet.py:handler'" % cluster.queue)).count

    assert asyncio.run(counted()) == SESSIONS
