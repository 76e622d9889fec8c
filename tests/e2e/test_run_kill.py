"""kill -9 of `ak`, and of the runner, before and after every journal record, commit and protocol line: the outcome and
the record equal those of the undisturbed run, and no recorded step runs twice."""
import os
import shutil
import signal
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, Optional

import pytest

from journal_reader import Store
from run_host import CORPUS, PROGRAMS, RECORD_VARIES, VALUE_VARIES, Ak, fast_dir, without_ids

# A timer that is due before the program comes to wait for it is no step: the later ones have other numbers.
NUMBER_VARIES = {"gather"}
LANES = 2


@pytest.fixture(scope="module")
def template():
    """A data directory with everything laid out that a first run lays out."""
    with tempfile.TemporaryDirectory(dir=fast_dir(), prefix="ak-kill-") as folder:
        ak = Ak(Path(folder) / "template", "ak_kill")
        # A machine that stands still for ten seconds is no fault of the program's.
        (Path(folder) / "template" / "ak").mkdir(parents=True)
        (Path(folder) / "template" / "ak" / "config.yaml").write_text("limits:\n  turn: 100\n  load: 100\n")
        effects = {"EFFECTS": os.path.join(folder, "effects")}
        assert ak("run", PROGRAMS / "straight.py:handler", "--data", "n=2", env=effects).returncode == 0
        yield Path(folder)


class Lane:
    """One data directory and one file of effects, used by one thread."""

    def __init__(self, folder, name, number):
        self.home = folder / ("%s-%d" % (name, number))
        shutil.copytree(folder / "template", self.home)
        self.ak, self.name = Ak(self.home, "ak_kill"), name
        self.effects_file = self.home / "effects"

    def run(self, *args, **env):
        return self.ak("run", *args, timeout=120, env={"EFFECTS": str(self.effects_file), **env})

    def start(self, **env):
        self.effects_file.unlink(missing_ok=True)
        return self.run(PROGRAMS / ("%s.py:handler" % self.name), "--data", "n=2", **env)

    def count(self, who):
        """How many points an undisturbed run passes."""
        self.start(AK_KILL_COUNT=str(self.home / "points"), AK_KILL_WHO=who)
        return int((self.home / "points").read_text().split()[-1])

    def effects(self):
        return self.effects_file.read_text().split("\n")[:-1] if self.effects_file.exists() else []

    def look(self):
        """What the store holds now: the newest session that nobody started, those that it started, and all journals."""
        store = Store(self.home)
        first = next((s for s in store.sessions if not s["parent_id"]), None)
        return Moment(first, [s for s in store.sessions if first and s["parent_id"] == first["id"]], store.journals)

    def outcome(self, moment):
        now = moment.session
        error = {k: now["error"][k] for k in ("type", "message", "kind")} if now["error"] else None
        varies = self.name in VALUE_VARIES
        return {"state": now["state"], "value": None if varies else now["value"], "error": error,
                "children": sorted(s["state"] for s in moment.children),
                "record": None if self.name in RECORD_VARIES else steps(moment.journals[now["id"]], self.name)}


class Moment(NamedTuple):
    session: Optional[dict]
    children: list
    journals: dict

    def recorded(self):
        """Effects that stand in the journals, so: that must not be done again."""
        return [r["result"][len("'did "):-1] for s in [self.session] + self.children for r in self.journals[s["id"]]
                if r["kind"] == "call" and r["name"] == "effect"]


def steps(journal, name):
    """What of a journal has to be the same in every run of a program. Whether it had to wait for something, or found it there,
    and how long, is a matter of timing."""
    left_out = {"number", "at", "start", "due", "mail", "seed"}
    if name in VALUE_VARIES:
        left_out |= {"value", "result", "preview", "digest"}
    if name in NUMBER_VARIES:
        left_out.add("seq")
    return [without_ids({k: v for k, v in r.items() if k not in left_out}) for r in journal if r["kind"] != "ask"]


def told(effects, recorded):
    """How often each recorded effect was seen in the world."""
    return {r: effects.count(r) for r in recorded}


def kill_at(lane, point, who, want, want_effects):
    where = "%s: kill of %s at point %d" % (lane.name, who, point)
    first = lane.start(AK_KILL_AT=str(point), AK_KILL_WHO=who)
    moment = lane.look()
    if moment.session is None or moment.session["id"] == lane.latest:
        assert lane.effects() == [], "%s: effects without a session" % where
        return "not begun"
    lane.latest = moment.session["id"]
    killed = first.returncode == -signal.SIGKILL
    if killed:
        seen = told(lane.effects(), moment.recorded())
        # Resuming a session resumes what it started; an ended one may have left a child behind.
        for one in [moment.session] + moment.children:
            if one["state"] in ("created", "running"):
                again = lane.run("--resume", one["id"])
                where += "\nresumed: exit %d\n%s%s" % (again.returncode, again.stdout, again.stderr)
                if one is moment.session:
                    break
        assert told(lane.effects(), moment.recorded()) == seen, "%s: a recorded step ran twice" % where
    assert lane.outcome(lane.look()) == want, "%s\nfirst: exit %d\n%s%s" % (where, first.returncode, first.stdout, first.stderr)
    effects = lane.effects()
    assert set(effects) == set(want_effects), where
    # One kill repeats one unrecorded step at most of each session that ran.
    assert len(effects) <= len(want_effects) + 1 + len(want["children"]), "%s: %s" % (where, effects)
    return "killed" if killed else "survived"


@pytest.mark.parametrize("name", CORPUS)
def test_a_kill_at_any_point_changes_nothing(template, name):
    lanes = [Lane(template, name, i) for i in range(LANES)]
    points = {who: lanes[0].count(who) for who in ("ak", "runner")}
    want, want_effects = lanes[0].outcome(lanes[0].look()), lanes[0].effects()
    assert want["state"] in ("completed", "error") and points["ak"] > points["runner"] > 5

    def sweep(number):
        lane = lanes[number]
        lane.latest = lane.look().session["id"]
        return [kill_at(lane, point, who, want, want_effects)
                for who in ("ak", "runner") for point in range(1 + number, points[who] + 1, LANES)]

    with ThreadPoolExecutor(LANES) as pool:
        results = [r for lane in pool.map(sweep, range(LANES)) for r in lane]
    # Few points come before the session is there.
    assert results.count("killed") >= points["ak"] * 0.8
    for lane in lanes:
        shutil.rmtree(lane.home)
