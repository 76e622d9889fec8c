"""`ak deploy`: what is refused changes nothing, what passes is named by its content."""
import json
import shutil
import sqlite3

import pytest

from run_host import Ak
from serve_host import PROJECTS

MANIFEST = """version: v1
project:
  name: sample
  vars:
    - name: GREETING
      value: hello
  triggers:
    - name: hook
      type: webhook
      call: program.py:on_event
"""
GOOD = 'def on_event(event):\n    print("hello")\n'


@pytest.fixture
def ak(tmp_path):
    return Ak(tmp_path / "state")


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()

    def write(**files):
        for name, text in {"autokitteh.yaml": MANIFEST, "program.py": GOOD, **files}.items():
            path = folder / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return folder

    return write


def deploy(ak, folder, *args):
    done = ak("deploy", folder, "--json", *args)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def everything(ak):
    database = sqlite3.connect(ak.data + "/ak.db")
    tables = [name for (name,) in database.execute("select name from sqlite_master where type = 'table'")]
    return {name: database.execute(f"select count(*) from {name}").fetchone() for name in tables}


REFUSED = {
    "async handler": {"program.py": "async def on_event(event):\n    pass\n"},
    "syntax": {"program.py": "def on_event(event:\n    pass\n"},
    "import of what is not there": {"program.py": "import not_there_at_all\ndef on_event(event):\n    pass\n"},
    "error while loading": {"program.py": "x = {}['missing']\ndef on_event(event):\n    pass\n"},
    "no such function": {"program.py": "def other(event):\n    pass\n"},
    "handler without arguments": {"program.py": "def on_event():\n    pass\n"},
    "handler with three": {"program.py": "def on_event(a, b, c):\n    pass\n"},
    "version": {"autokitteh.yaml": MANIFEST.replace("v1", "v7")},
    "no yaml": {"autokitteh.yaml": "version: [v1\n"},
    "schedule": {"autokitteh.yaml": MANIFEST + "    - name: tick\n      schedule: '99 * * * *'\n      call: program.py:on_event\n"},
    "filter": {"autokitteh.yaml": MANIFEST + "      filter: data.x ==\n"},
    "name twice": {"autokitteh.yaml": MANIFEST + "    - name: hook\n      type: webhook\n"},
    "no file": {"autokitteh.yaml": MANIFEST.replace("program.py", "missing.py")},
}


@pytest.mark.parametrize("what", REFUSED)
def test_refusal_ends_with_42_and_changes_nothing(what, ak, project):
    deploy(ak, project())
    before = everything(ak)
    done = ak("deploy", project(**REFUSED[what]))
    assert done.returncode == 42, done.stdout + done.stderr
    assert "error" in done.stdout
    assert "[exec]" not in done.stdout
    assert everything(ak) == before


def test_errors_of_loading_name_the_users_line(ak, project):
    done = ak("deploy", project(**{"program.py": 'def on_event(event):\n    pass\n\n\nx = {}["missing"]\n'}))
    assert done.returncode == 42
    assert 'File "program.py", line 5' in done.stdout and "KeyError" in done.stdout


def test_findings_look_as_aklint_prints_them(ak, project):
    from conftest import aklint

    folder = project(**REFUSED["async handler"])
    gate, lint = ak("deploy", folder), aklint(str(folder))
    assert gate.returncode == 42 and lint.returncode == 1
    assert gate.stdout == lint.stdout


def test_mistakes_of_the_manifest_have_their_place(ak, project):
    done = ak("deploy", project(**REFUSED["schedule"]), "--json")
    found = [f for f in json.loads(done.stdout)["findings"] if f["filename"].endswith("autokitteh.yaml")]
    assert any(f["location"]["row"] == 12 for f in found), found


def test_same_content_has_the_same_build_and_makes_no_second_deployment(ak, project):
    folder = project()
    first, second = deploy(ak, folder), deploy(ak, folder)
    assert second["unchanged"] and not first["unchanged"]
    assert first["deployment_id"] == second["deployment_id"] and first["build_id"] == second["build_id"]
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    assert deploy(ak, copy)["content"] == first["content"]
    assert len(ak.lines("deployment", "list", "--json")) == 1


def test_new_content_retires_the_deployment_before_and_keeps_the_address(ak, project):
    first = deploy(ak, project())
    second = deploy(ak, project(**{"program.py": GOOD + "\nX = 1\n"}))
    assert first["content"] != second["content"]
    assert first["triggers"][0]["slug"] == second["triggers"][0]["slug"]
    states = {d["deployment_id"]: d["state"] for d in ak.lines("deployment", "list", "--json")}
    assert states == {first["deployment_id"]: "INACTIVE", second["deployment_id"]: "ACTIVE"}


def test_a_deployment_before_can_be_activated_again_and_an_inactive_one_deleted(ak, project):
    first, second = deploy(ak, project()), deploy(ak, project(**{"program.py": GOOD + "\nX = 1\n"}))
    assert ak("deployment", "delete", second["deployment_id"]).returncode == 42
    assert ak("deployment", "activate", first["deployment_id"]).returncode == 0
    assert ak("deployment", "delete", second["deployment_id"]).returncode == 0
    assert [d["state"] for d in ak.lines("deployment", "list", "--json")] == ["ACTIVE"]
    assert ak("deployment", "get", second["deployment_id"]).returncode == 44


