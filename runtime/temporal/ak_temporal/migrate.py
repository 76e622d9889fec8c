"""Running sessions and new code: their histories are fetched and replayed on it. One that would take another step refuses the lot."""
import argparse
import asyncio
import logging
import re
from typing import Any, Dict, List

from temporalio.client import Client, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from . import client, session
from .shared import Shared

Json = Dict[str, Any]


async def running(temporal: Client, deployment: Json) -> List[str]:
    query = "AkDeployment = '%s' AND ExecutionStatus = 'Running'" % deployment["id"]
    return [w.id async for w in temporal.list_workflows(query)]


async def histories(temporal: Client, deployment: Json) -> List[WorkflowHistory]:
    found = []
    for name in await running(temporal, deployment):
        try:
            found.append(await temporal.get_workflow_handle(name).fetch_history())
        except RPCError as exc:
            if exc.status != RPCStatusCode.NOT_FOUND:
                raise       # it has ended meanwhile
    return found


async def check(args: argparse.Namespace, shared: Shared, temporal: Client, before: Json, after: Json) -> int:
    """How many sessions replay; refuses with the first that does not."""
    from . import worker    # which has the host's settings

    histories_now = await histories(temporal, before)
    logging.getLogger("temporalio").setLevel(logging.CRITICAL)
    host = worker.set_up(args, shared)
    session.replace_code(after)
    shared.know(after)
    replayer = Replayer(workflows=[session.Session], workflow_runner=UnsandboxedWorkflowRunner(),
                        data_converter=temporal.data_converter)
    try:
        for history in histories_now:
            result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
            if result.replay_failure is not None:
                raise client.Refusal(client.REFUSED, "refused: session %s does not replay on the new code: %s" % (
                    history.workflow_id, reason(result.replay_failure, history)))
    finally:
        session.replace_code(None)
        await asyncio.to_thread(host.close)
    return len(histories_now)


def reason(exc: BaseException, history: WorkflowHistory) -> str:
    """The SDK's words, up to where its own structures begin; a step that they know by number alone is given its name."""
    words = " ".join(str(exc).replace("\\'", "'").replace('\\"', '"').split())
    words = words.split("Nondeterminism error: ")[-1].split("TMPRL1100] ")[-1].split('", ')[0]
    steps = [e.activity_task_scheduled_event_attributes for e in history.events if e.HasField("activity_task_scheduled_event_attributes")]
    names = {a.activity_id: a.activity_type.name for a in steps}
    return re.sub("'([^']+)'", lambda found: "'%s' (%s)" % (found[1], names[found[1]]) if found[1] in names else found[0], words)[:300]


async def move(temporal: Client, before: Json, after: Json) -> int:
    """Tells them; each goes on with the new code from its next step on."""
    moved = 0
    for name in await running(temporal, before):
        try:
            await temporal.get_workflow_handle(name).signal("ak.code", {"deployment": after["id"], "bundle": after["bundle"]})
            moved += 1
        except RPCError as exc:
            if exc.status != RPCStatusCode.NOT_FOUND:
                raise
    return moved
