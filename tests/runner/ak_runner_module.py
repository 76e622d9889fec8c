"""ak_runner as a module of the test process, for its pure functions."""
import importlib.util
import sys

from harness import RUNNER


def load():
    if "ak_runner" not in sys.modules:
        spec = importlib.util.spec_from_file_location("ak_runner", RUNNER)
        module = importlib.util.module_from_spec(spec)
        sys.modules["ak_runner"] = module
        spec.loader.exec_module(module)
    return sys.modules["ak_runner"]
