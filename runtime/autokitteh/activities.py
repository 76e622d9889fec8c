"""Marks: which functions are recorded as one step."""
from __future__ import annotations

import functools
import sys

from ._session import seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Iterable, Optional


def activity(fn: Optional[Callable[..., Any]] = None, *, retries: Optional[int] = None, timeout: Any = None,
             backoff: Any = None, name: Optional[str] = None) -> Any:
    """Marks a function, method or class: calling it is one recorded step, inside of which everything runs directly.

    `retries` more attempts after a failure, `timeout` for one attempt, `backoff` before the first retry (seconds or timedelta)."""
    options = checked(retries, timeout, backoff, name)

    def mark(target: Any) -> Any:
        if not callable(target):
            raise TypeError(f"@activity marks functions and classes, not {type(target).__name__}")
        target.__ak_activity__ = options or True
        return target

    return mark if fn is None else mark(fn)


def checked(retries: Any, timeout: Any, backoff: Any, name: Any) -> Any:
    if retries is not None and (isinstance(retries, bool) or not isinstance(retries, int) or retries < 0):
        raise ValueError("retries must be a whole number, 0 or more")
    if name is not None and not (isinstance(name, str) and name):
        raise TypeError("the name of a step must be a string")
    options = {"retries": retries, "timeout": seconds(timeout, "timeout"), "backoff": seconds(backoff, "backoff"), "name": name}
    return {key: value for key, value in options.items() if value is not None}


class Inhibited:
    """Outside of a session there is nothing to inhibit."""

    def __enter__(self) -> None:
        runner = sys.modules.get("ak_runner")
        self.inner = runner.inhibited() if runner is not None else None
        if self.inner is not None:
            self.inner.__enter__()

    def __exit__(self, *raised: Any) -> None:
        if self.inner is not None:
            self.inner.__exit__(*raised)


def inhibit_activities(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Nothing that the function calls is recorded: it runs again on replay and must be quick."""
    code = getattr(fn, "__code__", None)
    if code is not None and code.co_flags & 0x80:
        @functools.wraps(fn)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            with Inhibited():
                return await fn(*args, **kwargs)
    else:
        @functools.wraps(fn)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with Inhibited():
                return fn(*args, **kwargs)
    wrapper.__ak_activity__ = False     # type: ignore[attr-defined]
    return wrapper


def register_no_activity(items: Iterable[Any]) -> None:
    """Callables, or classes with all their methods, whose calls run in place."""
    runner = sys.modules.get("ak_runner")
    for item in items:
        if not callable(item):
            raise TypeError(f"register_no_activity takes functions and classes, not {type(item).__name__}")
        if runner is not None:
            runner.no_activity(item)
