"""The activities: recorded calls, each in a process of its own, and what a session asks of its project or of other sessions. The
activity type of a call is the callee's name."""
import asyncio
import json
from collections.abc import Sequence
from typing import Any, Awaitable, Callable, Dict, List, Optional

from temporalio import activity
from temporalio.client import (Client, WithStartWorkflowOperation, WorkflowExecutionStatus, WorkflowFailureError, WorkflowHandle)
from temporalio.common import RawValue, WorkflowIDConflictPolicy
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.service import RPCError, RPCStatusCode

from . import filters, records, zygote
from .host import LINE_LIMIT, Broken, Code, Lost, parse, the_host
from .program import MOST_LOSSES, show
from .session import error_of_child
from .shared import Shared

Json = Dict[str, Any]
SMALL = 200 * 1024      # what fits into a failure beside its message

_shared: Optional[Shared] = None


def set_up(shared: Shared) -> None:
    global _shared
    _shared = shared


def the_shared() -> Shared:
    assert _shared is not None, "no shared folder was set"
    return _shared


@activity.defn(dynamic=True)
async def perform(args: Sequence[RawValue]) -> Any:
    job = activity.payload_converter().from_payload(args[0].payload, dict)
    work = OPERATIONS[job["op"]](job) if "op" in job else call(job)
    beating = asyncio.ensure_future(beat())
    try:
        return await work
    finally:
        beating.cancel()


async def beat() -> None:
    longest = activity.info().heartbeat_timeout
    while longest:
        activity.heartbeat()
        await asyncio.sleep(longest.total_seconds() / 3)


# A recorded call.

async def call(job: Json) -> Json:
    try:
        outcome = await asyncio.wait_for(Call(job).run(), job.get("timeout"))
    except asyncio.TimeoutError:
        outcome = records.timed_out(job["timeout"], job["call"].get("where"))
    except Lost as exc:
        where, attempt = job["call"].get("where") or {}, activity.info().attempt
        raise ApplicationError("the runner was lost %d times in a row in call %d, %s() at %s:%s: %s" % (
            attempt, job["call"]["seq"], job["call"]["name"], where.get("file"), where.get("line"), exc),
            type="ak.lost", non_retryable=attempt > MOST_LOSSES) from None
    error = outcome.get("error")
    if not error or len(json.dumps(outcome)) > SMALL:
        return outcome
    # Whether it is tried again is the session's to say: it counts the attempts that were made, not those that were lost.
    raise ApplicationError(error["message"], outcome, type=error["type"], non_retryable=True,
                           category=ApplicationErrorCategory.BENIGN)


