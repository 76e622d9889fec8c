"""The examples of the two documents of pitfalls, as they stand there, give what the rules promise.

The documents lie beside the repository (AK_SEEDS names another folder). Their blocks are fragments:
each is given the imports and the function it presupposes and keeps its own lines. Good blocks that
repeat a mistake of the document itself are repaired first, by the pairs given here.
"""
import json
import os
import pathlib
import re
import textwrap

import pytest

from conftest import aklint, unavailable

ROOT = pathlib.Path(__file__).resolve().parents[2]
SEEDS = pathlib.Path(os.environ.get("AK_SEEDS", ROOT.parent / "shared" / "seeds"))

TEMPORAL = """\
import asyncio
import datetime
import random
import time
import uuid
from datetime import timedelta
from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

client: Client
"""
IN_WORKFLOW = """
@workflow.defn
class Presupposed:
    @workflow.run
    async def run(self, slow_operation, data):
"""
CONNECTED = """
async def presupposed_client() -> Client:
    return await Client.connect("localhost:7233")


"""
IN_FUNCTION = """
async def presupposed(client: Client, input_data):
"""

TIMEOUT = "start_to_close_timeout=timedelta(seconds=30)"

# (block of the document, wrapper, expected (rule, text of the line) pairs, repairs). No pairs: nothing may be found.
TEMPORAL_BLOCKS = [
    (0, "", [("AK304", "await asyncio.wait(tasks)"), ("AK401", "workflow.execute_activity(process_item, item)")], []),
    (1, "", [], []),
    (2, "", [("AK301", "datetime.datetime.now()"), ("AK301", "time.time()")], []),
    (3, "", [], []),
    (4, "", [("AK302", "random.choice(options)")], []),
    (5, "", [], []),
    (6, "", [], []),
    (7, "", [("AK303", "uuid.uuid4()")], []),
    (8, "", [], [("workflow.uuid()", "workflow.uuid4()")]),
    (8, "", [("AK801", "workflow.uuid()")], []),
    (9, "", [("AK306", "counter += 1")], []),
    (10, "", [], []),
    (11, "", [("AK404", "payment_gateway.charge(amount)")], []),
    (12, "", [], []),
    (13, "", [("AK403", "for item in large_dataset")], []),
    (14, "", [], []),
    (16, IN_WORKFLOW, [], []),
    (17, "", [("AK401", "workflow.execute_activity("), ("AK512", "for char in data")], []),
    (18, "", [], []),
    (19, "", [("AK501", "while True")], []),
    (20, "", [], [("max_duration: timedelta", "max_seconds: float"), ("+ max_duration", "+ timedelta(seconds=max_seconds)")]),
    (20, "", [("AK205", "max_duration: timedelta")], []),
    (21, "", [("AK502", "self.should_cancel = True")], []),
    (22, "", [("AK801", "workflow.raise_cancelled()")], []),
    (22, "", [], [("        # Cancel any pending activities\n        workflow.raise_cancelled()\n", "")]),
    (23, "", [("AK801", "replay_history=history")], []),
    (24, CONNECTED, [("AK602", "client.execute_workflow(")], []),
    (25, "", [], []),
    (26, IN_FUNCTION, [("AK701", "search_attributes={")], []),
    (27, IN_FUNCTION, [("AK801", "worker.run_until(")], []),
    (28, "", [("AK703", "workflow.logger = structlog.get_logger()")], []),
    (29, "", [("AK301", "datetime.datetime.now()")], []),
    (30, "", [("AK302", "random.choice(options)")], []),
    (31, "", [("AK401", "workflow.execute_activity(save, processed)")], []),
    (32, "", [("AK404", "email_service.send(email, message)")], []),
    (33, "", [], []),
    (34, IN_WORKFLOW, [("AK401", "data  #")], []),
    (35, IN_WORKFLOW, [], []),
    (36, "", [("AK305", "time.sleep(60)"), ("AK304", "await asyncio.wait(tasks)")], []),
    (37, "", [], []),
]

