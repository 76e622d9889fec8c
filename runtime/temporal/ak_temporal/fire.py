"""An event of a trigger: by its schedule, or by hand. A short workflow (type `ak.fire`) takes it, so that it is durable before anybody
hears of it: it starts the trigger's session and feeds the subscribers, each once."""
import argparse
import asyncio
import hashlib
import json
import random
import time
from datetime import timedelta
from typing import Any, Dict, Optional

from temporalio import activity, workflow
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import SearchAttributeKey, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from . import client, filters, perform, records, session, start
from .project import subscribers
from .shared import Missing, Shared

Json = Dict[str, Any]
SCHEDULED = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")


@workflow.defn(name="ak.fire")
class Fire:
    @workflow.run
    async def run(self, job: Json) -> Json:
        """{"event_id", "session_id" or null, "mails"}; {"skipped": true} for a tick that a later one has made up for."""
        chance, ms = workflow.random(), int(workflow.now().timestamp() * 1000)
        event_id = job.get("event_id") or records.new_id("evt", ms, chance)
        # For those who list events.
        workflow.upsert_memo({"event_id": event_id, **{k: job.get(k) for k in ("project", "trigger", "type", "key")}})
        scheduled = workflow.info().typed_search_attributes.get(SCHEDULED)
        return await workflow.execute_activity(     # type: ignore[no-any-return]
            "fire " + job["trigger"], {
                **job, "op": "fire", "event_id": event_id, "session_id": records.new_id("ses", ms, chance),
                "created_at": workflow.now().strftime("%Y-%m-%dT%H:%M:%SZ"), "once": str(workflow.uuid4()),
                "at": workflow.now().timestamp(), "scheduled": scheduled.timestamp() if scheduled else None},
            start_to_close_timeout=session.FOREVER, heartbeat_timeout=timedelta(seconds=10), summary="trigger " + job["trigger"])


async def fire(job: Json) -> Json:
    """As runtime/dispatch.c does it. May run again after a crash: names are given, and what is there already is left alone."""
    shared = perform.the_shared()
    deployment = shared.deployment(shared.active(job["project"]))
    trigger = trigger_of(deployment, job["trigger"])
    temporal, queue = activity.client(), activity.info().task_queue
    if job.get("scheduled"):
        request = {"op": "tick", "trigger": job["trigger"], "scheduled": job["scheduled"], "at": job["at"]}
        if not (await perform.tell_project(temporal, job["project"], queue, request, job["once"]))["value"]:
            return {"skipped": True}
    event = {"event_type": job["type"], "event_id": job["event_id"], "integration_id": None, "created_at": job["created_at"],
             "data": job["data"]}
    session_id = job["session_id"] if await wanted(trigger, event) else None
    if session_id:
        await begin(temporal, queue, deployment, trigger, event, session_id, bool(job.get("sync")))
    mails = await feed(temporal, job["project"], trigger, event)
    return {"event_id": job["event_id"], "session_id": session_id, "mails": mails}


def trigger_of(deployment: Json, name: str) -> Json:
    found = [t for t in deployment.get("triggers") or () if t["name"] == name]
    if not found:
        raise Missing("project %s has no trigger '%.80s'" % (deployment["project"], name))
    return dict(found[0])


async def wanted(trigger: Json, event: Json) -> bool:
    kind = trigger.get("event_type")
    if not trigger.get("call") or kind not in (None, "", "*", event["event_type"]):
        return False
    return not trigger.get("filter") or await filters.lets_through(trigger["filter"], event)


async def begin(temporal: Client, queue: str, deployment: Json, trigger: Json, event: Json, session_id: str,
                sync: bool) -> None:
    known = await client.search_attributes(temporal, make=False)
    try:
        await start.start_session(temporal, queue, deployment, trigger["call"], event, trigger=trigger["name"], known=known,
                                  session_id=session_id, id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE, sync=sync)
    except WorkflowAlreadyStartedError:
        pass


