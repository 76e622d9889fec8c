"""What a session remembers, in the words of the embedded journal (docs/journal.md, `ak session log --json`). Pure."""
import base64
import json
import pickle
from typing import Any, Dict, Iterator, List, Optional

Json = Dict[str, Any]

# Of a record, what only replay needs.
HIDDEN = ("pickled",)
CHUNK_BYTES = 1 << 20
CHUNK_RECORDS = 2000


class Journal:
    def __init__(self, records: Optional[List[Json]] = None) -> None:
        self.records: List[Json] = records or []

    def add(self, kind: str, at: float, **fields: Any) -> Json:
        record = {"number": len(self.records), "kind": kind, "at": at, **{k: v for k, v in fields.items() if v is not None}}
        self.records.append(record)
        return record

    def answered(self) -> List[Json]:
        """The records that answer a call or a request, in order of seq."""
        return [r for r in self.records if r["kind"] in ("call", "answer") or r["kind"] == "ask" and r["name"] == "sleep"]

    def wait(self) -> Optional[Json]:
        """What it waits for, as the API has it."""
        last = self.records[-1] if self.records else {"kind": ""}
        if last["kind"] not in ("ask", "attempt"):
            return None
        kind = "retry" if last["kind"] == "attempt" else {"next_event": "event", "next_signal": "signal"}.get(last["name"], last["name"])
        found = {"kind": kind, "text": last["name"] if kind == "retry" else None, "seq": last.get("seq"), "since": last["at"], "until": last.get("due")}
        return {k: v for k, v in found.items() if v is not None}

    def workflow_prints(self) -> int:
        return sum(1 for r in self.records if r["kind"] == "print" and not r.get("seq"))

    def log(self, start: int) -> List[Json]:
        """A page of what people see."""
        page: List[Json] = []
        size = 0
        for record in self.records[start:]:
            shown = {k: v for k, v in record.items() if k not in HIDDEN}
            size += 200 + len(str(shown.get("value", ""))) + len(str(shown.get("args", "")))
            if page and size > CHUNK_BYTES:
                break
            page.append(shown)
        return page


def place(payload: Json) -> Json:
    where = payload.get("where") or {}
    return {"file": where.get("file"), "line": where.get("line"), "func": where.get("func")}


def history_of(record: Json) -> Json:
    """As a `history` message of the protocol has it."""
    if record["kind"] == "call":
        kept = {"name": record["name"], "value": record.get("pickled"), "at": record["at"], "digest": record.get("digest")}
    elif record["kind"] == "ask":
        kept = {"op": record["name"], "value": None, "at": record["due"], "args": record.get("args")}
    else:
        kept = {"op": record["name"], "value": record.get("value"), "at": record["at"], "args": record.get("args")}
    if record.get("error") is not None:
        kept["error"] = record["error"]
    return kept


def chunks(records: List[Json]) -> Iterator[List[Json]]:
    piece: List[Json] = []
    size = 0
    for record in map(history_of, records):
        weight = 200 + len(record["value"] if isinstance(record["value"], str) else str(record["value"]))
        if piece and (size + weight > CHUNK_BYTES or len(piece) >= CHUNK_RECORDS):
            yield piece
            piece, size = [], 0
        piece.append(record)
        size += weight
    if piece:
        yield piece


def error_of(kind: str, type_name: str, message: str, where: Optional[Json] = None) -> Json:
    where = where or {}
    frames = [{"file": where["file"], "line": where.get("line") or 0, "name": where.get("func") or "", "code": ""}] \
        if where.get("file") else []
    return {"type": type_name, "message": message, "traceback": frames, "kind": kind}


def pickled_timeout(words: str) -> str:
    return base64.b64encode(pickle.dumps(TimeoutError(words), 0, fix_imports=False)).decode()


def shown_number(seconds: float) -> str:
    return ("%f" % seconds).rstrip("0").rstrip(".")


# Identifiers: sortable, as the embedded engine makes them.

DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(prefix: str, ms: int, random: Any) -> str:
    time_part = "".join(DIGITS[ms >> 5 * i & 31] for i in range(9, -1, -1))
    return "%s_%s%s" % (prefix, time_part, "".join(DIGITS[random.randrange(32)] for _ in range(16)))


def compact(value: Any) -> str:
    return json.dumps(value, separators=(", ", ": "))


def timed_out(seconds: float, where: Optional[Json]) -> Json:
    """The outcome of a call that took too long, as the embedded engine has it."""
    words = "the call took longer than %s s" % shown_number(seconds)
    return {"value": pickled_timeout(words), "error": error_of("timeout", "TimeoutError", words, where)}
