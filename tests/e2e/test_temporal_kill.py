"""The corpus on a Temporal server, with workers killed -9 all the time."""
import asyncio
import random
import threading
import time

import pytest

from run_host import CORPUS, PROGRAMS
from temporal_corpus import ALONE, check_same, embedded, run_all      # noqa: F401
from temporal_host import make_cluster, server      # noqa: F401

WORKERS = 4


@pytest.mark.timeout(1500)
def test_workers_killed_every_two_seconds_change_nothing(make_cluster, embedded):
    cluster = make_cluster("killed")
    cluster.deploy_folder(PROGRAMS)
    args = ("--sessions", "0", "--heartbeat", "1")
    calm, kills = threading.Event(), []

    def works(worker):
        return "sessions of task queue" in cluster.said(worker)

    def kill_on():
        """Every two seconds, one of those that work: one that has not begun yet would be no loss. Another one has to be there,
        or a busy machine would do nothing but begin."""
        chance = random.Random(11)
        alive = [cluster.worker(*args, wait=False) for _ in range(WORKERS)]
        while not calm.wait(2):
            working = [i for i, worker in enumerate(alive) if works(worker)]
            while len(working) < 2 and not calm.wait(0.1):
                working = [i for i, worker in enumerate(alive) if works(worker)]
            if calm.is_set():
                return
            at = chance.choice(working)
            cluster.kill(alive[at])
            kills.append(time.monotonic())
            alive[at] = cluster.worker(*args, wait=False)

    killer = threading.Thread(target=kill_on)
    killer.start()
    names = [n for n in CORPUS if n not in ALONE] + ["retries"]
    try:
        families = asyncio.run(run_all(cluster, names, 900, calm.set, at_a_time=6))
    finally:
        calm.set()
        killer.join()
    check_same(embedded, families, killed=True)
    assert len(kills) >= 5
    print("%d programs, %d workers killed, one each %.1f s" % (len(names), len(kills), (kills[-1] - kills[0]) / (len(kills) - 1)))
    wanted = {effect for name in names for effect in embedded(name)[1]}
    assert set(cluster.effects()) == wanted
