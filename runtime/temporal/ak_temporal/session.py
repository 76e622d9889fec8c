"""One session as a workflow. The workflow type is the entry (`file.py:func`), the workflow id is the session's.

It runs the program to its next step, has Temporal do the step, and gives the program the answer. Whatever it decides depends on the
program and on history alone, so that a replay by Temporal comes to the same commands; the program's process may be ended and made
again at any time."""
import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Dict, List, Optional, Tuple

from temporalio import workflow
from temporalio.common import RawValue, RetryPolicy, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import (ActivityError, ApplicationError, ChildWorkflowError, TimeoutError as TemporalTimeout,
                                   is_cancelled_exception)

from . import records
from .host import Code, the_host
from .program import Program, SessionFailed
from .shared import Shared

Json = Dict[str, Any]
Answer = Tuple[Any, Optional[Json]]     # value, error

FOREVER = timedelta(days=3650)
LONGEST_BACKOFF = 3600.0
LONGEST_WAIT = 3155760000.0             # a century: no end
MOST_MAIL = 10000
HOPELESS = ("unpicklable", "misuse", "divergence")      # trying again does not help
SHOWN_LINES = 20

PROJECT = SearchAttributeKey.for_keyword("AkProject")
DEPLOYMENT = SearchAttributeKey.for_keyword("AkDeployment")
TRIGGER = SearchAttributeKey.for_keyword("AkTrigger")
ENTRY = SearchAttributeKey.for_keyword("AkEntry")

_shared: Optional[Shared] = None
_heartbeat = 10.0
_code: Json = {}        # takes the place of what sessions say of their code, while histories are replayed on another


def replace_code(deployment: Optional[Json]) -> None:
    global _code
    _code = {"deployment": deployment["id"], "bundle": deployment["bundle"]} if deployment else {}


def set_up(shared: Shared, heartbeat: float) -> None:
    global _shared, _heartbeat
    _shared, _heartbeat = shared, heartbeat


def now() -> float:
    return workflow.now().timestamp()