def test_check_changes_nothing(ak, project):
    done = ak("deploy", project(), "--check")
    assert done.returncode == 0 and "[plan]" in done.stdout and "[exec]" not in done.stdout
    assert ak.lines("deployment", "list", "--json") == []


def test_an_allowed_rule_passes_and_is_kept_with_its_reason(ak, project):
    folder = project(**REFUSED["async handler"])
    assert ak("deploy", folder, "--allow", "AK101").returncode == 40
    assert ak("deploy", folder, "--allow", "AK999", "--reason", "x").returncode == 40
    done = deploy(ak, folder, "--allow", "AK101", "--reason", "runs under asyncio.run")
    kept = json.loads(ak("deployment", "get", done["deployment_id"], "--json").stdout)
    assert kept["verdict"]["allow"] == [{"id": "AK101", "reason": "runs under asyncio.run"}]
    assert kept["verdict_holds"] is True


def test_the_dialect_is_kept(ak, project):
    done = deploy(ak, project(), "--dialect", "autokitteh")
    assert json.loads(ak("deployment", "get", done["deployment_id"], "--json").stdout)["dialect"] == "autokitteh"
    assert ak("deploy", project(), "--dialect", "esperanto").returncode == 40


def test_ignored_files_are_left_out_and_packages_are_not(ak, project):
    files = {"pkg__notes.txt": "x", ".gitignore": "*.log\nbuild/\n", ".akignore": "secret.txt\n", "big.log": "x",
             "secret.txt": "x", "build__made.py": "x = 1\n"}
    folder = project(**files)
    (folder / "pkg" / "__init__.py").write_text("")
    first = deploy(ak, folder)
    (folder / "big.log").write_text("other")
    (folder / "secret.txt").write_text("other")
    (folder / "build" / "made.py").write_text("x = 2\n")
    assert deploy(ak, folder)["content"] == first["content"]
    (folder / "pkg" / "__init__.py").write_text("y = 1\n")
    assert deploy(ak, folder)["content"] != first["content"]


def test_variables_of_the_manifest_are_there_while_the_code_loads(ak, project):
    code = "import os\nassert os.environ['GREETING'] == 'hello'\nassert os.environ['hook__webhook_url'].startswith('http')\n" + GOOD
    deploy(ak, project(**{"program.py": code}), "--allow", "AK102", "--reason", "reads its settings once")


def test_variables_are_set_masked_and_deleted(ak, project):
    deploy(ak, project())
    assert ak("var", "set", "TOKEN", "s3cret", "--secret").returncode == 0
    shown = ak("var", "get").stdout
    assert "hello" in shown and "s3cret" not in shown and "********" in shown
    assert ak("var", "delete", "TOKEN").returncode == 0
    assert ak("var", "get", "TOKEN").returncode == 44


def test_an_empty_value_of_the_manifest_leaves_what_was_set(ak, project):
    empty = MANIFEST.replace("value: hello", "value:")
    deploy(ak, project(**{"autokitteh.yaml": empty}))
    assert ak("var", "set", "GREETING", "set by hand").returncode == 0
    deploy(ak, project(**{"autokitteh.yaml": empty, "program.py": GOOD + "\nX = 1\n"}))
    assert ak.lines("var", "get", "GREETING", "--json")[0]["value"] == "set by hand"


def test_keys_are_set_read_and_deleted(ak, project):
    deploy(ak, project())
    assert ak("store", "set", "n", '{"a": [1, 2]}').returncode == 0
    assert ak.lines("store", "get", "n", "--json")[0]["value"] == {"a": [1, 2]}
    assert ak("store", "set", "n", "null").returncode == 0
    assert ak("store", "get", "n").returncode == 44


def test_manifest_commands(ak, project):
    folder = project()
    assert ak("manifest", "validate", folder).returncode == 0
    assert "create" in ak("manifest", "plan", folder).stdout
    assert ak("manifest", "validate", project(**REFUSED["version"])).returncode == 42
    assert ak("manifest", "validate", folder.parent / "nowhere").returncode == 44


def test_every_project_of_the_tests_passes(ak):
    for folder in sorted(p for p in PROJECTS.iterdir() if p.is_dir()):
        done = ak("deploy", folder)
        assert done.returncode == 0, done.stdout + done.stderr


def test_code_that_hangs_while_it_loads_is_refused_with_its_place(ak, project):
    folder = project(**{"program.py": "def spin():\n    while True:\n        pass\n\n\nspin()\n\n\ndef on_event(event):\n    pass\n"})
    assert ak("config", "set", "limits.load", "3").returncode == 0
    refused = ak("deploy", folder)
    assert refused.returncode == 42, refused.stdout + refused.stderr
    assert "loading takes too long; it stood at" in refused.stdout and ", line " in refused.stdout
