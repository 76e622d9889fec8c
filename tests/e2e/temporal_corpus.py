"""What the tests of the corpus on Temporal share: each program run on the embedded engine, and on a cluster, to be compared."""
import asyncio
import json

import pytest

from run_host import CORPUS, PROGRAMS, RECORD_VARIES, VALUE_VARIES, Ak, steps


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


async def run_all(cluster, names, seconds, calm=lambda: None, at_a_time=100, **more):
    """Many at once: a worker is shared by sessions of different programs. `calm` is called when all have ended."""
    await cluster.connect()
    going = asyncio.Semaphore(at_a_time)

    async def run(name):
        async with going:
            handle = await cluster.start("%s.py:handler" % name, turn=2, **more)
            await cluster.outcome(handle, seconds)
            return handle

    handles = await asyncio.gather(*map(run, names))
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
        keep = not (killed and name in RECORD_VARIES)
        assert temporal_view(families[name], name, keep) == embedded_view(views, name, keep), name
