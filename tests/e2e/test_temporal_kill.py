"""The corpus on a Temporal server, with workers killed -9 all the time."""
import asyncio
import random
import threading

import pytest

from run_host import PROGRAMS
from temporal_corpus import ALONE, check_same, embedded, run_all      # noqa: F401
from temporal_host import CORPUS, make_cluster, server      # noqa: F401


@pytest.mark.timeout(600)
def test_workers_killed_every_two_seconds_change_nothing(make_cluster, embedded):
    cluster = make_cluster("killed")
    cluster.deploy_folder(PROGRAMS)
    args = ("--sessions", "0", "--heartbeat", "1", "--quiet")
    calm, kills = threading.Event(), []

    def kill_on():
        chance = random.Random(11)
        alive = [cluster.worker(*args, wait=False) for _ in range(2)]
        while not calm.wait(2):
            at = chance.randrange(len(alive))
            cluster.kill(alive[at])
            kills.append(at)
            alive[at] = cluster.worker(*args, wait=False)

    killer = threading.Thread(target=kill_on)
    killer.start()
    names = [n for n in CORPUS if n not in ALONE] + ["retries"]
    try:
        families = asyncio.run(run_all(cluster, names, 240, calm.set))
    finally:
        calm.set()
        killer.join()
    check_same(embedded, families, killed=True)
    assert len(kills) >= 5
    wanted = {effect for name in names for effect in embedded(name)[1]}
    assert set(cluster.effects()) == wanted