class Call:
    """Talks with the process that makes one call."""

    def __init__(self, job: Json) -> None:
        self.job = job
        self.prints: List[Json] = []
        self.requests = 0

    async def run(self) -> Json:
        job = self.job
        root = await asyncio.to_thread(the_shared().code, job["bundle"])
        code = Code(root, job["entry"], the_shared().variables(job["deployment"]))
        warm, sock, pid = await asyncio.to_thread(the_host().fork, code, zygote.CALL)
        reader, self.writer = await asyncio.open_connection(sock=sock, limit=LINE_LIMIT)
        try:
            await self.send("run", {"func_name": "", "event": None, "proto": 2, "session_id": job["session"], "seed": job["seed"],
                                    "dialect": job.get("dialect") or "ak", "at": job["at"], "call": job["call"]})
            return await self.converse(reader)
        finally:
            await asyncio.to_thread(warm.kill, pid)
            self.writer.close()

    async def send(self, kind: str, payload: Json) -> None:
        try:
            self.writer.write(json.dumps({"type": kind, "payload": payload}).encode() + b"\n")
            await self.writer.drain()
        except OSError as exc:
            raise Lost(exc.strerror or str(exc)) from None

    async def converse(self, reader: asyncio.StreamReader) -> Json:
        while True:
            try:
                line = await reader.readline()
            except ValueError:
                raise Broken("the runner sent a line above the limit of %d bytes" % LINE_LIMIT) from None
            except OSError:
                line = b""
            if not line.endswith(b"\n"):
                raise Lost("it closed its socket")
            kind, payload = parse(line)
            if kind == "print":
                self.prints.append({"text": payload.get("text", ""), "stream": payload.get("stream", "stdout")})
                show(self.job["session"], self.prints[-1]["stream"], self.prints[-1]["text"])
            elif kind == "request":
                await self.send("reply", {"seq": 0, **await self.ask(payload)})
            elif kind == "response":
                outcome = {k: payload[k] for k in ("value", "preview", "error") if payload.get(k) is not None}
                return {**outcome, "prints": self.prints} if self.prints else outcome
            else:
                raise Broken("the runner sent a %s message where a response was due" % kind[:40])

    async def ask(self, request: Json) -> Json:
        """The session answers, as it holds the subscriptions, the children and the mail."""
        info = activity.info()
        self.requests += 1
        handle: WorkflowHandle[Any, Any] = activity.client().get_workflow_handle(info.workflow_id or "", run_id=info.workflow_run_id)
        answer = await handle.execute_update("ak.request", {"op": request.get("op"), "args": request.get("args")},
                                             id="%s-%d-%d" % (info.activity_id, info.attempt, self.requests))
        found = {k: v for k, v in answer.items() if k == "value" or v is not None}
        return {**found, "at": None}


# Of the project: keys and values, subscriptions.

def project_id(project: str) -> str:
    return "ak-project-" + project


async def tell_project(client: Client, project: str, queue: str, request: Json, once: str) -> Json:
    """Starts the project's workflow when there is none. The same `once` is done once."""
    start = WithStartWorkflowOperation("ak.project", {}, id=project_id(project), task_queue=queue,
                                       id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                                       static_summary="keys and subscriptions of %s" % project)
    answer = await client.execute_update_with_start_workflow("ak.do", {**request, "once": once}, start_workflow_operation=start, id=once)
    return answer      # type: ignore[no-any-return]


async def of_project(job: Json) -> Json:
    args = job["args"]
    words = await subscription_mistake(job["deployment"], args) if job["op"] == "subscribe" else None
    if words:
        return {"error": {"type": "ValueError", "message": words, "traceback": [], "kind": "misuse"}}
    request = {"op": job["op"], "args": args, "session": job["session"], "id": job.get("id")}
    return await tell_project(activity.client(), job["project"], activity.info().task_queue, request, job["once"])


async def subscription_mistake(deployment: str, args: Json) -> Optional[str]:
    mistake = await filters.mistake(args["filter"]) if args.get("filter") else None
    if mistake:
        return "the filter cannot be read: %s" % mistake
    found = the_shared().deployment(deployment)
    if "triggers" not in found:
        return None         # without a manifest anything may be named
    names = [str(one["name"]) for one in found["triggers"] + found.get("connections", [])]
    if args["source"] in names:
        return None
    return "the project has no trigger or connection '%.80s' to subscribe to; it has %s" % (args["source"], ", ".join(names)[:300] or "none")


# Of other sessions.

async def look_up(job: Json) -> Optional[str]:
    """The state of a session, or nothing when there is none."""
    try:
        found = await activity.client().get_workflow_handle(job["id"]).describe()
    except RPCError as exc:
        if exc.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT):
            return None
        raise
    return WorkflowExecutionStatus(found.status).name.lower() if found.status else "running"


async def await_session(job: Json) -> Json:
    try:
        result = await activity.client().get_workflow_handle(job["id"]).result()
        return {"completed": True, "value": result.get("value"), "error": None}
    except WorkflowFailureError as exc:
        return {"completed": False, "value": None, "error": error_of_child(exc.cause)}


OPERATIONS: Dict[str, Callable[[Json], Awaitable[Any]]] = {
    "store": of_project, "subscribe": of_project, "unsubscribe": of_project, "session": look_up, "await": await_session}
