"""What a handler receives."""
from __future__ import annotations

from .attr_dict import AttrDict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional

FIELDS = ("event_type", "event_id", "integration_id", "session_id", "created_at")


class Event(AttrDict):
    """The triggering event: a dict, its keys readable as attributes at every depth. Absent fields are None, absent data is {}."""

    data: AttrDict
    event_type: Optional[str]
    event_id: Optional[str]
    integration_id: Optional[str]
    session_id: Optional[str]
    created_at: Optional[str]

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        if name in FIELDS:
            return None
        if name == "data":
            return AttrDict()
        return super().__getattr__(name)
