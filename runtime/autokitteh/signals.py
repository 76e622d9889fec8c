"""Signals between sessions."""
from __future__ import annotations

from ._session import request, runner, seconds
from .attr_dict import wrap
from .errors import AutoKittehError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional, Union


class Signal:
    def __init__(self, name: str, payload: Any = None, session_id: Optional[str] = None) -> None:
        self.name, self.payload, self.session_id = name, payload, session_id

    def __repr__(self) -> str:
        return f"Signal(name={self.name!r}, payload={self.payload!r}, session_id={self.session_id!r})"

    def __eq__(self, other: object) -> bool:
        return self.__dict__ == other.__dict__ if isinstance(other, Signal) else NotImplemented

    __hash__ = None     # type: ignore[assignment]


def signal(session_id: str, name: str, payload: Any = None) -> None:
    request("signal", "signal", {"session_id": session_id, "name": name, "payload": payload})


def next_signal(name: Union[str, List[str]], *, timeout: Any = None) -> Optional[Signal]:
    """The next signal of one of the names, None after `timeout`. A child's session id as name means its completion."""
    module = runner()
    if module is not None and module.in_activity():
        raise AutoKittehError("next_signal() cannot be called inside an activity")
    names = [name] if isinstance(name, str) else list(name)
    found = request("next_signal", "next_signal", {"names": names, "timeout": seconds(timeout, "timeout")})
    if found is None:
        return None
    return Signal(found["name"], wrap(found.get("payload")), found.get("session_id"))
