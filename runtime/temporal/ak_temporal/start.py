"""Starting a session from outside."""
import argparse
import asyncio
import json
import random
import sys
import time
from datetime import timedelta
from typing import Any, Dict, Optional

from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from . import client, records, session
from .shared import Missing, Shared

Json = Dict[str, Any]
MOST_TRIES = 20
# What a workflow task may take beyond one turn of the program: a start of its process, and replay.
TASK_SLACK = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    client.add_arguments(parser)
    parser.add_argument("--deployment", required=True, metavar="ID")
    parser.add_argument("--entry", required=True, metavar="FILE.py:FUNC")
    parser.add_argument("--event", default="-", metavar="FILE")
    parser.add_argument("--trigger", default="")
    parser.add_argument("--turn", type=float, default=10.0)
    parser.add_argument("--events", type=int, default=0)
    parser.add_argument("--wait", action="store_true")
    parser.add_argument("--json", action="store_true")


def new_session_id() -> str:
    return records.new_id("ses", int(time.time() * 1000), random.SystemRandom())


def spec_of(deployment: Json, event: Json, **more: Any) -> Json:
    """The input of a session's workflow."""
    return {"project": deployment["project"], "deployment": deployment["id"], "bundle": deployment["bundle"],
            "dialect": deployment.get("dialect") or "ak", "event": event,
            "seed": "%032x" % random.SystemRandom().getrandbits(128), **{k: v for k, v in more.items() if v}}


def attributes(deployment: Json, entry: str, trigger: str) -> TypedSearchAttributes:
    pairs = [SearchAttributePair(session.PROJECT, deployment["project"]), SearchAttributePair(session.DEPLOYMENT, deployment["id"]),
             SearchAttributePair(session.ENTRY, entry)]
    if trigger:
        pairs.append(SearchAttributePair(session.TRIGGER, trigger))
    return TypedSearchAttributes(pairs)


def described(deployment: Json, event: Json) -> str:
    return "project %s · deployment %s · bundle %.12s\n\n```json\n%s\n```" % (
        deployment["project"], deployment["id"], deployment["bundle"], json.dumps(event, indent=1)[:8000])


def task_timeout(turn: float) -> timedelta:
    return timedelta(seconds=min(120.0, turn + TASK_SLACK))


async def start_session(temporal: Client, queue: str, deployment: Json, entry: str, event: Json, *, trigger: str = "",
                        turn: float = 10.0, known: bool = True, session_id: Optional[str] = None,
                        id_reuse_policy: WorkflowIDReusePolicy = WorkflowIDReusePolicy.ALLOW_DUPLICATE, **more: Any) -> "WorkflowHandle[Any, Any]":
    spec, session_id = spec_of(deployment, event, **more), session_id or new_session_id()
    for attempt in range(MOST_TRIES):
        try:
            return await temporal.start_workflow(
                entry, spec, id=session_id, task_queue=queue, task_timeout=task_timeout(turn), id_reuse_policy=id_reuse_policy,
                static_summary="%s%s" % (entry, " · %s" % trigger if trigger else ""),
                static_details=described(deployment, event),
                memo={"event_id": event["event_id"]} if event.get("event_id") else None,
                search_attributes=attributes(deployment, entry, trigger) if known else None)
        except RPCError as exc:
            # The parts of a server learn of a new search attribute one after the other.
            if "search attribute" not in exc.message or attempt == MOST_TRIES - 1:
                raise
            await asyncio.sleep(0.5)
    raise AssertionError


def read_event(path: str) -> Json:
    text = sys.stdin.read() if path == "-" else (client.read_file(path, "--event") or b"").decode()
    try:
        event = json.loads(text or "{}")
    except ValueError as exc:
        raise client.Refusal(client.USAGE, "--event %s is not JSON: %s" % (path, exc)) from None
    if not isinstance(event, dict):
        raise client.Refusal(client.USAGE, "--event %s is no JSON object" % path)
    return event


async def run(args: argparse.Namespace) -> int:
    shared = Shared(args.shared, args.cache)
    try:
        deployment = shared.deployment(args.deployment)
    except Missing as exc:
        raise client.Refusal(client.NOT_FOUND, str(exc)) from None
    event = read_event(args.event)
    temporal = await client.connect(args, shared)
    known = await client.search_attributes(temporal, make=False)
    handle = await start_session(temporal, args.task_queue, deployment, args.entry, event, trigger=args.trigger, turn=args.turn,
                                 known=known, events=args.events)
    if not args.wait:
        print(json.dumps({"session_id": handle.id}) if args.json else "[exec] session %s" % handle.id)
        return 0
    outcome = await outcome_of(handle)
    print(json.dumps({"session_id": handle.id, **outcome}) if args.json else
          "session %s: %s%s" % (handle.id, outcome["state"], ", " + outcome["value"] if outcome.get("value") else ""))
    return 0 if outcome["state"] == "completed" else client.FAILED


async def outcome_of(handle: "WorkflowHandle[Any, Any]") -> Json:
    try:
        return dict(await handle.result())
    except WorkflowFailureError as exc:
        cause = exc.cause
        if isinstance(cause, ApplicationError) and cause.details:
            return {"state": "error", "error": dict(cause.details[0]).get("error")}
        return {"state": "stopped", "error": {"type": type(cause).__name__, "message": str(cause)}}


async def log_of(handle: "WorkflowHandle[Any, Any]") -> "list[Json]":
    found: "list[Json]" = []
    while True:
        page = await handle.query("log", len(found))
        found += page
        if not page:
            return found


def main(args: argparse.Namespace) -> int:
    return asyncio.run(run(args))
