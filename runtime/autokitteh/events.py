"""Events that a running session waits for, and sessions that it starts."""
from __future__ import annotations

from ._session import request, seconds
from .attr_dict import wrap
from .event import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Union


def subscribe(source: str, filter: str = "") -> str:
    """Events of a connection or trigger queue from now on. Returns the subscription's id."""
    return str(request("subscribe", "subscribe", {"source": source, "filter": filter}))


def unsubscribe(subscription_id: str) -> None:
    request("unsubscribe", "unsubscribe", {"id": subscription_id})


def next_event(subscription_id: Union[str, List[str]], *, timeout: Any = None, full: bool = False) -> Any:
    """The data of the next event, or the event itself with `full`; None when `timeout` (seconds or timedelta) has passed."""
    ids = [subscription_id] if isinstance(subscription_id, str) else list(subscription_id)
    event = request("next_event", "next_event", {"ids": ids, "timeout": seconds(timeout, "timeout")})
    if event is None:
        return None
    return Event(event) if full else wrap(event.get("data") or {})


def start(loc: str, data: Optional[Dict[str, Any]] = None, memo: Optional[Dict[str, Any]] = None, project: str = "") -> str:
    """Starts another session ("file.py:func") of this deployment. Returns its id."""
    args: Dict[str, Any] = {"loc": loc, "data": data or {}, "memo": memo or {}}
    if project:
        args["project"] = project
    return str(request("start", "start", args))
