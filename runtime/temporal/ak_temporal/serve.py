"""Behind `ak serve --engine temporal`: the server (runtime/serve_away.c) asks for what is on the cluster, a line of JSON each way over
descriptor 0, and hands webhooks on, whose events become workflows (`ak.fire`)."""
import argparse
import asyncio
import hashlib
import hmac
import json
import signal
import socket
import time
from datetime import timedelta
from typing import Any, Awaitable, Callable, Dict, Optional

import temporalio.api.common.v1 as common
import temporalio.api.workflowservice.v1 as service
from temporalio.client import Client, WorkflowFailureError, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from . import client, deploy, fire, look, perform, start
from .look import Look, Refused
from .shared import Shared

Json = Dict[str, Any]
LINE_LIMIT = 64 * 1024 * 1024
FIRED_SECONDS = 5       # for a worker to say which session an event has started
NEWS = 100              # sessions that are looked at for changes


def add_arguments(parser: argparse.ArgumentParser) -> None:
    client.add_arguments(parser)
    parser.add_argument("--sync", type=float, default=30.0)


class Server:
    def __init__(self, args: argparse.Namespace, shared: Shared, temporal: Client, known: bool) -> None:
        self.args, self.shared, self.temporal, self.known = args, shared, temporal, known
        self.look = Look(shared, temporal, args.task_queue)
        self.started = time.time()
        self.seen: Dict[str, Any] = {}
        self.newest_event = ""

    async def answer(self, request: Json) -> Json:
        op = request["op"]
        try:
            if op == "webhook":
                return await self.webhook(request)
            if op == "news":
                return await self.news()
            route = ROUTES.get(op)
            if route is None:
                raise Refused(client.REFUSED, "sessions on Temporal cannot do this (%s)" % op)
            return {"body": await route(self, request)}
        except Refused as exc:
            return failed(exc.code, str(exc))
        except RPCError as exc:
            return failed(client.FAILED, "Temporal: %s" % exc.message)
        except asyncio.TimeoutError:
            return failed(client.FAILED, "Temporal gave no answer in time")

    # Webhooks.

    async def webhook(self, request: Json) -> Json:
        found = self.look.webhook(request["slug"])
        if found is None:
            return refusal(404, "no webhook has this address")
        deployment, trigger = found
        if not is_signed(deployment, trigger, request["data"]):
            return refusal(401, "the signature is missing or wrong")
        sync = bool(trigger.get("is_sync"))
        fired = await self.fire(deployment, trigger["name"], request["type"], request["data"], key=request.get("key"), sync=sync)
        accepted = {"status": 202, "taken": not fired.get("again"), "event_id": fired["event_id"],
                    "body": {k: fired[k] for k in ("event_id", "session_id") if fired.get(k)}}
        if not sync or fired.get("again"):
            return accepted
        if not fired.get("session_id"):
            return {**accepted, **refusal(502, "no session was started")} if "session_id" in fired else \
                {**accepted, **refusal(504, "no worker took the event in time; it goes on later")}
        return {**accepted, **await self.outcome(fired["session_id"])}

    async def outcome(self, name: str) -> Json:
        """What the session answers, within the time there is."""
        handle = self.temporal.get_workflow_handle(name)
        try:
            parts = await handle.execute_update("ak.outcome", self.args.sync, rpc_timeout=timedelta(seconds=self.args.sync))
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            return refusal(504, "the session gave no answer in time")
        except (RPCError, WorkflowUpdateFailedError):
            parts = await self.look.ask(handle, "outcome")      # it has ended first
        if parts:
            return {"outcomes": parts}
        found = await handle.describe()
        state = look.state_of(found)
        if state == "running":
            return refusal(504, "the session gave no answer in time")
        return {} if state == "completed" else refusal(500, "the session failed")

    async def fire(self, deployment: Json, trigger: str, kind: str, data: Json, key: Optional[str] = None, sync: bool = False) -> Json:
        """The event is durable when this returns. {"event_id", and where a worker has said so "session_id" or null}; with a key that was
        used before, {"again": true} and the first one's."""
        project, event_id = deployment["project"], fire.new_event_id()
        job = {"project": project, "trigger": trigger, "type": kind, "data": data, "event_id": event_id, "sync": sync, "key": key}
        name, again = fire.job_id(event_id, project, trigger, key), False
        try:
            handle = await self.temporal.start_workflow(
                "ak.fire", job, id=name, task_queue=self.args.task_queue, id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE, static_summary="trigger %s of %s" % (trigger, project))
        except WorkflowAlreadyStartedError:
            handle, again = self.temporal.get_workflow_handle(name), True
            event_id = (await self.look.input_of(name, None))["event_id"]
        said: Json = {"event_id": event_id, "again": again}
        try:
            fired = await asyncio.wait_for(handle.result(), self.args.sync if sync else FIRED_SECONDS)
            said["session_id"] = fired["session_id"]
        except asyncio.TimeoutError:
            pass
        except WorkflowFailureError as exc:
            raise Refused(client.FAILED, "trigger %s: %s" % (trigger, exc.cause)) from None
        return said

    # What the page's stream tells.

    async def news(self) -> Json:
        rows = (await self.look.sessions({}, NEWS))["items"]
        # One that runs may have gone on: visibility does not tell.
        changed = [r for r in rows if r["state"] == "running" or self.seen.get(r["id"]) != r["state"]]
        self.seen = {r["id"]: r["state"] for r in rows}
        events = (await self.look.events({}, 1))["items"]
        newest = events[0]["event_id"] if events else ""
        fresh, self.newest_event = newest != self.newest_event, newest
        return {"sessions": changed, "events": fresh}

    # The API, by the names of its routes.

    async def status(self, request: Json) -> Json:
        project = self.of_project(request)
        return {**request["server"], "sessions": await self.look.tally(project), "sessions_in_memory": 0, "runners": 0,
                "waiting": 0, "started_at": self.started}

    def of_project(self, request: Json) -> Optional[str]:
        name = request["query"].get("project")
        return str(self.look.project(name)["name"]) if name else None

    async def projects(self, request: Json) -> Json:
        return {"items": self.look.projects()}

    async def project(self, request: Json) -> Json:
        return self.look.project(request["args"][0])

    async def variables(self, request: Json) -> Json:
        active = self.shared.active(self.look.project(request["args"][0])["name"])
        return {"items": self.look.variables(self.shared.deployment(active))}

    async def deployments(self, request: Json) -> Json:
        return {"items": await self.look.deployments(self.of_project(request))}

    async def deployment(self, request: Json) -> Json:
        return await self.look.deployment_whole(request["args"][0])

    async def source(self, request: Json) -> Json:
        return await asyncio.to_thread(self.look.source, request["args"][0], request["query"].get("file"))

    async def activate(self, request: Json) -> Json:
        after = self.look.deployment(request["args"][0])
        await deploy.set_schedules(self.temporal, self.args.task_queue, deploy.active_of(self.shared, after["project"]), after)
        self.shared.set_active(after["project"], after["id"])
        return {"deployment_id": after["id"]}

    async def triggers(self, request: Json) -> Json:
        return {"items": await self.look.triggers(self.of_project(request))}

    async def fire_by_hand(self, request: Json) -> Json:
        deployment, trigger = self.look.trigger(request["args"][0])
        body = request.get("body") or {}
        kind = body.get("event_type") or ("tick" if trigger["kind"] == "schedule" else "manual")
        return dispatched(await self.fire(deployment, trigger["name"], kind, body.get("data") or {}))

    async def events(self, request: Json) -> Json:
        return await self.look.events({**request["query"], "project": self.of_project(request)}, number(request, "limit", 100))

    async def event(self, request: Json) -> Json:
        row, job = await self.look.event(request["args"][0])
        return {**row, "event": job["data"]}

    async def redispatch(self, request: Json) -> Json:
        _, job = await self.look.event(request["args"][0])
        deployment, _ = self.look.trigger(look.trigger_id(job["project"], job["trigger"]))
        return dispatched(await self.fire(deployment, job["trigger"], job["type"], job["data"]))

    async def sessions(self, request: Json) -> Json:
        return await self.look.sessions({**request["query"], "project": self.of_project(request)}, number(request, "limit", 100))

    async def session(self, request: Json) -> Json:
        return await self.look.session(request["args"][0])

    async def steps(self, request: Json) -> Json:
        return await self.look.steps(request["args"][0], number(request, "from", 0), number(request, "limit", 100))

    async def stop(self, request: Json) -> Json:
        found = await self.look.described(request["args"][0])
        if look.state_of(found) != "running":
            raise Refused(client.REFUSED, "session %s has ended" % found.id)
        await self.temporal.get_workflow_handle(found.id).cancel(reason=(request.get("body") or {}).get("reason") or "")
        return {"session_id": found.id}

    async def restart(self, request: Json) -> Json:
        """Anew with the same event, on the same deployment."""
        found = await self.look.described(request["args"][0])
        spec = await self.look.input_of(found.id, None)
        trigger = found.typed_search_attributes.get(look.session.TRIGGER) or ""
        more = {"memo": spec["memo"]} if spec.get("memo") else {}
        handle = await start.start_session(self.temporal, self.args.task_queue, self.look.deployment(spec["deployment"]),
                                           found.workflow_type, spec.get("event") or {}, trigger=trigger, known=self.known, **more)
        return {"session_id": handle.id}

    async def delete(self, request: Json) -> Json:
        found = await self.look.described(request["args"][0])
        running = look.state_of(found) == "running"
        if running and request["query"].get("force") != "true":
            raise Refused(client.REFUSED, "session %s has not ended: force=true ends and deletes it" % found.id)
        await self.remove(found.id, found.run_id)
        return {"session_id": found.id}

    async def remove(self, name: str, run: str) -> None:
        await self.temporal.workflow_service.delete_workflow_execution(service.DeleteWorkflowExecutionRequest(
            namespace=self.temporal.namespace, workflow_execution=common.WorkflowExecution(workflow_id=name, run_id=run)))

    async def keys(self, request: Json) -> Json:
        found = await self.look.keys(request["args"][0])
        return {"items": [{"key": k, "value": v, "published": False} for k, v in sorted(found.items())]}

    async def key(self, request: Json) -> Json:
        project, key = request["args"]
        found = await self.look.keys(project)
        if key not in found:
            raise look.missing("key", key)
        return {"key": key, "value": found[key], "published": False}

    async def set_key(self, request: Json) -> Json:
        return await self.change_key(request, "set", request["body"]["value"])

    async def delete_key(self, request: Json) -> Json:
        if request["args"][1] not in await self.look.keys(request["args"][0]):
            raise look.missing("key", request["args"][1])
        return await self.change_key(request, "del", None)

    async def change_key(self, request: Json, action: str, value: Any) -> Json:
        project, key = request["args"]
        self.look.project(project)
        change = {"op": "store", "args": {"action": action, "key": key, "value": value}}
        said = await asyncio.wait_for(perform.tell_project(self.temporal, project, self.args.task_queue, change,
                                                           "serve-" + fire.new_event_id()), FIRED_SECONDS)
        if said.get("error"):
            raise Refused(client.REFUSED, said["error"]["message"])
        return {"key": key}


