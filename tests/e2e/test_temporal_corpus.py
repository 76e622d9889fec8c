"""Each program of the corpus has the same outcome, prints and recorded steps on the embedded engine and on a Temporal server: with
sessions at hand, without (every task replays from the start), after continue-as-new, and with workers killed -9 all the time."""
import asyncio
import json
import random
import threading

import pytest

from run_host import PROGRAMS, Ak, steps
from temporal_host import CORPUS, make_cluster, server      # noqa: F401

# Drawn from the session's seed.
VALUE_VARIES = {"free_values"}
# A retry asks how often it was tried, and an attempt that nobody recorded counts: the record may be shorter.
RECORD_VARIES_WHEN_KILLED = {"retries"}
# The event's own fields are made by whoever fires it.
EVENT_FIELDS = ("event_id", "event_type", "integration_id", "created_at")


def shown(records, name):
    kept = steps([r for r in records if r["kind"] != "start"])
    # Temporal's SDK sorts the keys of what it carries.
    kept = [json.dumps(json.loads(r), sort_keys=True) for r in kept]
    return [r for r in kept if not (name in VALUE_VARIES and '"done"' in r)]


def view(name, state, value, error, record, children, keep_record=True):
    varies = name in VALUE_VARIES
    return {"state": state, "value": None if varies else value, "error": error and {k: error.get(k) for k in ("type", "message", "kind")},
            "record": shown(record, name) if keep_record else None, "children": children}


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """What each program does on the embedded engine: run once, looked up afterwards."""
    known = {}

    def run(name):
        if name not in known:
            folder = tmp_path_factory.mktemp("embedded")
            ak = Ak(folder / "data")
            effects = folder / "effects"
            ak("run", PROGRAMS / ("%s.py:handler" % name), "--data", "n=2", env={"EFFECTS": str(effects)})
            sessions = ak.sessions()
            first = next(s for s in sessions if "parent_id" not in s)
            children = sorted((s for s in sessions if s.get("parent_id") == first["id"]), key=lambda s: s["id"])
            views = [(s, ak.log(s["id"])) for s in [first, *children]]
            known[name] = (views, effects.read_text().split("\n")[:-1] if effects.exists() else [])
        return known[name]

    return run


def embedded_view(found, name, keep_record=True):
    (first, record), *children = found
    inner = sorted((view(name, s["state"], s.get("value"), s.get("error"), r, []) for s, r in children), key=str)
    return view(name, first["state"], first.get("value"), first.get("error"), record, inner, keep_record)


def temporal_view(family, name, keep_record=True):
    outcome = family["outcome"]
    inner = sorted((temporal_view(c, name) for c in family["children"]), key=str)
    return view(name, outcome["state"], outcome.get("value"), outcome.get("error"), family["record"], inner, keep_record)


async def run_all(cluster, names, seconds, calm=lambda: None, **more):
    """All at once: a worker is shared by sessions of different programs. `calm` is called when all have ended."""
    await cluster.connect()
    handles = [await cluster.start("%s.py:handler" % name, turn=2, **more) for name in names]
    await asyncio.gather(*(cluster.outcome(h, seconds) for h in handles))
    calm()
    return {name: await cluster.family(h, seconds) for name, h in zip(names, handles)}


# Programs whose effects are counted by the program itself would see those of others.
ALONE = ("retries", "retries_in_vain")


def run_corpus(cluster, seconds=90, **more):
    found = {}
    for names in ([n for n in CORPUS if n not in ALONE], *([n] for n in ALONE)):
        cluster.effects_file.unlink(missing_ok=True)
        found.update(asyncio.run(run_all(cluster, names, seconds, **more)))
    return found


def check_same(embedded, families, killed=False):
    for name in families:
        views, _ = embedded(name)
        keep = not (killed and name in RECORD_VARIES_WHEN_KILLED)
        assert temporal_view(families[name], name, keep) == embedded_view(views, name, keep), name


@pytest.mark.parametrize("sessions", ["1000", "0"])
def test_the_corpus_does_the_same_on_a_temporal_server(make_cluster, embedded, sessions):
    cluster = make_cluster("corpus-" + sessions)
    cluster.deploy_folder(PROGRAMS)
    cluster.worker("--sessions", sessions, "--heartbeat", "2")
    check_same(embedded, run_corpus(cluster))


def test_effects_happen_once_in_an_undisturbed_run(make_cluster, embedded):
    cluster = make_cluster("effects")
    cluster.deploy_folder(PROGRAMS)
    cluster.worker("--sessions", "0")
    for name in ("straight", "child", "retries", "gather", "caught"):
        cluster.effects_file.unlink(missing_ok=True)
        asyncio.run(run_all(cluster, [name], 60))
        assert sorted(cluster.effects()) == sorted(embedded(name)[1]), name


def test_nothing_changes_when_the_history_is_cut_short(make_cluster, embedded):
    """Continue-as-new after a handful of events, again and again."""
    cluster = make_cluster("continued")
    cluster.deploy_folder(PROGRAMS)
    cluster.worker()
    check_same(embedded, run_corpus(cluster, events=12))


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
