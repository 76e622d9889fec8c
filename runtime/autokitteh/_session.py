"""The way to the runner, looked up at each call: these modules may be imported long before a session starts."""
from __future__ import annotations

import sys

from .errors import AutoKittehError

TYPE_CHECKING = False    # to import typing takes as long as all of this package; checkers know the name
if TYPE_CHECKING:
    from typing import Any, Dict


def runner() -> Any:
    """The runner's module while a session runs, else None."""
    module = sys.modules.get("ak_runner")
    return module if module is not None and module.in_session() else None


def request(op: str, what: str, args: Dict[str, Any]) -> Any:
    """Asks the engine; `what` is the function to name when there is none."""
    module = runner()
    if module is None:
        raise AutoKittehError(f"{what}() works in a session only: start the program with `ak run` or `ak deploy`")
    return module.current().request(op, args)


def seconds(value: Any, what: str) -> Any:
    """A number of seconds or a timedelta, as a float; None stays None."""
    if value is None:
        return None
    if hasattr(value, "total_seconds"):
        value = value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{what} must be a number of seconds or a timedelta, not {type(value).__name__}")
    if value != value or value < 0:
        raise ValueError(f"{what} must not be negative")
    return float(value)