def failed(code: int, words: str) -> Json:
    """For the API and for webhooks alike."""
    return {"status": 404 if code == client.NOT_FOUND else 503, "body": {"error": words, "code": code}}


def refusal(status: int, words: str) -> Json:
    return {"status": status, "body": {"error": words}}


def dispatched(fired: Json) -> Json:
    return {k: fired[k] for k in ("event_id", "session_id") if fired.get(k)}


def number(request: Json, name: str, otherwise: int) -> int:
    return int(request["query"].get(name, otherwise))


def is_signed(deployment: Json, trigger: Json, data: Json) -> bool:
    """The variable TRIGGER__webhook_secret, where there is one, is what requests have to be signed with."""
    secret = (deployment.get("vars") or {}).get("%s__webhook_secret" % trigger["name"])
    if not secret:
        return True
    headers = {k.lower(): v for k, v in data["headers"].items()}
    given = headers.get("x-ak-signature") or headers.get("x-hub-signature-256") or ""
    wanted = "sha256=" + hmac.new(secret.encode(), look.body_bytes(data), hashlib.sha256).hexdigest()
    return hmac.compare_digest(given.lower().encode(), wanted.encode())


Route = Callable[[Server, Json], Awaitable[Json]]
ROUTES: Dict[str, Route] = {
    "getStatus": Server.status, "listProjects": Server.projects, "getProject": Server.project, "listVars": Server.variables,
    "listKeys": Server.keys, "getKey": Server.key, "setKey": Server.set_key, "deleteKey": Server.delete_key,
    "listDeployments": Server.deployments, "getDeployment": Server.deployment, "getSource": Server.source, "activate": Server.activate,
    "listTriggers": Server.triggers, "fire": Server.fire_by_hand, "listEvents": Server.events, "getEvent": Server.event,
    "redispatch": Server.redispatch, "listSessions": Server.sessions, "getSession": Server.session, "listSteps": Server.steps,
    "stopSession": Server.stop, "restartSession": Server.restart, "deleteSession": Server.delete}


