"""Events that a running session waits for, and sessions that it starts."""
from __future__ import annotations

import time

from ._session import request, runner, seconds
from .attr_dict import wrap
from .event import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Union

POLL_SECONDS = 0.1


def subscribe(source: str, filter: str = "") -> str:
    """Events of a connection or trigger queue from now on. Returns the subscription's id."""
    return str(request("subscribe", "subscribe", {"source": source, "filter": filter}))


def unsubscribe(subscription_id: str) -> None:
    request("unsubscribe", "unsubscribe", {"id": subscription_id})


def next_event(subscription_id: Union[str, List[str]], *, timeout: Any = None, full: bool = False) -> Any:
    """The data of the next event, or the event itself with `full`; None when `timeout` (seconds or timedelta) has passed."""
    ids = [subscription_id] if isinstance(subscription_id, str) else list(subscription_id)
    limit, module = seconds(timeout, "timeout"), runner()
    if module is not None and module.in_activity():
        event = _look_for_event(ids, limit)
    else:
        event = request("next_event", "next_event", {"ids": ids, "timeout": limit})
    if event is None:
        return None
    return Event(event) if full else wrap(event.get("data") or {})


def _look_for_event(ids: List[str], limit: Optional[float]) -> Any:
    """Inside an activity the engine does not wait: it says what is there now."""
    begun = time.monotonic()
    while True:
        event = request("next_event", "next_event", {"ids": ids, "timeout": 0})
        if event is not None or limit is not None and time.monotonic() - begun >= limit:
            return event
        time.sleep(POLL_SECONDS)


def start(loc: str, data: Optional[Dict[str, Any]] = None, memo: Optional[Dict[str, Any]] = None, project: str = "") -> str:
    """Starts another session ("file.py:func") of this deployment. Returns its id."""
    args: Dict[str, Any] = {"loc": loc, "data": data or {}, "memo": memo or {}}
    if project:
        args["project"] = project
    return str(request("start", "start", args))
