"""What shows the analysis: aklint contexts, graph, and explain of a line.

The project of these tests is the folder survey/; what is expected of it stands there in *.golden.
AK_GOLDEN=write writes them anew.
"""
import json
import os
import pathlib
import shutil
import subprocess

import pytest

from cli_project import write
from conftest import aklint, program, unavailable

PROJECT = pathlib.Path(__file__).parent / "survey"


@pytest.fixture
def project(tmp_path):
    shutil.copytree(PROJECT, tmp_path / "project", ignore=shutil.ignore_patterns("*.golden", "__pycache__"))
    (tmp_path / "project" / "pyproject.toml").write_text("")
    return tmp_path / "project"


def same_as(golden, text):
    path = PROJECT / f"{golden}.golden"
    if os.environ.get("AK_GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text()


@pytest.mark.parametrize("golden, words", [
    ("contexts", ["contexts"]),
    ("order.mermaid", ["graph", "Order"]),
    ("order.dot", ["graph", "Order.run", "--format", "dot"]),
    ("audit.mermaid", ["graph", "flow.py:Audit.run", "--format", "mermaid"]),
    ("approve.mermaid", ["graph", "Order.approve"]),
    ("explain", ["explain", "helpers/steps.py:13"]),
])
def test_goldens(project, golden, words):
    done = aklint(*words, cwd=project)
    assert done.returncode == 0, done.stderr
    same_as(golden, done.stdout.split("\n## ")[0])  # what follows is the rule's own page


def test_contexts_as_json_hold_what_the_text_holds(project):
    found = json.loads(aklint("contexts", "--format", "json", cwd=project).stdout)
    run = next(start for start in found["starts"] if start["name"] == "Order.run")
    assert run["contexts"] == ["workflow"] and run["dialect"] == "temporal"
    assert {row["name"]: row["location"]["row"] for row in run["reaches"]}["stamp"] == 12
    assert [(call["text"], call["caller"]) for call in found["unresolved"]] == [("notify", "Order.run")]
    assert found["unresolved"][0]["filename"] == str(project / "flow.py")


def test_what_cannot_be_resolved_is_counted_as_the_check_counts(project):
    done = aklint(cwd=project)
    assert "1 call unresolved" in done.stdout
    assert "1 call from workflow code could not be resolved; none is taken for safe:" in aklint("contexts", cwd=project).stdout


def test_an_activity_is_not_reached_by_being_named(project):
    found = json.loads(aklint("contexts", "--format", "json", cwd=project).stdout)
    run = next(start for start in found["starts"] if start["name"] == "Order.run")
    assert not {"reserve", "charge"} & {row["name"] for row in run["reaches"]}


def test_a_line_in_two_contexts_shows_both_ways(project):
    text = (project / "helpers/steps.py").read_text().replace("    print(items)", "    print(stamp())")
    (project / "helpers/steps.py").write_text(text)
    out = aklint("explain", "helpers/steps.py:13", cwd=project).stdout
    assert "runs in: workflow (temporal), in stamp" in out and "runs in: activity (temporal), in stamp" in out
    assert "helpers/steps.py:9  calls stamp" in out


def test_a_line_that_nothing_durable_runs(project):
    write(project, {"plain.py": "def f():\n    return 1\n"})
    out = aklint("explain", "plain.py:2", cwd=project).stdout
    assert "runs in: nothing durable that is known" in out and "Nothing is found at plain.py:2." in out


def test_an_unknown_root_is_answered_with_those_there_are(project):
    done = aklint("graph", "Nope", cwd=project)
    assert done.returncode == 2 and "no workflow or entry point is called 'Nope'" in done.stderr
    assert "flow.py:Order.run" in done.stderr and not done.stdout
    assert aklint("graph", cwd=project).returncode == 2
    assert "mermaid, dot or svg" in aklint("graph", "Order", "--format", "png", cwd=project).stderr


def test_two_of_one_name_want_their_file(project):
    write(project, {"other.py": (project / "flow.py").read_text()})
    done = aklint("graph", "Audit", cwd=project)
    assert done.returncode == 2 and "several" in done.stderr and "other.py:Audit.run" in done.stderr
    assert aklint("graph", "other.py:Audit", cwd=project).returncode == 0


def test_svg_is_drawn_by_graphviz(project):
    if not shutil.which("dot"):
        unavailable("graphviz is not installed")
    done = aklint("graph", "Order", "--format", "svg", cwd=project)
    assert done.returncode == 0 and "<svg" in done.stdout and "Order.run" in done.stdout


def test_svg_without_graphviz_is_a_clear_sentence(project):
    done = subprocess.run([program("aklint"), "graph", "Order", "--format", "svg"], cwd=project, capture_output=True,
                          text=True, env={"PATH": "/nowhere"}, timeout=30)
    assert done.returncode == 2 and "install graphviz" in done.stderr and not done.stdout


def test_an_entry_point_of_ak_is_drawn(tmp_path):
    write(tmp_path, {"flow.py": "import autokitteh\n\n\n@autokitteh.activity\ndef fetch():\n    return 1\n\n\n"
                     "def on_event(event):\n    fetch()\n    autokitteh.next_event('x')\n"})
    out = aklint("graph", "on_event", "--entry", "flow.py:on_event", cwd=tmp_path).stdout
    assert '["fetch"]' in out and ">\"wait for " in out