class Talk:
    """With the server, until it closes the socket."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.tasks: "set[asyncio.Task[None]]" = set()

    async def run(self) -> None:
        reader, self.writer = await asyncio.open_connection(sock=socket.socket(fileno=0), limit=LINE_LIMIT)
        self.say({"ready": True})
        while True:
            line = await reader.readline()
            if not line.endswith(b"\n"):
                return
            task = asyncio.ensure_future(self.answer(json.loads(line)))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def answer(self, request: Json) -> None:
        try:
            said = await self.server.answer(request)
        except Exception as exc:
            said = failed(client.FAILED, "%s: %s" % (type(exc).__name__, exc))
        self.say({"id": request["id"], **said})

    def say(self, line: Json) -> None:
        self.writer.write(json.dumps(line).encode() + b"\n")


async def run(args: argparse.Namespace) -> int:
    shared = Shared(args.shared, args.cache)
    temporal = await client.connect(args, shared)
    known = await client.search_attributes(temporal, make=True)
    if not known:
        raise client.Refusal(client.REFUSED, "namespace '%s' has no search attributes AkProject, AkDeployment, AkTrigger, AkEntry, and does "
                             "not let us make them: sessions could not be listed" % args.namespace)
    await Talk(Server(args, shared, temporal, known)).run()
    return 0


def main(args: argparse.Namespace) -> int:
    # Ctrl-C is the server's to handle: it closes the socket.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return asyncio.run(run(args))
