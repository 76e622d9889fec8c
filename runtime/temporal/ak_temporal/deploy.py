"""`ak deploy --temporal`, after its gate: the bundle goes where workers find it, schedules become Temporal's."""
import argparse
import asyncio
import json
import random
import secrets
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Dict, List

from temporalio.client import (Client, Schedule, ScheduleActionStartWorkflow, ScheduleAlreadyRunningError, ScheduleOverlapPolicy,
                               SchedulePolicy, ScheduleSpec, ScheduleUpdate)
from temporalio.service import RPCError, RPCStatusCode

from . import client, migrate, records
from .shared import Missing, Shared
from .worker import add_host_arguments

Json = Dict[str, Any]
CATCH_UP = timedelta(days=365)
# What of a deployment is its content: another of these makes another deployment.
CONTENT = ("bundle", "dialect", "vars", "secrets", "url", "triggers", "connections")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    client.add_arguments(parser)
    add_host_arguments(parser)
    parser.add_argument("--bundle", required=True, metavar="TAR")
    parser.add_argument("--request", required=True, metavar="JSON")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--migrate", action="store_true")
    parser.add_argument("--json", action="store_true")


def record_of(request: Json, bundle: str, before: Json) -> Json:
    plan = request["plan"]
    slugs = {t["name"]: t["slug"] for t in before.get("triggers") or () if t.get("slug")}
    triggers = [{**t, "slug": slugs.get(t["name"]) or secrets.token_hex(16)} if t["kind"] == "webhook" else t for t in plan["triggers"]]
    return {"id": records.new_id("dep", int(time.time() * 1000), random.SystemRandom()), "project": plan["name"], "bundle": bundle,
            "dialect": request["dialect"], "vars": {v["name"]: v["value"] for v in plan["vars"] if v.get("value")},
            "secrets": sorted(v["name"] for v in plan["vars"] if v.get("secret")), "url": request.get("url") or "", "triggers": triggers,
            "connections": plan["connections"], "verdict": request["verdict"], "created": time.time()}


def active_of(shared: Shared, project: str) -> Json:
    try:
        return shared.deployment(shared.active(project))
    except Missing:
        return {}


def plan_of(before: Json, after: Json) -> List[str]:
    old = {t["name"] for t in before.get("triggers") or ()}
    lines = ['project "%s": %s' % (after["project"], "is there" if before else "create")]
    for t in after["triggers"]:
        lines.append('trigger "%s": %s %s%s%s' % (
            t["name"], "update" if t["name"] in old else "create", t["kind"], " " + t["schedule"] if t.get("schedule") else "",
            " calls " + t["call"] if t.get("call") else ""))
    return lines + ['trigger "%s": delete' % name for name in sorted(old - {t["name"] for t in after["triggers"]})]


def schedule_id(project: str, trigger: str) -> str:
    return "ak-%s-%s" % (project, trigger)


def schedule_of(queue: str, project: str, trigger: Json) -> Schedule:
    """Missed ticks come again within a year; `ak.fire` lets one of them pass, as the embedded engine does."""
    name = schedule_id(project, trigger["name"])
    action = ScheduleActionStartWorkflow(
        "ak.fire", {"project": project, "trigger": trigger["name"], "type": "tick", "data": {}}, id=name, task_queue=queue,
        static_summary="trigger %s of %s: %s" % (trigger["name"], project, trigger["schedule"]))
    return Schedule(action=action, spec=ScheduleSpec(cron_expressions=[trigger["schedule"]]),
                    policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.BUFFER_ONE, catchup_window=CATCH_UP))


async def set_schedules(temporal: Client, queue: str, before: Json, after: Json) -> List[str]:
    done = []
    wanted = {t["name"]: t for t in after["triggers"] if t["kind"] == "schedule"}
    for name, trigger in wanted.items():
        schedule = schedule_of(queue, after["project"], trigger)
        try:
            await temporal.create_schedule(schedule_id(after["project"], name), schedule)
            done.append('[exec] trigger "%s": schedule created' % name)
        except ScheduleAlreadyRunningError:
            handle = temporal.get_schedule_handle(schedule_id(after["project"], name))
            await handle.update(lambda _, schedule=schedule: ScheduleUpdate(schedule=schedule))     # type: ignore[misc]
            done.append('[exec] trigger "%s": schedule updated' % name)
    for old in before.get("triggers") or ():
        if old["kind"] == "schedule" and old["name"] not in wanted:
            try:
                await temporal.get_schedule_handle(schedule_id(after["project"], old["name"])).delete()
            except RPCError as exc:
                if exc.status != RPCStatusCode.NOT_FOUND:
                    raise
            done.append('[exec] trigger "%s": schedule deleted' % old["name"])
    return done


async def put_to_work(args: argparse.Namespace, shared: Shared, temporal: Client, before: Json, after: Json) -> List[str]:
    """The deployment is there before anything refers to it."""
    shared.put_deployment(after)
    lines = ['[exec] create_deployment: created "%s"' % after["id"]]
    lines += ['[!!!!] trigger "%s": webhook path is "/webhooks/%s"' % (t["name"], t["slug"]) for t in after["triggers"] if t.get("slug")]
    lines += await set_schedules(temporal, args.task_queue, before, after)
    shared.set_active(after["project"], after["id"])
    lines.append("[exec] activate_deployment: activated")
    if args.migrate and before:
        moved = await migrate.move(temporal, before, after)
        lines.append("[exec] %d sessions go on with the new code at their next step" % moved)
    return lines


async def run(args: argparse.Namespace) -> int:
    shared = Shared(args.shared, args.cache)
    request = json.loads(Path(args.request).read_text())
    temporal = await client.connect(args, shared)
    await client.search_attributes(temporal, make=True)
    data = Path(args.bundle).read_bytes()
    before = active_of(shared, request["plan"]["name"])
    after = record_of(request, shared.put_bundle(data), before)
    lines = ["[plan] " + line for line in plan_of(before, after)]
    replayed = 0
    if args.migrate and before:
        replayed = await migrate.check(args, shared, temporal, before, after)
        lines.append("[plan] %d running sessions replay on the new code as they ran" % replayed)
    if args.check:
        lines.append("[plan] content %.12s would be deployed; --check changes nothing" % after["bundle"])
    elif before and all(before.get(k) == after[k] for k in CONTENT):
        lines.append("[exec] nothing has changed since %s" % before["id"])
        after = before
        lines += await set_schedules(temporal, args.task_queue, before, after)
    else:
        lines += await put_to_work(args, shared, temporal, before, after)
    if args.json:
        print(json.dumps({"deployment_id": None if args.check else after["id"], "bundle": after["bundle"], "replayed": replayed,
                          "unchanged": after is before, "lines": lines,
                          "triggers": [{k: t[k] for k in ("name", "kind", "slug") if k in t} for t in after["triggers"]]}))
    else:
        print("\n".join(lines))
    return 0


def main(args: argparse.Namespace) -> int:
    return asyncio.run(run(args))
