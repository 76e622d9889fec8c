"""The version of Temporal's SDK that a project pins decides which of its names exist."""
import json

import pytest

from conftest import aklint

FLOW = """
from datetime import timedelta

from temporalio import workflow


@workflow.defn
class Order:
    @workflow.run
    async def run(self) -> None:
        await workflow.sleep(timedelta(seconds=1))
"""


def names(folder):
    found = json.loads(aklint("--format", "json", ".", cwd=folder).stdout)
    return [f["message"] for f in found if f["code"] == "AK801"]


@pytest.mark.parametrize("file, text, known", [
    ("poetry.lock", '[[package]]\nname = "temporalio"\nversion = "1.5.1"\n', False),
    ("uv.lock", '[[package]]\nname = "temporalio"\nversion = "1.20.0"\n', True),
    ("requirements.txt", "temporalio==1.5.1\n", False),
    ("requirements.txt", "temporalio[opentelemetry]>=1.20,<2\n", True),
    ("pyproject.toml", '[project]\nname = "x"\nversion = "1"\ndependencies = ["temporalio==1.5.1"]\n', False),
    ("pyproject.toml", '[tool.poetry.dependencies]\ntemporalio = {version = "^1.20", extras = ["x"]}\n', True),
    ("requirements.txt", "temporalio-extras==1.5.1\n", True),
])
def test_a_name_that_the_pinned_version_lacks_is_told(tmp_path, file, text, known):
    (tmp_path / "flow.py").write_text(FLOW)
    (tmp_path / file).write_text(text)
    assert (names(tmp_path) == []) == known, names(tmp_path)
