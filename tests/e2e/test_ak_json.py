"""Every command of the table speaks JSON when it is asked to: one value, or one a line, and nothing else on standard output."""
import json
import re
import subprocess

import pytest

from run_host import build_dir
from serve_host import PROJECTS, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("json"), "counter", "sync") as running:
        sent = running.post("add", {"n": 1}).json
        running.wait(sent["session_id"])
        running.ak("store", "set", "answer", "42", "-p", "counter_sample")
        running.ak("var", "set", "NAME", "value", "-p", "counter_sample")
        running.names = {"SESSION": sent["session_id"], "EVENT": sent["event_id"],
                         "DEPLOYMENT": running.ak.lines("deployment", "list", "--json", "-p", "counter_sample")[0]["deployment_id"],
                         "PROJECT": str(PROJECTS / "counter"), "PROGRAM": str(PROJECTS / "quickstart" / "program.py")}
        yield running


COMMANDS = """
session list
session get SESSION
session log SESSION
session watch SESSION
session replay SESSION
session fork SESSION --from 1
session restart SESSION
session prune --older-than 1000d
deployment list
deployment get DEPLOYMENT
trigger list
trigger fire nap -d body={"json":{"seconds":0}}
event list
event get EVENT
event redispatch EVENT
var set OTHER x -p counter_sample
var get -p counter_sample
var delete OTHER -p counter_sample
store set key 1 -p counter_sample
store get key -p counter_sample
store list -p counter_sample
manifest validate PROJECT
manifest plan PROJECT
deploy --check PROJECT
deploy PROJECT
config where
config list
config set serve.idle 1
doctor
""".strip().splitlines()


def values(text):
    """One value over several lines, or one a line."""
    try:
        return [json.loads(text)]
    except ValueError:
        return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_answer_is_json_alone(server, command):
    words = [server.names.get(word, word) for word in command.split()]
    done = server.ak(*words, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    got = values(done.stdout)
    assert got and all(isinstance(value, (dict, list)) for value in got), done.stdout[:300]


def test_the_rest_of_the_table(server, tmp_path):
    for words in (["init", str(tmp_path / "fresh")], ["test", str(tmp_path / "fresh")],
                  ["session", "delete", server.names["SESSION"]], ["deployment", "deactivate", server.names["DEPLOYMENT"]],
                  ["deployment", "activate", server.names["DEPLOYMENT"]]):
        done = server.ak(*words, "--json", timeout=60)
        assert done.returncode == 0, (words, done.stdout + done.stderr)
        assert values(done.stdout), words


def test_no_command_was_forgotten():
    """What `ak --help` lists is in this file, or has its own tests of --json: run, serve, worker; or prints a text for another program: completion, manual."""
    listed = re.findall(r"^  (\w+)  ", subprocess.run([build_dir() / "ak", "--help"], capture_output=True, text=True).stdout, re.M)
    here = {command.split()[0] for command in COMMANDS} | {"init", "test", "run", "serve", "worker", "completion", "manual", "help"}
    assert set(listed) <= here and len(listed) > 10


@pytest.mark.parametrize("command, status", [("session get nothing", 44), ("event get nothing", 44), ("deployment get nothing", 44), ("store get nothing -p counter_sample", 44),
                                             ("session fork nothing --from 1", 44), ("session list --what", 40), ("deploy /nowhere", 44)])
def test_a_refusal_has_its_exit_code_and_words(server, command, status):
    done = server.ak(*command.split(), "--json")
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stderr.startswith("ak: ") or done.stderr.startswith("ak ") or done.stdout.startswith("{")
