"""The workflow that keeps what the sessions of a project share: keys and values, and who has subscribed to what. One execution a
project, `ak-project-NAME`; every change is an update, so that changes have one order and survive what Temporal survives."""
import json
from collections import OrderedDict
from typing import Any, Dict, List

from temporalio import workflow

Json = Dict[str, Any]

MOST_KEYS = 64
MOST_KEY_BYTES = 1024
MOST_VALUE_BYTES = 64 * 1024
REMEMBERED = 500        # answers, for an update that comes again
UPDATES_A_RUN = 1000    # Temporal has a limit of 2,000


class Refused(Exception):
    def __init__(self, type_name: str, words: str) -> None:
        super().__init__(words)
        self.error = {"type": type_name, "message": words, "traceback": [], "kind": "misuse"}


@workflow.defn(name="ak.project")
class Project:
    def __init__(self) -> None:
        self.keys: Dict[str, Any] = {}
        self.subscriptions: Dict[str, Json] = {}
        self.answers: "OrderedDict[str, Json]" = OrderedDict()
        self.ticks: Dict[str, float] = {}       # when each schedule fired last
        self.updates = 0
        self.ready = False

    @workflow.run
    async def run(self, carry: Json) -> None:
        self.keys, self.subscriptions = carry.get("keys", {}), carry.get("subscriptions", {})
        self.answers.update(carry.get("answers", {}))
        self.ticks = carry.get("ticks", {})
        self.ready = True
        await workflow.wait_condition(lambda: self.updates >= UPDATES_A_RUN or workflow.info().is_continue_as_new_suggested())
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new({"keys": self.keys, "subscriptions": self.subscriptions, "answers": dict(self.answers),
                                  "ticks": self.ticks})

    @workflow.update(name="ak.do")
    async def do(self, request: Json) -> Json:
        """{"value"} or {"error"}."""
        await workflow.wait_condition(lambda: self.ready)
        once = request["once"]
        if once in self.answers:
            return self.answers[once]
        self.updates += 1
        try:
            answer = {"value": getattr(self, "do_" + request["op"])(request)}
        except Refused as exc:
            answer = {"error": exc.error}
        self.answers[once] = answer
        while len(self.answers) > REMEMBERED:
            self.answers.popitem(last=False)
        return answer

    @workflow.query
    def shown(self) -> Json:
        return {"keys": self.keys, "subscriptions": self.subscriptions}

    def do_subscribe(self, request: Json) -> str:
        args = request["args"]
        self.subscriptions[request["id"]] = {"session": request["session"], "source": args["source"], "filter": args.get("filter")}
        return str(request["id"])

    def do_unsubscribe(self, request: Json) -> None:
        self.subscriptions.pop(request["args"]["id"], None)

    def do_tick(self, request: Json) -> bool:
        """A schedule's tick: false when a later one has fired already, so that of those that were missed one fires."""
        if request["scheduled"] <= self.ticks.get(request["trigger"], 0.0):
            return False
        self.ticks[request["trigger"]] = request["at"]
        return True

    def do_store(self, request: Json) -> Any:
        args = request["args"]
        action, key = args.get("action"), args.get("key") or ""
        if action == "list":
            return sorted(self.keys)
        if action not in ("get", "set", "del", "add", "check_and_set"):
            raise Refused("RuntimeError", "values are published by ak serve, not by a worker of Temporal") \
                if action in ("publish", "unpublish") else Refused("ValueError", "store knows no action '%.40s'" % action)
        if not key:
            raise Refused("ValueError", "store needs a key")
        return getattr(self, "key_" + action)(key, args.get("value"), args.get("expected"))

    def key_get(self, key: str, value: Any, expected: Any) -> Any:
        return self.keys.get(key)

    def key_del(self, key: str, value: Any, expected: Any) -> None:
        self.keys.pop(key, None)

    def key_set(self, key: str, value: Any, expected: Any) -> None:
        if value is None:
            self.keys.pop(key, None)
            return
        if len(key.encode()) > MOST_KEY_BYTES or len(json.dumps(value)) > MOST_VALUE_BYTES:
            raise Refused("ValueError", "key '%.80s': a value may have %d bytes, a key %d" % (key, MOST_VALUE_BYTES, MOST_KEY_BYTES))
        if key not in self.keys and len(self.keys) >= MOST_KEYS:
            raise Refused("ValueError", "the store holds %d keys already" % MOST_KEYS)
        self.keys[key] = value

    def key_add(self, key: str, value: Any, expected: Any) -> Any:
        old = self.keys.get(key, 0)
        if not is_number(value) or not is_number(old):
            raise Refused("TypeError", "add needs numbers; key '%.80s' holds another value" % key)
        self.key_set(key, old + value, None)
        return old + value

    def key_check_and_set(self, key: str, value: Any, expected: Any) -> bool:
        if self.keys.get(key) != expected:
            return False
        self.key_set(key, value, None)
        return True


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def subscribers(shown: Json, source: str) -> List[Json]:
    return [{"id": k, **s} for k, s in shown["subscriptions"].items() if s["source"] == source]
