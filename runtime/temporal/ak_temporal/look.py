"""What is on the cluster, as rows of the API (runtime/api_schemas.json)."""
import asyncio
import base64
import hashlib
import io
import tarfile
from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any, Dict, List, Optional, Tuple

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus as Status, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from . import client, deploy, perform, records, session, start
from .shared import Missing, Shared

Json = Dict[str, Any]

STATES = {Status.RUNNING: "running", Status.COMPLETED: "completed", Status.FAILED: "error", Status.TIMED_OUT: "error",
          Status.CANCELED: "stopped", Status.TERMINATED: "stopped"}
NAMES = {"running": ["Running"], "completed": ["Completed"], "error": ["Failed", "TimedOut"], "stopped": ["Canceled", "Terminated"]}
SESSIONS = "AkEntry IS NOT NULL AND ExecutionStatus != 'ContinuedAsNew'"
EVENTS = "WorkflowType = 'ak.fire'"
SOURCE_MAX = 512 * 1024
MOST_KNOWN = 10000      # rows of sessions that have ended, and places in lists
AT_A_TIME = 16
LOOK_MAX = 20000


def state_of(w: Any) -> str:
    """Of a workflow in a list, or described; one without a status has only begun. A state that is not known counts as under way."""
    return STATES.get(w.status or Status.RUNNING, "running")