AUTOKITTEH_BLOCKS = [
    (0, "", [], [], ["case.py:on_event"]),
    (1, "", [("AK101", "async def on_event(event)")], [], ["case.py:on_event"]),
    (2, "import asyncio\n", [], [], ["case.py:on_event"]),
    (4, "", [("AK313", "sorted(logs, key=lambda log: log['id'])  # timeout")], [], ["case.py:on_event"]),
    (5, "import autokitteh\n\n\ndef get_logs(env):\n    return []\n\n\n", [], [], ["case.py:on_event"]),
]

RUNTIME_SENTENCES = [
    ("import os\n\nTOKEN = os.getenv('TOKEN')\n\n\ndef on_event(event):\n    pass\n", "AK102", "TOKEN = os.getenv('TOKEN')"),
    ("import os\n\n\ndef on_event(event):\n    return os.environ.get('HOME')\n", "AK202", "os.environ.get('HOME')"),
]


def blocks(name):
    path = SEEDS / name
    if not path.exists():
        unavailable(f"the document {name} is not beside the repository (AK_SEEDS)")
    text = path.read_text()
    return [textwrap.dedent(m.group(1)) for m in re.finditer(r"^ *```\w*\n(.*?)^ *```", text, re.S | re.M)]


def known_rules():
    return {rule["code"] for rule in json.loads(aklint("rules", "--format", "json").stdout)}


def findings(folder, name, *flags):
    done = aklint("check", "--format", "json", *flags, name, cwd=folder)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def check(folder, source, expected, flags):
    name = "test_case.py" if "def test_" in source else "case.py"
    (folder / name).write_text(source)
    found = findings(folder, name, *flags, *(["--show", "notes"] if expected else []))
    if not expected:
        assert found == [], f"good code is flagged: {[(f['code'], f['location']['row'], f['message']) for f in found]}\n{source}"
        return
    lines = source.splitlines()
    missing = []
    rules = known_rules()
    for rule, text in expected:
        if rule not in rules:
            continue
        rows = [i for i, line in enumerate(lines, 1) if text in line]
        assert rows, f"the document has no line with {text!r}"
        hit = [f for f in found if f["code"] == rule and any(f["location"]["row"] <= r <= f["end_location"]["row"] for r in rows)]
        if not hit:
            missing.append((rule, text))
    assert not missing, f"not found: {missing}; found {[(f['code'], f['location']['row']) for f in found]}\n{source}"


@pytest.mark.parametrize("row", range(len(TEMPORAL_BLOCKS)))
def test_temporal_block(tmp_path, row):
    index, wrapper, expected, repairs = TEMPORAL_BLOCKS[row]
    body = blocks("temporal_pitfalls.md")[index]
    for old, new in repairs:
        assert old in body
        body = body.replace(old, new)
    if wrapper:
        body = wrapper + textwrap.indent(body, {IN_WORKFLOW: "        ", IN_FUNCTION: "    ", CONNECTED: ""}[wrapper])
    check(tmp_path, TEMPORAL + body, expected, [])


@pytest.mark.parametrize("row", range(len(AUTOKITTEH_BLOCKS)))
def test_autokitteh_block(tmp_path, row):
    index, prelude, expected, repairs, entries = AUTOKITTEH_BLOCKS[row]
    body = blocks("autokitteh_pitfalls.md")[index]
    flags = ["--dialect", "ak"] + [f"--entry={entry}" for entry in entries]
    check(tmp_path, prelude + body, expected, flags)


@pytest.mark.parametrize("name, rule", [("bad.py", "AK201"), ("good.py", None)])
def test_lambda_to_another_module(tmp_path, name, rule):
    parts = re.split(r"^-- (\S+) --\n", blocks("autokitteh_pitfalls.md")[3], flags=re.M)
    body = dict(zip(parts[1::2], parts[2::2]))[name]
    expected = [(rule, "db.apply(mapper)")] if rule else []
    check(tmp_path, body, expected, ["--dialect", "ak", "--entry=case.py:handler"])


@pytest.mark.parametrize("source, rule, line", RUNTIME_SENTENCES)
def test_limitation_of_the_runtime_document(tmp_path, source, rule, line):
    check(tmp_path, source, [(rule, line)], ["--dialect", "ak", "--entry=case.py:on_event"])