@workflow.defn(dynamic=True)
class Session:
    def __init__(self) -> None:
        self.mail: List[Json] = []
        self.children: List[str] = []
        self.subscriptions: List[str] = []
        self.journal = records.Journal()
        self.program: Optional[Program] = None
        self.spec: Json = {}
        self.state = "created"
        self.error: Optional[Json] = None
        self.value: Optional[str] = None
        self.new_code: Optional[Json] = None
        self.asides = 0         # activities that are no recorded calls
        self.outcomes: List[Any] = []   # for the request that waits, of a synchronous webhook

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> Json:
        self.spec = workflow.payload_converter().from_payload(args[0].payload, dict)
        self.id = workflow.info().workflow_id
        self.take_up(self.spec.pop("carry", None))
        self.state = "running"
        try:
            self.program = self.load()
            await self.live(self.program)
        except SessionFailed as exc:
            self.end("error", error=exc.error)
        except asyncio.CancelledError:
            self.end("stopped")
            raise
        except ActivityError as exc:
            if not is_cancelled_exception(exc):
                raise
            self.end("stopped")
            raise asyncio.CancelledError from None
        finally:
            if self.program is not None:
                self.program.close()
        if self.error is not None:
            raise ApplicationError("%s: %s" % (self.error["type"], self.error["message"]), {"error": self.error},
                                   type=self.error["type"], non_retryable=True)
        return {"state": "completed", "value": self.value}

    def take_up(self, carry: Optional[Json]) -> None:
        """The first run begins the journal, a later one goes on with it."""
        if carry is None:
            self.spec.setdefault("seed", "%032x" % workflow.random().getrandbits(128))
            self.spec["at"] = now()
            memo = self.spec.get("memo")
            self.journal.add("start", now(), name=workflow.info().workflow_type, args=self.event(),
                             text=None if memo is None else records.compact(memo))
            return
        self.journal.records = carry["records"]
        self.mail = carry["mail"] + self.mail
        self.subscriptions, self.outcomes = carry["subscriptions"], carry.get("outcomes", [])
        for child in carry["children"]:
            self.children.append(child)
            asyncio.ensure_future(self.await_adopted(child))

    def event(self) -> Json:
        return {**(self.spec.get("event") or {}), "session_id": self.id}

    def load(self) -> Program:
        assert _shared is not None
        entry = workflow.info().workflow_type
        spec = {**self.spec, **_code}
        code = Code(_shared.code(spec["bundle"]), entry, _shared.variables(spec["deployment"]))
        run = {"func_name": entry.rpartition(":")[2], "event": self.event(), "proto": 2, "session_id": self.id,
               "dialect": self.spec.get("dialect", "ak"), "seed": self.spec["seed"], "at": self.spec["at"]}
        return Program(the_host(), code, run, self.journal, workflow.unsafe.is_replaying, workflow.patched, now)

    async def live(self, program: Program) -> None:
        while True:
            if self.should_continue():
                self.continue_as_new()
            kind, payload = program.next()
            self.show_prints()
            if kind == "done":
                error = payload.get("error")
                self.end("error" if error else "completed", payload.get("value"), error)
                return
            program.park()
            if kind == "callback":
                await self.call(payload)
            else:
                await self.asked(payload)

    def end(self, state: str, value: Any = None, error: Optional[Json] = None) -> None:
        self.state, self.value, self.error = state, value, error
        self.journal.add("done", now(), value=value, error=error, state=state)

    def show_prints(self) -> None:
        """The latest lines, for those who look at the workflow in Temporal's page."""
        lines = [r["text"] for r in self.journal.records[-SHOWN_LINES:] if r["kind"] == "print"]
        if lines:
            workflow.set_current_details("```\n%s```" % "".join(lines)[-4000:])

    # Recorded calls.

    async def call(self, p: Json) -> None:
        options = p.get("options") or {}
        attempt = 1
        while True:
            start = now()
            outcome = await self.execute(p, attempt)
            for line in outcome.get("prints") or ():
                self.journal.add("print", now(), seq=p["seq"], text=line["text"], stream=line["stream"])
            error = outcome.get("error")
            about = {"start": start, "seq": p["seq"], "attempt": attempt, "name": p["name"], **records.place(p),
                     "arguments": p.get("preview", ""), "digest": p.get("digest")}
            if not error or attempt > (options.get("retries") or 0) or error.get("kind") in HOPELESS:
                break
            pause = min(LONGEST_BACKOFF, (options.get("backoff") or 1.0) * 2 ** (attempt - 1))
            self.journal.add("attempt", now(), due=now() + pause, error=error, **about)
            await self.pause(pause, "%s is tried again" % p["name"])
            attempt += 1
        value = outcome.get("value")
        record = self.journal.add("call", now(), result=outcome.get("preview"), error=error, pickled=value,
                                  size=len(value) if value else None, **about)
        answer = {"value": value, "seq": p["seq"], "at": record["at"]}
        self.tell("response", {**answer, "error": error} if error else answer)

    async def execute(self, p: Json, attempt: int) -> Json:
        if p.get("in_memory"):
            words = "%s(): the arguments cannot be recorded, and on Temporal a call runs in a process of its own" % p["name"]
            return {"error": records.error_of("unpicklable", "TypeError", words, p.get("where"))}
        timeout = (p.get("options") or {}).get("timeout")
        job = {"arguments": p.get("preview", ""), **self.about(),
               "call": {k: p.get(k) for k in ("name", "data", "seq", "where")}, "timeout": timeout}
        try:
            return await self.activity(p["name"], job, "%s(%s) · %s" % (p["name"], p.get("preview", ""), place_of(p)),
                                       "%d" % p["seq"] if attempt == 1 else "%d.%d" % (p["seq"], attempt), timeout)
        except ActivityError as exc:
            return self.failed_call(exc, p)

    def failed_call(self, exc: ActivityError, p: Json) -> Json:
        cause = exc.cause
        if isinstance(cause, ApplicationError) and cause.type == "ak.lost":
            raise SessionFailed(records.error_of("lost", "RunnerLost", cause.message, p.get("where"))) from None
        if isinstance(cause, ApplicationError) and cause.details and isinstance(cause.details[0], dict):
            return dict(cause.details[0])
        if isinstance(cause, TemporalTimeout):
            return records.timed_out((p.get("options") or {}).get("timeout") or 0.0, p.get("where"))
        raise exc

    def about(self) -> Json:
        """What an activity has to know of its session."""
        kept = {k: self.spec.get(k) for k in ("project", "deployment", "bundle", "dialect", "seed", "at")}
        return {**kept, "session": self.id, "entry": workflow.info().workflow_type}

    async def activity(self, name: str, job: Json, summary: str, activity_id: Optional[str] = None,
                       timeout: Optional[float] = None) -> Any:
        # The activity itself keeps the time of the call; this one is for a worker that does not.
        longest = timedelta(seconds=timeout + 2 * _heartbeat) if timeout else FOREVER
        if activity_id is None:
            # The SDK's own choice, a number, may be that of a step that runs.
            self.asides += 1
            activity_id = "%s-%d" % (name.replace(" ", "-"), self.asides)
        return await workflow.execute_activity(
            name, job, activity_id=activity_id, start_to_close_timeout=longest, heartbeat_timeout=timedelta(seconds=_heartbeat),
            retry_policy=RetryPolicy(initial_interval=timedelta(seconds=0.2), maximum_interval=timedelta(seconds=30)),
            summary=summary[:190])

    def tell(self, kind: str, payload: Json) -> None:
        assert self.program is not None
        self.program.answer(kind, payload)

    async def pause(self, seconds: float, summary: str) -> None:
        if seconds > 0:
            await workflow.sleep(timedelta(seconds=seconds), summary=summary[:190])

    # Requests: what the program asks the engine for.

    async def asked(self, p: Json) -> None:
        op, args, start = p.get("op", ""), p.get("args") or {}, now()
        about = {"start": start, "seq": p["seq"], "name": op, **records.place(p), "args": args}
        value: Any = None
        error: Optional[Json] = None
        at = None
        if op == "sleep":
            at = start + float(args["seconds"])
            self.journal.add("ask", start, due=at, **about)
            await self.pause(float(args["seconds"]), "sleep %s · %s" % (records.shown_number(args["seconds"]), place_of(p)))
        else:
            value, error = await self.request(op, args, about)
            at = self.journal.add("answer", now(), error=error, **about)["at"]
            if error is None:
                self.journal.records[-1]["value"] = value
        answer = {"seq": p["seq"], "at": at, "value": value}
        self.tell("reply", {**answer, "error": error} if error else answer)

    async def request(self, op: str, args: Json, about: Optional[Json]) -> Answer:
        """`about`: what to record when it has to wait; none for a request inside a call."""
        if op in ("next_event", "next_signal"):
            return await self.next_mail(op, args, about)
        if op == "start":
            return await self.start(args)
        if op == "signal":
            return await self.signal(args)
        if op == "outcome":
            if self.spec.get("sync") and not is_complete(self.outcomes):
                self.outcomes.append(args.get("value"))
            return None, None
        if op in ("store", "subscribe", "unsubscribe"):
            return await self.of_project(op, args)
        return refusal("ValueError", "the engine knows no request '%.40s'" % op)

    @workflow.update(name="ak.request", unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def request_of_call(self, request: Json) -> Json:
        """A request inside a call: answered at once, not recorded."""
        await workflow.wait_condition(lambda: self.program is not None)
        value, error = await self.request(request["op"], request.get("args") or {}, None)
        return {"value": value, "error": error}

    @workflow.update(name="ak.outcome", unfinished_policy=workflow.HandlerUnfinishedPolicy.ABANDON)
    async def answered(self, seconds: float) -> List[Any]:
        """The outcome, once it is whole; what there is of it after so many seconds."""
        try:
            await workflow.wait_condition(lambda: is_complete(self.outcomes), timeout=seconds)
        except asyncio.TimeoutError:
            pass
        return self.outcomes

    @workflow.query
    def outcome(self) -> List[Any]:
        return self.outcomes

    async def next_mail(self, op: str, args: Json, about: Optional[Json]) -> Answer:
        kind, wanted = ("event", args.get("ids")) if op == "next_event" else ("signal", args.get("names"))
        names = [wanted] if isinstance(wanted, str) else list(wanted or ())
        timeout = args.get("timeout")
        found = self.take(kind, names)
        if found is None and (timeout is None or timeout > 0):
            limited = timeout is not None and timeout <= LONGEST_WAIT
            if about:
                self.journal.add("ask", now(), due=now() + timeout if limited else None, **about)
            try:
                await workflow.wait_condition(lambda: self.has(kind, names), timeout=timeout if limited else None,
                                              timeout_summary="%s %s" % (op, ", ".join(names)[:150]))
                found = self.take(kind, names)
            except asyncio.TimeoutError:
                pass
        if found is None:
            return None, None
        if kind == "event":
            return found["value"], None
        return {"name": found["name"], "session_id": found["from"], "payload": found["value"]}, None

    def has(self, kind: str, names: List[str]) -> bool:
        return any(m["kind"] == kind and m["name"] in names for m in self.mail)

    def take(self, kind: str, names: List[str]) -> Optional[Json]:
        for i, mail in enumerate(self.mail):
            if mail["kind"] == kind and mail["name"] in names:
                return self.mail.pop(i)
        return None

    def keep(self, kind: str, name: str, sender: Optional[str], value: Any) -> None:
        if len(self.mail) < MOST_MAIL:
            self.mail.append({"kind": kind, "name": name, "from": sender, "value": value})

    @workflow.signal(dynamic=True)
    async def on_signal(self, name: str, args: Sequence[RawValue]) -> None:
        """A signal by its own name: its payload, and the session that it comes from. `ak.event`: a subscription and its event.
        `ak.code`: the deployment to go on with."""
        values = [workflow.payload_converter().from_payload(a.payload) for a in args[:2]] + [None, None]
        if name == "ak.event":
            if values[0] in self.subscriptions:
                self.keep("event", values[0], None, values[1])
        elif name == "ak.code":
            self.new_code = values[0]
        else:
            self.keep("signal", name, values[1] if isinstance(values[1], str) else None, values[0])

    async def signal(self, args: Json) -> Answer:
        to, name, payload = str(args.get("session_id") or ""), str(args.get("name") or ""), args.get("payload")
        if to == self.id:
            self.keep("signal", name, self.id, payload)
            return None, None
        try:
            await workflow.get_external_workflow_handle(to or " ").signal(name, args=[payload, self.id])
        except ApplicationError:
            state = await self.activity("look up session", {"op": "session", "id": to}, "session %s" % to)
            if state is None:
                return refusal("ValueError", "no session is called '%s'" % to)
            return refusal("RuntimeError", "session %s has ended" % to)
        return None, None

    async def of_project(self, op: str, args: Json) -> Answer:
        job = {**self.about(), "op": op, "args": args}
        what = " ".join(str(args[k]) for k in ("action", "key", "source", "id") if args.get(k))
        if op == "subscribe":
            if not args.get("source"):
                return refusal("ValueError", "subscribe needs the name of a source")
            job["id"] = records.new_id("sub", int(now() * 1000), workflow.random())
            self.subscriptions.append(job["id"])
        if op == "unsubscribe":
            if args.get("id") not in self.subscriptions:
                return refusal("ValueError", "no subscription is called '%s'" % args.get("id"))
            self.subscriptions.remove(args["id"])
            self.mail = [m for m in self.mail if not (m["kind"] == "event" and m["name"] == args["id"])]
        job["once"] = str(workflow.uuid4())
        answer = await self.activity(op, job, "%s %s" % (op, what))
        if answer.get("error") and op == "subscribe":
            self.subscriptions.remove(job["id"])
        return answer.get("value"), answer.get("error")

    # Children.

    async def start(self, args: Json) -> Answer:
        loc = args.get("loc")
        if not isinstance(loc, str) or not is_location(loc):
            return refusal("ValueError", "start needs a location like 'file.py:function'")
        child = records.new_id("ses", int(now() * 1000), workflow.random())
        spec = {k: v for k, v in self.spec.items() if k not in ("at", "event", "memo", "parent", "sync")}
        spec.update(seed="%032x" % workflow.random().getrandbits(128), parent=self.id, memo=args.get("memo"),
                    event={"event_type": None, "event_id": None, "session_id": child, "data": args.get("data") or {}})
        handle = await workflow.start_child_workflow(
            loc, spec, id=child, parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
            task_timeout=workflow.info().task_timeout, static_summary="%s, started by %s" % (loc, self.id),
            search_attributes=self.attributes_of(loc))
        self.children.append(child)
        asyncio.ensure_future(self.await_child(child, handle))
        return child, None

    def attributes_of(self, entry: str) -> Optional[TypedSearchAttributes]:
        mine = workflow.info().typed_search_attributes
        if ENTRY not in mine:
            return None
        kept = [p for p in mine if p.key in (PROJECT, DEPLOYMENT)]
        return TypedSearchAttributes([*kept, SearchAttributePair(ENTRY, entry)])

    async def await_child(self, child: str, handle: Any) -> None:
        try:
            self.child_ended(child, {"completed": True, "value": (await handle).get("value"), "error": None})
        except ChildWorkflowError as exc:
            self.child_ended(child, {"completed": False, "value": None, "error": error_of_child(exc.cause)})

    async def await_adopted(self, child: str) -> None:
        """One that an earlier run of this session has started."""
        self.child_ended(child, await self.activity("await session", {"op": "await", "id": child}, "session %s" % child))

    def child_ended(self, child: str, payload: Json) -> None:
        self.children.remove(child)
        self.keep("signal", child, child, payload)

    # History that grows too long.

    def should_continue(self) -> bool:
        info = workflow.info()
        most = self.spec.get("events")
        return workflow.all_handlers_finished() and (
            self.new_code is not None or info.is_continue_as_new_suggested() or bool(most) and info.get_current_history_length() > int(most or 0))

    def continue_as_new(self) -> None:
        carry = {"records": self.journal.records, "mail": self.mail, "subscriptions": self.subscriptions, "children": self.children,
                 "outcomes": self.outcomes}
        spec = {**self.spec, **(self.new_code or {}), "carry": carry}
        attributes = workflow.info().typed_search_attributes
        if self.new_code and DEPLOYMENT in attributes:
            attributes = attributes.updated(SearchAttributePair(DEPLOYMENT, spec["deployment"]))
        kept = [p for p in attributes if p.key in (PROJECT, DEPLOYMENT, TRIGGER, ENTRY)]
        workflow.continue_as_new(spec, task_timeout=workflow.info().task_timeout, search_attributes=TypedSearchAttributes(kept))

    # For those who look.

    @workflow.query
    def log(self, start: int = 0) -> List[Json]:
        """The records from that number on, a page of them."""
        return self.journal.log(start)

    @workflow.query
    def session(self) -> Json:
        return {"id": self.id, "state": self.state, "value": self.value, "error": self.error, "records": len(self.journal.records),
                "parent_id": self.spec.get("parent"), "waiting_mail": len(self.mail), "project": self.spec.get("project"),
                "deployment_id": self.spec.get("deployment"), "entry": workflow.info().workflow_type, "memo": self.spec.get("memo"),
                "wait": self.journal.wait()}


def place_of(p: Json) -> str:
    where = p.get("where") or {}
    return "%s:%s" % (where.get("file"), where.get("line"))


def is_complete(outcomes: List[Any]) -> bool:
    """http_outcome(more=True) says that another part follows."""
    return bool(outcomes) and not (isinstance(outcomes[-1], dict) and "status_code" in outcomes[-1] and outcomes[-1].get("more"))


def refusal(type_name: str, words: str) -> Answer:
    return None, {"type": type_name, "message": words, "traceback": [], "kind": "misuse"}


def is_location(loc: str) -> bool:
    file, _, name = loc.rpartition(":")
    return bool(name) and file.endswith(".py") and len(file) > 3


def error_of_child(cause: Optional[BaseException]) -> Json:
    if isinstance(cause, ApplicationError) and cause.details and isinstance(cause.details[0], dict) and "error" in cause.details[0]:
        return dict(cause.details[0]["error"])
    return records.error_of("stopped", type(cause).__name__, str(cause))
