"""Files for other programs, held against their schemas."""
import subprocess
import sys

import pytest

import tools
from conftest import ROOT


def check(*args, status=0):
    tools.need_module("check_jsonschema")
    return tools.run(sys.executable, "-m", "check_jsonschema", *args, status=status)


@pytest.mark.parametrize("schema, file", [("vendor.github-actions", "action.yml"),
                                          ("vendor.gitlab-ci", "templates/aklint.gitlab-ci.yml")])
def test_file_follows_the_schema(schema, file):
    check("--builtin-schema", schema, ROOT / file)


def test_a_wrong_action_is_refused(tmp_path):
    (tmp_path / "action.yml").write_text((ROOT / "action.yml").read_text().replace("using: composite", "using: magic"))
    check("--builtin-schema", "vendor.github-actions", tmp_path / "action.yml", status=1)


def test_hooks_are_valid():
    tools.need_module("pre_commit")
    tools.run(sys.executable, "-m", "pre_commit", "validate-manifest", ROOT / ".pre-commit-hooks.yaml")


def test_settings_schema_is_a_schema():
    check("--check-metaschema", ROOT / "docs/aklint.schema.json")


def test_the_shell_of_the_action_parses_and_keeps_arguments_apart(tmp_path):
    tools.need_module("yaml")
    tools.need_program("bash")
    import yaml
    step = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"][-1]
    fake = tmp_path / "aklint/bin/aklint"
    fake.parent.mkdir(parents=True)
    fake.write_text('#!/bin/sh\nprintf "%s|" "$@"\n')
    fake.chmod(0o755)
    env = {"RUNNER_TEMP": str(tmp_path), "PATH": "/usr/bin:/bin", "PATHS": "a b*", "ARGS": "--show notes", "SINCE": "main",
           "SARIF": "out.sarif"}
    said = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", step["run"]], env=env, capture_output=True, text=True,
                          cwd=tmp_path, timeout=30)
    assert said.stdout == "check|--format|github|--show|notes|--changed-since|main|--output|sarif=out.sarif|--|a|b*|"