async def feed(temporal: Client, project: str, trigger: Json, event: Json) -> int:
    try:
        shown = await temporal.get_workflow_handle(perform.project_id(project)).query("shown")
    except RPCError as exc:
        if exc.status == RPCStatusCode.NOT_FOUND:
            return 0        # nobody has subscribed to anything yet
        raise
    mails = 0
    for source in dict.fromkeys((trigger["name"], trigger.get("connection") or trigger["name"])):
        for one in subscribers(shown, source):
            if one.get("filter") and not await filters.lets_through(one["filter"], event):
                continue
            try:
                # The event's id tells a session that it has it already.
                await temporal.get_workflow_handle(one["session"]).signal("ak.event", args=[one["id"], event])
                mails += 1
            except RPCError as exc:
                if exc.status != RPCStatusCode.NOT_FOUND:
                    raise       # it has ended: its own affair
    return mails


perform.OPERATIONS["fire"] = fire


def new_event_id() -> str:
    return records.new_id("evt", int(time.time() * 1000), random.SystemRandom())


def job_id(event_id: str, project: str, trigger: str, key: Optional[str]) -> str:
    """Of the workflow; a key names the event, whoever sends it and how often."""
    return "ak-fire-" + (hashlib.sha256("\0".join((project, trigger, key)).encode()).hexdigest() if key else event_id)


# By hand: `ak trigger fire NAME --temporal …`.

def add_arguments(parser: argparse.ArgumentParser) -> None:
    client.add_arguments(parser)
    parser.add_argument("--trigger", required=True)
    parser.add_argument("--project", default="")
    parser.add_argument("--type", default="")
    parser.add_argument("--event-data", default="{}")
    parser.add_argument("--wait", action="store_true")
    parser.add_argument("--json", action="store_true")


def project_with(shared: Shared, name: str, project: str) -> Json:
    """The active deployment that has this trigger."""
    try:
        found = [shared.deployment(shared.active(p)) for p in ([project] if project else shared.projects())]
    except Missing as exc:
        raise client.Refusal(client.NOT_FOUND, str(exc)) from None
    found = [d for d in found if any(t["name"] == name for t in d.get("triggers") or ())]
    if not found:
        raise client.Refusal(client.NOT_FOUND, "no trigger is called '%s' in %s" % (name, shared.folder))
    if len(found) > 1:
        raise client.Refusal(client.USAGE, "more than one project has a trigger '%s'; say which: --project" % name)
    return found[0]


async def run(args: argparse.Namespace) -> int:
    shared = Shared(args.shared, args.cache)
    deployment = project_with(shared, args.trigger, args.project)
    kind = args.type or ("tick" if trigger_of(deployment, args.trigger)["kind"] == "schedule" else "manual")
    temporal = await client.connect(args, shared)
    job = {"project": deployment["project"], "trigger": args.trigger, "type": kind, "data": json.loads(args.event_data)}
    job["event_id"] = new_event_id()
    name = job_id(job["event_id"], deployment["project"], args.trigger, None)
    try:
        fired = await temporal.execute_workflow("ak.fire", job, id=name, task_queue=args.task_queue,
                                                static_summary="trigger %s of %s" % (args.trigger, deployment["project"]))
    except WorkflowFailureError as exc:
        raise client.Refusal(client.FAILED, "trigger %s: %s" % (args.trigger, exc.cause)) from None
    if not args.json:
        print("[exec] event %s%s" % (fired["event_id"], ", session " + fired["session_id"] if fired["session_id"] else
                                     ": no session was wanted"))
    outcome: Optional[Json] = None
    if args.wait and fired["session_id"]:
        outcome = await start.outcome_of(temporal.get_workflow_handle(fired["session_id"]))
    if args.json:
        print(json.dumps({**fired, **({"outcome": outcome} if outcome else {})}))
    elif outcome:
        print("[exec] %s%s" % (outcome["state"], ": " + outcome["value"] if outcome.get("value") else ""))
    return client.FAILED if outcome and outcome["state"] != "completed" else 0


def main(args: argparse.Namespace) -> int:
    return asyncio.run(run(args))
