"""What `ak` runs: `python -m ak_temporal worker|start|deploy|fire|serve …`. Errors are one sentence; the exit codes are those of `ak`."""
import argparse
import importlib
import os
import sys
from typing import List, NoReturn

USAGE, MISSING = 40, 44


class Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print("ak: %s" % message, file=sys.stderr)
        sys.exit(USAGE)


def main(argv: List[str]) -> int:
    try:
        import temporalio.worker    # noqa: F401
    except ImportError as exc:
        print("ak: Temporal's SDK is not there for %s (%s): leave out --sdk-python, and ak makes an environment that has it" % (
            sys.executable, exc), file=sys.stderr)
        return MISSING
    from .client import Refusal

    if sys.argv[0].endswith("__main__.py"):
        sys.argv[0] = "ak"
    parser = Parser(prog="ak", allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, parser_class=Parser)
    for name in ("worker", "start", "deploy", "fire", "serve"):
        module = importlib.import_module("." + name, __package__)
        command = commands.add_parser(name, allow_abbrev=False)
        module.add_arguments(command)
        command.set_defaults(main=module.main)
    args = parser.parse_args(argv)
    try:
        return int(args.main(args))
    except Refusal as exc:
        print("ak: %s" % exc, file=sys.stderr)
        return exc.code


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # The SDK has threads of its own, which an interpreter that is taken down would meet.
    os._exit(code)
