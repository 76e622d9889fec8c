"""What a session answers to whoever waits for it."""
from __future__ import annotations

import base64

from ._session import request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Optional


def outcome(value: Any) -> None:
    request("outcome", "outcome", {"value": value})


def http_outcome(status_code: int = 200, body: Any = None, json: Any = None, headers: Optional[Dict[str, str]] = None,
                 more: bool = False, event_id: Optional[str] = None) -> None:
    """The answer to a synchronous webhook's request; `more` says that further parts follow."""
    if body is not None and json is not None:
        raise ValueError("http_outcome takes a body or json, not both")
    value: Dict[str, Any] = {"status_code": status_code, "headers": dict(headers or {}), "more": bool(more)}
    if isinstance(body, (bytes, bytearray)):
        value["body_base64"] = base64.b64encode(bytes(body)).decode("ascii")
    elif body is not None:
        value["body"] = body if isinstance(body, str) else str(body)
    if json is not None:
        value["json"] = json
    if event_id is not None:
        value["event_id"] = event_id
    request("outcome", "http_outcome", {"value": value})
