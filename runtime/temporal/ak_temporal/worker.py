"""A worker process: takes sessions and recorded calls from a task queue until it is told to stop."""
import argparse
import asyncio
import logging
import signal
import sys
from contextlib import suppress
from datetime import timedelta
from typing import Any, Dict, List

import temporalio.worker._workflow
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkerDeploymentConfig

from . import client, fire, perform, program, session, start
from .host import Host, HostOptions, set_host
from .project import Project
from .shared import Missing, Shared


def add_arguments(parser: argparse.ArgumentParser) -> None:
    client.add_arguments(parser)
    add_host_arguments(parser)
    parser.add_argument("--deployment", metavar="ID")
    parser.add_argument("--sessions", type=int, default=1000)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--grace", type=float, default=10.0)
    parser.add_argument("--heartbeat", type=float, default=10.0)
    parser.add_argument("--metrics", metavar="HOST:PORT")
    parser.add_argument("--interceptor", action="append", default=[], metavar="MODULE:NAME")
    parser.add_argument("--quiet", action="store_true")


def add_host_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--support", required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--runners", type=int, default=32)
    parser.add_argument("--memory", type=int, default=0)
    parser.add_argument("--turn", type=float, default=10.0)


def set_up(args: argparse.Namespace, shared: Shared) -> Host:
    """Of this process: whatever workflow and activity code needs and Temporal does not give it."""
    host = Host(HostOptions(support=args.support, python=args.python, runners=args.runners, memory=args.memory))
    set_host(host)
    session.set_up(shared, getattr(args, "heartbeat", 10.0))
    perform.set_up(shared)
    program.limits.turn = args.turn
    allow_long_tasks(args.turn)
    return host


def allow_long_tasks(turn: float) -> None:
    """The SDK takes a workflow task for deadlocked after 2 seconds. Here a program computes meanwhile, and its turn has a limit of its
    own. There is no public setting for that; where the SDK has changed, its limit stays, and only long turns fail."""
    inner = temporalio.worker._workflow._WorkflowWorker
    first = getattr(inner, "ak_first_init", inner.__init__)

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        first(self, *args, **kwargs)
        if getattr(self, "_deadlock_timeout_seconds", None) is not None:
            self._deadlock_timeout_seconds = turn + start.TASK_SLACK + program.MODULE_SECONDS

    inner.ak_first_init = first         # type: ignore[attr-defined]
    inner.__init__ = init               # type: ignore[method-assign]


def runtime_of(args: argparse.Namespace) -> Dict[str, Any]:
    if not args.metrics:
        return {}
    try:
        return {"runtime": Runtime(telemetry=TelemetryConfig(metrics=PrometheusConfig(bind_address=args.metrics)))}
    except (RuntimeError, ValueError) as exc:
        raise client.Refusal(client.USAGE, "--metrics %s: %s" % (args.metrics, exc)) from None


def versioning_of(args: argparse.Namespace, shared: Shared) -> Dict[str, Any]:
    """With --deployment a worker takes that deployment's sessions alone: its id is the build id, and sessions are pinned to it."""
    if not args.deployment:
        return {}
    found = shared.deployment(args.deployment)
    shared.code(found["bundle"])
    version = WorkerDeploymentVersion(deployment_name=found["project"], build_id=args.deployment)
    return {"deployment_config": WorkerDeploymentConfig(version=version, use_worker_versioning=True,
                                                        default_versioning_behavior=VersioningBehavior.PINNED)}


async def run(args: argparse.Namespace) -> int:
    shared = Shared(args.shared, args.cache)
    interceptors: List[Any] = [client.named_object(name, "--interceptor") for name in args.interceptor]
    versioning = versioning_of(args, shared)
    temporal = await client.connect(args, shared, **runtime_of(args))
    known = await client.search_attributes(temporal, make=True)
    host = set_up(args, shared)
    worker = Worker(temporal, task_queue=args.task_queue, workflows=[session.Session, Project, fire.Fire], activities=[perform.perform],
                    workflow_runner=UnsandboxedWorkflowRunner(), max_cached_workflows=args.sessions,
                    max_concurrent_activities=args.calls, graceful_shutdown_timeout=timedelta(seconds=args.grace),
                    sticky_queue_schedule_to_start_timeout=timedelta(seconds=5), interceptors=interceptors, **versioning)
    if not args.quiet:
        print("ak worker: sessions of task queue '%s', namespace '%s' at %s%s" % (
            args.task_queue, args.namespace, args.temporal, "" if known else
            " (its search attributes AkProject, AkDeployment, AkTrigger, AkEntry are missing and could not be made)"), flush=True)
    try:
        await until_stopped(worker)
    finally:
        host.close()
    return 0


async def until_stopped(worker: Worker) -> None:
    """The first signal lets calls that run come to their end; the second ends the process."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            loop.stop()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    running = asyncio.ensure_future(worker.run())
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        stopping.cancel()
        running.result()
        return
    await worker.shutdown()
    await running


def main(args: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.WARNING, format="ak worker: %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(brief)
    with suppress(KeyboardInterrupt):
        try:
            return asyncio.run(run(args))
        except Missing as exc:
            raise client.Refusal(client.NOT_FOUND, str(exc)) from None
        except RuntimeError as exc:
            if "Event loop stopped" in str(exc):
                return 130
            raise client.Refusal(client.FAILED, "the worker ended: %s" % client.short(str(exc))) from None
    return 130


def brief(record: logging.LogRecord) -> bool:
    """A sentence, not a traceback, for what the operator can mend."""
    exc = record.exc_info[1] if record.exc_info else None
    if isinstance(exc, (Missing, session.SessionFailed)):
        record.msg, record.args, record.exc_info = "a session waits: %s", (str(exc),), None
    return True
