"""Reads sessions and their journals from a store's file, by docs/journal.md alone: a second reader of the format, and one
that needs no process."""
import json
import sqlite3
import struct
from pathlib import Path

STATES = {1: "created", 2: "running", 3: "completed", 4: "error", 5: "stopped"}
KINDS = {1: "start", 2: "call", 3: "attempt", 4: "ask", 5: "answer", 6: "print", 7: "done"}
NUMBERS = {1: "at", 2: "start", 3: "due", 4: "seq", 5: "attempt", 6: "mail", 7: "state", 8: "stream", 9: "in_memory",
           10: "line"}
TEXTS = {32: "file", 33: "func", 34: "name", 35: "digest", 36: "preview", 37: "result", 38: "args", 39: "value",
         40: "error", 41: "text", 42: "seed", 43: "dialect", 44: "parent"}


def fields(data):
    at = 0
    while at < len(data):
        tag = data[at]
        if tag < 32:
            yield NUMBERS[tag], struct.unpack_from("<Q", data, at + 1)[0]
            at += 9
        else:
            size = struct.unpack_from("<I", data, at + 1)[0]
            text = data[at + 5:at + 5 + size]
            assert len(text) == size, "a text is longer than its record"
            yield TEXTS[tag], text.decode("utf-8", "surrogateescape")
            at += 5 + size


def record(data, number):
    version, kind, zero, length, own = struct.unpack_from("<BBHIQ", data)
    assert (version, zero, length, own) == (1, 0, len(data), number), "record %d is not spelt as docs/journal.md says" % number
    found = list(fields(data[16:-8]))
    tags = [{v: k for k, v in {**NUMBERS, **TEXTS}.items()}[name] for name, _ in found]
    assert tags == sorted(set(tags)), "fields of record %d are not in rising order" % number
    return {"number": number, "kind": KINDS[kind], **dict(found)}


class Store:
    """One moment of a store that nobody writes to."""

    def __init__(self, data):
        self.sessions, self.journals = [], {}
        file = Path(data) / "ak.db"
        if not file.exists():
            return
        base = sqlite3.connect(str(file))
        base.row_factory = sqlite3.Row
        try:
            self._read(base)
        finally:
            base.close()

    def _read(self, base):
        for row in base.execute("SELECT * FROM session ORDER BY n DESC"):
            session = {"id": row["id"], "state": STATES[row["state"]], "parent_id": row["parent_id"], "value": row["value"],
                       "error": json.loads(row["error"]) if row["error"] else None}
            journal = [record(bytes(r["bytes"]), r["number"]) for r in base.execute(
                "SELECT number, bytes FROM journal WHERE session = ? ORDER BY number", (row["n"],))]
            assert [r["number"] for r in journal] == list(range(row["length"])), "the journal of %s has holes" % row["id"]
            self.sessions.append(session)
            self.journals[session["id"]] = journal
