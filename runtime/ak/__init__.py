"""Deterministic values and durable waiting for workflow code. In a session they come from the session itself: free, the same on
replay. Inside an activity, and outside a session, they are the real ones."""
import sys
from datetime import datetime, timezone
from random import Random
from time import sleep as _sleep
from typing import Any, Callable, Optional
from uuid import UUID
from uuid import uuid4 as _uuid4

__all__ = ["now", "random", "sleep", "step", "uuid4"]

_outside = Random()


def _session() -> Any:
    runner = sys.modules.get("ak_runner")
    return runner.current() if runner is not None and runner.in_session() else None


def now() -> datetime:
    """The time of the last thing that the session waited for, in UTC."""
    session = _session()
    return datetime.now(timezone.utc) if session is None else datetime.fromtimestamp(session.now(), timezone.utc)


def uuid4() -> UUID:
    """A random UUID, drawn from the session's seed."""
    session = _session()
    return _uuid4() if session is None else session.uuid4()


def random() -> Random:
    """The session's generator, seeded once: `ak.random().choice(xs)`."""
    session = _session()
    return _outside if session is None or session.quiet else session.random()


def sleep(seconds: Any) -> None:
    """The durable timer, as time.sleep is. Takes a timedelta too."""
    if hasattr(seconds, "total_seconds"):
        seconds = seconds.total_seconds()
    session = _session()
    if session is None:
        _sleep(seconds)
    else:
        session.sleep_call(seconds)


def step(name: Any = None, *, retries: Optional[int] = None, timeout: Any = None, backoff: Any = None) -> Callable[..., Any]:
    """Marks a function as one recorded step, under a name of its own in the session's log: `@ak.step("charge the card")`."""
    from autokitteh import activity

    if callable(name):
        return activity(name)   # type: ignore[no-any-return]
    return activity(retries=retries, timeout=timeout, backoff=backoff, name=name)   # type: ignore[no-any-return]
