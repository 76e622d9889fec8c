"""What Temporal's SDK says of a workflow file at import, when a worker prepares it, and at its first task.

Run with an interpreter that has `temporalio`: `sdk_oracle.py FILE…` prints one JSON object a file:
{"file", "stage": "import"|"prepare"|"task"|"warning"|"ok", "line": of the file named or null, "text"}.
The SDK's own workflow instance is driven by hand; no server is needed. Each file holds one workflow
class that takes no argument; a folder on whose modules it builds is the file's own.
"""
import asyncio
import concurrent.futures
import datetime
import importlib
import json
import os
import pathlib
import re
import sys
import traceback
import warnings

import temporalio.api.common.v1
import temporalio.converter
from temporalio import workflow
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.worker._workflow_instance import UnsandboxedWorkflowRunner, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

START = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)


def details(defn):
    """What a worker would hand to the instance of a first run."""
    converter = temporalio.converter.default()
    given = {
        "attempt": 1, "continued_run_id": None, "cron_schedule": None, "execution_timeout": None, "headers": {},
        "first_execution_run_id": "run", "original_execution_run_id": "run", "namespace": "default", "parent": None,
        "raw_memo": {}, "retry_policy": None, "run_id": "run", "run_timeout": None, "search_attributes": {},
        "start_time": START, "workflow_start_time": START, "task_queue": "queue", "task_timeout": datetime.timedelta(seconds=10),
        "typed_search_attributes": temporalio.converter.decode_typed_search_attributes(temporalio.api.common.v1.SearchAttributes()),
        "workflow_id": "id", "workflow_type": defn.name, "root": None, "priority": temporalio.common.Priority.default,
    }
    fields = workflow.Info.__dataclass_fields__
    info = workflow.Info(**{name: value for name, value in given.items() if name in fields})
    given = {
        "payload_converter_factory": converter._new_payload_converter,
        "failure_converter_class": converter.failure_converter_class, "interceptor_classes": [], "defn": defn, "info": info,
        "randomness_seed": 1, "extern_functions": {}, "disable_eager_activity_execution": False,
        "worker_level_failure_exception_types": [], "patch_activation_callback": None,
        "last_completion_result": temporalio.api.common.v1.Payloads(), "last_failure": None,
    }
    fields = WorkflowInstanceDetails.__dataclass_fields__
    return WorkflowInstanceDetails(**{name: value for name, value in given.items() if name in fields})


def first_task(name):
    activation = WorkflowActivation(run_id="run", is_replaying=False)
    activation.timestamp.FromDatetime(START)
    job = activation.jobs.add()
    job.initialize_workflow.workflow_type = name
    job.initialize_workflow.workflow_id = "id"
    job.initialize_workflow.randomness_seed = 1
    return activation


def failure_text(failure):
    texts = []
    while True:
        texts.append(failure.message + "\n" + failure.stack_trace)
        if not failure.HasField("cause"):
            return "\n".join(texts)
        failure = failure.cause


def line_of(path, text):
    lines = re.findall(r'File "([^"]+)", line (\d+)', text)
    own = [int(line) for file, line in lines if os.path.basename(file) == path.name]
    return own[-1] if own else None


def ask(path, pool):
    def answer(stage, text, line=None):
        return {"file": path.name, "stage": stage, "line": line or line_of(path, text), "text": text.strip().splitlines()[-1][:300] if text else ""}

    try:
        module = importlib.import_module(path.stem)
    except BaseException:
        return answer("import", traceback.format_exc())
    classes = [c for c in vars(module).values() if isinstance(c, type) and "__temporal_workflow_definition" in c.__dict__]
    if not classes:
        return answer("import", "no workflow class")
    defn = workflow._Definition.must_from_class(classes[-1])
    runner = SandboxedWorkflowRunner() if defn.sandboxed else UnsandboxedWorkflowRunner()
    try:
        runner.prepare_workflow(defn)
    except BaseException:
        return answer("prepare", traceback.format_exc())

    instance = runner.create_instance(details(defn))

    def task():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            done = instance.activate(first_task(defn.name))
        return done, [w for w in caught if issubclass(w.category, UserWarning)]

    try:
        done, caught = pool.submit(task).result(timeout=20)
    except BaseException:
        return answer("task", traceback.format_exc())
    if done.HasField("failed"):
        return answer("task", failure_text(done.failed.failure))
    if caught:
        return answer("warning", f'File "{caught[0].filename}", line {caught[0].lineno}\n{caught[0].message}')
    return answer("ok", "")


async def main():
    pool = concurrent.futures.ThreadPoolExecutor(1)
    for name in sys.argv[1:]:
        path = pathlib.Path(name)
        if str(path.parent) not in sys.path:
            sys.path.insert(0, str(path.parent))
        print(json.dumps(ask(path, pool)), flush=True)
    pool.shutdown(wait=False)


if __name__ == "__main__":
    asyncio.run(main())
