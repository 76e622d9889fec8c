"""`ak deploy` and what a project needs: environments made once for their content, never in the user's own."""
import json
import os
import sys
import venv
import zipfile

import pytest

from run_host import Ak
from serve_host import Server

MANIFEST = """version: v1
project:
  name: environment_sample
  triggers:
    - name: hook
      type: webhook
      call: program.py:on_event
      is_sync: true
"""
PROGRAM = """import sys

import autokitteh
from akt_colors import NAME


def on_event(event):
    autokitteh.http_outcome(json={"color": NAME, "prefix": sys.prefix})
"""
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": ""}


def make_wheel(folder, version, color):
    folder.mkdir(exist_ok=True)
    info = f"akt_colors-{version}.dist-info"
    with zipfile.ZipFile(folder / f"akt_colors-{version}-py3-none-any.whl", "w") as wheel:
        wheel.writestr("akt_colors.py", f"NAME = {color!r}\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: akt-colors\nVersion: {version}\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", f"akt_colors.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    make_wheel(tmp_path / "wheels", "1.0", "red")
    make_wheel(tmp_path / "wheels", "2.0", "blue")
    (folder / "autokitteh.yaml").write_text(MANIFEST)
    (folder / "program.py").write_text(PROGRAM)
    (folder / "requirements.txt").write_text("akt-colors==1.0  # the old one\nautokitteh\n")
    (folder / "pyproject.toml").write_text('[tool.ak]\nwheels = "../wheels"\n')
    return folder


@pytest.fixture
def ak(tmp_path):
    return Ak(tmp_path / "state")


def deploy(ak, project, *args):
    return ak("deploy", project, *args, env=OFFLINE, timeout=120)


def environments(ak):
    folder = ak.data + "/envs"
    return sorted(e for e in os.listdir(folder) if not e.endswith(".lock")) if os.path.isdir(folder) else []


def deployments(ak):
    return ak.lines("deployment", "list", "--json")


def test_requirements_are_installed_once_and_served_and_go_with_their_deployments(ak, project, tmp_path):
    first = deploy(ak, project)
    assert first.returncode == 0, first.stderr
    assert "[env]  1 requirement, Python 3." in first.stderr and "Successfully installed akt-colors-1.0" in first.stderr
    assert len(environments(ak)) == 1
    again = deploy(ak, project)
    assert again.returncode == 0 and "[env]" not in again.stderr and "nothing has changed" in again.stdout

    server = Server(tmp_path / "state").start()
    try:
        path = "/webhooks/" + ak.lines("trigger", "list", "--json")[0]["path"].rsplit("/", 1)[1]
        answer = server.request("GET", path).json
        assert answer == {"color": "red", "prefix": f"{os.path.realpath(ak.data)}/envs/{environments(ak)[0]}"}

        (project / "requirements.txt").write_text("akt-colors==2.0\n")
        assert deploy(ak, project).returncode == 0
        assert len(environments(ak)) == 2
        assert server.request("GET", path).json["color"] == "blue"
    finally:
        server.kill()
    old = deployments(ak)[1]
    session = ak.sessions()
    assert ak("session", "delete", "--force", *[s["id"] for s in session]).returncode == 0
    assert ak("deployment", "delete", old["deployment_id"]).returncode == 0
    assert len(environments(ak)) == 1


def test_a_session_is_replayed_in_its_environment(ak, project, tmp_path):
    assert deploy(ak, project).returncode == 0
    server = Server(tmp_path / "state").start()
    try:
        path = ak.lines("trigger", "list", "--json")[0]["path"]
        assert server.request("GET", path).status == 200
    finally:
        server.stop()
    replayed = ak("session", "replay", ak.sessions()[0]["id"])
    assert replayed.returncode == 0, replayed.stderr


def test_a_setting_whose_interpreter_does_not_run_is_named(ak, project):
    assert ak("config", "set", "run.python", "/not/there/python3").returncode == 0
    done = deploy(ak, project)
    assert done.returncode == 42 and "the setting run.python is /not/there/python3, which does not run here" in done.stderr
    assert deployments(ak) == []


def test_what_cannot_be_installed_is_42_and_changes_nothing(ak, project):
    (project / "requirements.txt").write_text("akt-colors==9.9\n")
    done = deploy(ak, project)
    assert done.returncode == 42 and "akt-colors==9.9" in done.stderr and "nothing was changed" in done.stderr
    assert environments(ak) == [] and deployments(ak) == []
    quiet = deploy(ak, project, "--json")
    assert quiet.returncode == 42 and "akt-colors==9.9" in quiet.stderr


def test_dependencies_of_the_project_table_will_do(ak, project):
    (project / "requirements.txt").unlink()
    (project / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1"\ndependencies = ["akt-colors>=1,<2"]\n[tool.ak]\nwheels = "../wheels"\n')
    done = deploy(ak, project, "--json")
    assert done.returncode == 0, done.stderr
    manifest = json.loads(ak("deployment", "get", deployments(ak)[0]["deployment_id"], "--json").stdout)["manifest"]
    assert manifest["requirements"] == ["akt-colors>=1,<2"]


def test_an_environment_that_is_named_is_the_users_and_stays_as_it_is(ak, project, tmp_path):
    own = tmp_path / "own"
    venv.create(own, with_pip=False)
    site = next((own / "lib").glob("python3*")) / "site-packages"
    (site / "akt_colors.py").write_text("NAME = 'green'\n")
    before = sorted(os.listdir(site))
    (project / "pyproject.toml").write_text(f'[tool.ak]\npython = "{own}"\n')
    done = deploy(ak, project)
    assert done.returncode == 0, done.stderr
    assert "[env]" not in done.stderr and environments(ak) == []
    assert [n for n in sorted(os.listdir(site)) if n != "__pycache__"] == [n for n in before if n != "__pycache__"]


def test_requirements_of_other_files_are_read_and_local_packages_refused(ak, project):
    (project / "more").mkdir()
    (project / "more" / "base.txt").write_text("akt-colors\\\n  ==1.0\n")
    (project / "requirements.txt").write_text("-r more/base.txt\n")
    assert deploy(ak, project).returncode == 0
    for line in ("-e .", "./local", "-c pins.txt", "-r requirements.txt"):
        (project / "requirements.txt").write_text(line + "\n")
        assert deploy(ak, project).returncode == 42


def test_an_interpreter_of_ones_own_gets_an_environment_of_its_own(ak, project, tmp_path):
    """That of the tests is not the one that `ak` was built with."""
    own = os.path.realpath(sys.executable)
    (project / "pyproject.toml").write_text(f'[tool.ak]\npython = "{own}"\nwheels = "../wheels"\n')
    done = deploy(ak, project)
    assert done.returncode == 0, done.stderr
    server = Server(tmp_path / "state").start()
    try:
        answer = server.request("GET", ak.lines("trigger", "list", "--json")[0]["path"]).json
    finally:
        server.kill()
    assert answer["color"] == "red" and answer["prefix"].endswith(environments(ak)[0])
    config = open(f"{ak.data}/envs/{environments(ak)[0]}/pyvenv.cfg").read()
    assert os.path.dirname(own) in config


def test_an_environment_that_was_deleted_is_told_and_made_again(ak, project, tmp_path):
    import shutil
    assert deploy(ak, project).returncode == 0
    shutil.rmtree(f"{ak.data}/envs/{environments(ak)[0]}")
    server = Server(tmp_path / "state").start()
    try:
        path = ak.lines("trigger", "list", "--json")[0]["path"]
        assert server.request("GET", path, timeout=40).status == 500
        assert "deploy it again" in server.words()
        assert deploy(ak, project).returncode == 0 and len(environments(ak)) == 1
        assert server.request("GET", path).json["color"] == "red"
    finally:
        server.kill()