class Refused(Exception):
    """Words, and the exit code that a command would give."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


def missing(what: str, name: str) -> Refused:
    return Refused(client.NOT_FOUND, "no %s is called '%s'" % (what, name))


def is_absent(exc: RPCError) -> bool:
    return exc.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT)


def trigger_id(project: str, name: str) -> str:
    """Triggers have no id of their own on a cluster; this one is always the same."""
    digest = hashlib.sha256(("%s\0%s" % (project, name)).encode()).digest()
    return "trg_" + "".join(records.DIGITS[b & 31] for b in digest[:26])


def quoted(text: str) -> str:
    return "'%s'" % text.replace("\\", "\\\\").replace("'", "\\'")


def seconds(when: Optional[datetime]) -> Optional[float]:
    return when.timestamp() if when else None


class Known(OrderedDict):       # type: ignore[type-arg]
    """The latest of many."""

    def keep(self, key: Any, value: Any) -> Any:
        self[key] = value
        while len(self) > MOST_KNOWN:
            self.popitem(last=False)
        return value


class Look:
    def __init__(self, shared: Shared, temporal: Client, queue: str) -> None:
        self.shared, self.temporal, self.queue = shared, temporal, queue
        self.ended, self.pages = Known(), Known()
        self.limit = asyncio.Semaphore(AT_A_TIME)

    # Projects, deployments, triggers: of the shared folder.

    def active(self) -> List[Json]:
        found = []
        for project in self.shared.projects():
            try:
                found.append(self.shared.deployment(self.shared.active(project)))
            except Missing:
                pass
        return found

    def project(self, name: str) -> Json:
        found = [p for p in self.projects() if p["name"] == name]
        if not found:
            raise missing("project", name)
        return found[0]

    def projects(self) -> List[Json]:
        return [{"project_id": d["project"], "name": d["project"], "created_at": None, "active_deployment_id": d["id"], "local": False}
                for d in self.active()]

    async def deployments(self, project: Optional[str]) -> List[Json]:
        active = {d["id"] for d in self.active()}
        found = [d for d in self.shared.deployments() if project in (None, d["project"])]
        return list(await asyncio.gather(*(self.deployment_row(d, active) for d in reversed(found))))

    async def deployment_row(self, d: Json, active: "set[str]") -> Json:
        async with self.limit:
            live = (await self.temporal.count_workflows("AkDeployment = %s AND ExecutionStatus = 'Running'" % quoted(d["id"]))).count
        state = "ACTIVE" if d["id"] in active else "DRAINING" if live else "INACTIVE"
        verdict = d.get("verdict") or {}
        return {"deployment_id": d["id"], "project_id": d["project"], "project": d["project"], "build_id": d["id"], "content": d["bundle"],
                "state": state, "dialect": d.get("dialect") or "ak", "created_at": d.get("created"), "activated_at": d.get("created"),
                "live_sessions": live, **{k: verdict[k] for k in ("errors", "warnings", "notes", "allowed") if k in verdict}}

    def deployment(self, name: str) -> Json:
        try:
            return self.shared.deployment(name)
        except Missing:
            raise missing("deployment", name) from None

    async def deployment_whole(self, name: str) -> Json:
        d = self.deployment(name)
        manifest = {"name": d["project"], "vars": self.variables(d), "triggers": d.get("triggers") or [],
                    "connections": d.get("connections") or []}
        return {**await self.deployment_row(d, {a["id"] for a in self.active()}), "manifest": manifest, "verdict": d.get("verdict"),
                "verdict_holds": True}

    def variables(self, d: Json) -> List[Json]:
        secret = d.get("secrets") or ()
        return [{"name": k, "value": "********" if k in secret and v else v, "secret": k in secret}
                for k, v in sorted((d.get("vars") or {}).items())]

    def source(self, name: str, wanted: Optional[str]) -> Json:
        d = self.deployment(name)
        try:
            data = self.shared.bundle(d["bundle"])
        except Missing as exc:
            raise Refused(client.FAILED, str(exc)) from None
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            members = {m.name: m for m in archive.getmembers() if m.isfile()}
            found: Json = {"files": list(members)}
            if wanted is None:
                return found
            if wanted not in members:
                raise missing("file of it", wanted)
            file = archive.extractfile(members[wanted])
            text = file.read(SOURCE_MAX + 1) if file else b""
        return {**found, "file": wanted, "text": text[:SOURCE_MAX].decode("utf-8", "replace"), "cut": len(text) > SOURCE_MAX}

    async def triggers(self, project: Optional[str]) -> List[Json]:
        rows = [(d, t) for d in self.active() if project in (None, d["project"]) for t in d.get("triggers") or ()]
        return [await self.trigger_row(d, t) for d, t in rows]

    async def trigger_row(self, d: Json, t: Json) -> Json:
        path = "/webhooks/" + t["slug"] if t.get("slug") else None
        row = {"trigger_id": trigger_id(d["project"], t["name"]), "project_id": d["project"], "deployment_id": d["id"], "name": t["name"],
               "kind": t["kind"], "enabled": True, "next_at": None, "call": t.get("call") or "", "where": path or t.get("schedule") or "",
               "config": t}
        if path:
            row["path"] = path
        if t["kind"] == "schedule":
            try:
                found = await self.temporal.get_schedule_handle(deploy.schedule_id(d["project"], t["name"])).describe()
                row.update(enabled=not found.schedule.state.paused, next_at=seconds((found.info.next_action_times or [None])[0]))
            except RPCError as exc:
                if not is_absent(exc):
                    raise
        return row

    def trigger(self, name: str) -> Tuple[Json, Json]:
        """By id, or by a name that is there once."""
        rows = [(d, t) for d in self.active() for t in d.get("triggers") or ()
                if name in (t["name"], trigger_id(d["project"], t["name"]))]
        if not rows:
            raise missing("trigger", name)
        if len(rows) > 1:
            raise Refused(client.USAGE, "more than one project has a trigger '%s': name it by its id" % name)
        return rows[0]

    def webhook(self, slug: str) -> Optional[Tuple[Json, Json]]:
        return next(((d, t) for d in self.active() for t in d.get("triggers") or () if t.get("slug") == slug), None)

    # Sessions: of Temporal.

    async def sessions(self, query: Json, limit: int) -> Json:
        wanted, text = [SESSIONS], query.get("text")
        for name, attribute in (("project", "AkProject"), ("deployment", "AkDeployment"), ("parent", "ParentWorkflowId")):
            if query.get(name):
                wanted.append("%s = %s" % (attribute, quoted(query[name])))
        if query.get("state"):
            names = [n for state in query["state"].split(",") for n in NAMES.get(state, ["None"])]
            wanted.append("ExecutionStatus IN (%s)" % ", ".join(map(quoted, names)))
        token, found = self.place(query), []
        looked = 0
        while len(found) < limit and looked < LOOK_MAX:
            page = self.temporal.list_workflows(" AND ".join(wanted), page_size=limit - len(found), next_page_token=token)
            await page.fetch_next_page()
            rows = page.current_page or []
            looked += len(rows)
            found += [w for w in rows if not text or text.lower() in (w.id + w.workflow_type).lower()]
            token = page.next_page_token
            if not token:
                break
        if token and found:
            self.pages.keep(found[-1].id, token)
        items = await asyncio.gather(*(self.session_row(w) for w in found))
        return {"items": list(items), "next": found[-1].id if token and found else None}

    def place(self, query: Json) -> Optional[bytes]:
        cursor = query.get("cursor")
        if cursor and cursor not in self.pages:
            raise Refused(client.USAGE, "the list was too long ago: begin anew")
        return self.pages[cursor] if cursor else None

    async def session_row(self, w: WorkflowExecution) -> Json:
        """In lists: an error without its traceback."""
        if w.run_id in self.ended:
            return dict(self.ended[w.run_id])
        attributes = w.typed_search_attributes
        project, trigger = attributes.get(session.PROJECT) or "", attributes.get(session.TRIGGER)
        row = {"id": w.id, "state": state_of(w), "entry": w.workflow_type, "project_id": project,
               "deployment_id": attributes.get(session.DEPLOYMENT), "trigger_id": trigger_id(project, trigger) if trigger else None,
               "parent_id": w.parent_id, "event_id": (await w.memo()).get("event_id"), "created": seconds(w.start_time),
               "ended": seconds(w.close_time)}
        row = {k: v for k, v in row.items() if v is not None}
        if row["state"] == "running":
            return row
        outcome = await self.outcome(w)
        error = outcome.get("error")
        row.update({"value": outcome["value"]} if outcome.get("value") is not None else {})
        row.update({"error": {k: error[k] for k in ("type", "message", "kind") if k in error}} if error else {})
        return dict(self.ended.keep(w.run_id, row))

    async def outcome(self, w: WorkflowExecution) -> Json:
        async with self.limit:
            return await start.outcome_of(self.temporal.get_workflow_handle(w.id, run_id=w.run_id))

    async def described(self, name: str) -> WorkflowExecution:
        try:
            found = await self.temporal.get_workflow_handle(name).describe()
        except RPCError as exc:
            if is_absent(exc):
                raise missing("session", name) from None
            raise
        if session.ENTRY not in found.typed_search_attributes:
            raise missing("session", name)
        return found

    async def session(self, name: str) -> Json:
        """With what only the session itself knows, where a worker answers for it."""
        found = await self.described(name)
        row = await self.session_row(found)
        if row["state"] == "error":
            row["error"] = (await self.outcome(found))["error"]
        try:
            inner = await self.ask(self.temporal.get_workflow_handle(name), "session")
        except Refused:
            return row
        row.update({k: inner[k] for k in ("records", "parent_id", "memo", "wait") if inner.get(k) is not None})
        return row

    async def ask(self, handle: "WorkflowHandle[Any, Any]", what: str, *args: Any) -> Any:
        try:
            return await handle.query(what, args=args, rpc_timeout=timedelta(seconds=10))
        except RPCError as exc:
            if is_absent(exc):
                raise missing("session", handle.id) from None
            raise Refused(client.FAILED, "no worker answers for the session: %s" % exc.message) from None

    async def steps(self, name: str, first: int, limit: int) -> Json:
        await self.described(name)
        items = (await self.ask(self.temporal.get_workflow_handle(name), "log", first))[:limit]
        return {"items": items, "next": first + len(items)}

    async def tally(self, project: Optional[str]) -> Json:
        of = " AND AkProject = %s" % quoted(project) if project else ""
        counts: Json = {"created": 0}
        for state, names in NAMES.items():
            query = "AkEntry IS NOT NULL AND ExecutionStatus IN (%s)%s" % (", ".join(map(quoted, names)), of)
            counts[state] = (await self.temporal.count_workflows(query)).count
        return counts

    # Events: workflows that took them.

    async def events(self, query: Json, limit: int) -> Json:
        token: Optional[bytes] = self.place(query)
        rows: List[Json] = []
        while len(rows) < limit:
            page = self.temporal.list_workflows(EVENTS, page_size=limit - len(rows), next_page_token=token)
            await page.fetch_next_page()
            for w in page.current_page or []:
                row = self.event_row(w, await w.memo())
                if row and query.get("project") in (None, row["project_id"]):
                    rows.append(row)
            token = page.next_page_token
            if not token:
                break
        if token and rows:
            self.pages.keep(rows[-1]["event_id"], token)
        return {"items": rows, "next": rows[-1]["event_id"] if token and rows else None}

    def event_row(self, w: WorkflowExecution, memo: Any) -> Optional[Json]:
        """None before its first step."""
        if not memo.get("event_id"):
            return None
        row = {"event_id": memo["event_id"], "project_id": memo["project"], "type": memo["type"], "created_at": seconds(w.start_time),
               "trigger_id": trigger_id(memo["project"], memo["trigger"])}
        return {**row, "key": memo["key"]} if memo.get("key") else row

    async def event(self, name: str) -> Tuple[Json, Json]:
        """Its row, and the job that it was."""
        looked = 0
        async for w in self.temporal.list_workflows(EVENTS, page_size=200):
            looked += 1
            row = self.event_row(w, await w.memo())
            if row and row["event_id"] == name:
                return row, await self.input_of(w.id, w.run_id)
            if looked > LOOK_MAX:
                break
        raise missing("event", name)

    async def input_of(self, name: str, run: Optional[str]) -> Json:
        """What a workflow was started with."""
        async for event in self.temporal.get_workflow_handle(name, run_id=run).fetch_history_events(page_size=1):
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
                started = event.workflow_execution_started_event_attributes
                return dict((await self.temporal.data_converter.decode(started.input.payloads, [dict]))[0])
        raise missing("session", name)

    # Keys and values: of the project's workflow.

    async def keys(self, project: str) -> Json:
        self.project(project)
        try:
            handle = self.temporal.get_workflow_handle(perform.project_id(project))
            return dict((await handle.query("shown", rpc_timeout=timedelta(seconds=10)))["keys"])
        except RPCError as exc:
            if is_absent(exc):
                return {}       # nobody has set any yet
            raise Refused(client.FAILED, "no worker answers for the project: %s" % exc.message) from None


def body_bytes(data: Json) -> bytes:
    return base64.b64decode((data.get("body") or {}).get("bytes") or "")
