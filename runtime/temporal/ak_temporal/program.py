"""A session's program between two steps: a runner that is made, replayed and made again without the workflow noticing. Everything
here happens inside one workflow task and is bounded in time."""
import sys
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from . import records
from .host import Broken, Code, Host, Lost, Runner, Stuck

Json = Dict[str, Any]
MOST_LOSSES = 5
MODULE_SECONDS = 120


class SessionFailed(Exception):
    """The session ends here; `error` as the journal has it."""

    def __init__(self, error: Json) -> None:
        super().__init__(error["message"])
        self.error = error


@dataclass
class Limits:
    turn: float = 10.0


limits = Limits()


def show(session_id: str, stream: str, text: str) -> None:
    """What a program prints, on the worker's own output."""
    print(text, end="", file=sys.stderr if stream == "stderr" else sys.stdout, flush=True)


class Program:
    def __init__(self, host: Host, code: Code, run: Json, journal: records.Journal, replaying: Callable[[], bool],
                 mark: Callable[[str], bool], now: Callable[[], float]) -> None:
        """`mark` puts a mark into the history, or tells in a replay whether it is there."""
        self.host, self.code, self.run, self.journal = host, code, run, journal
        self.replaying, self.mark, self.now = replaying, mark, now
        self.runner: Optional[Runner] = None
        self.chunks: Iterator[List[Json]] = iter(())
        self.skip = 0           # prints that are recorded already
        self.losses = 0         # since the last new record
        self.known = 0          # steps that are answered, and the one that waits
        self.given = 0          # of them, those that this runner had from the history
        self.told = 0           # up to where it has replayed
        self.place: Json = {}   # of the latest step

    def close(self) -> None:
        if self.runner is not None:
            self.runner.close()
            self.runner = None

    def park(self) -> None:
        if self.runner is not None:
            self.runner.park()

    def next(self) -> Tuple[str, Json]:
        """Lets the program run to its next step: a callback, a request or done."""
        while True:
            try:
                runner = self.running()
                kind, payload = runner.receive(limits.turn)
            except Lost as exc:
                self.lost(str(exc))
                continue
            except Stuck as exc:
                self.stuck(str(exc))
            except Broken as exc:
                raise SessionFailed(records.error_of("protocol", "ProtocolError", str(exc), self.place)) from None
            if kind == "print":
                self.print(payload)
            elif kind == "replayed":
                self.told = payload.get("seq") or self.told
                self.feed()
            elif kind in ("callback", "request", "done"):
                self.compare(kind, payload)
                self.place = payload.get("where") or self.place
                return kind, payload
            else:
                raise SessionFailed(records.error_of("protocol", "ProtocolError",
                                                     "the runner sent a %s message where a step was due" % kind[:40], self.place))

    def compare(self, kind: str, payload: Json) -> None:
        """A step that is recorded is answered from the history. One that comes nevertheless is another one."""
        ended_early = kind == "done" and self.told < self.given
        seq = self.told + 1 if ended_early else self.known + 1 if kind == "done" else payload.get("seq")
        if not isinstance(seq, int) or self.given < seq != self.known + 1:
            raise SessionFailed(records.error_of("protocol", "ProtocolError", "the runner sent a step with the wrong number", self.place))
        if seq <= self.given:
            before, where = self.journal.answered()[seq - 1], payload.get("where") or {}
            now = "the end of the program" if kind == "done" else "%s at %s:%s" % (
                payload.get("name") or payload.get("op"), where.get("file"), where.get("line"))
            raise SessionFailed(records.error_of("divergence", "Divergence", "replay met another step %d: recorded is %s at %s:%s, now "
                                                 "it is %s" % (seq, before["name"], before.get("file"), before.get("line"), now), where))
        self.known += kind != "done"

    def answer(self, kind: str, payload: Json) -> None:
        """To the waiting program. One that was ended meanwhile finds the answer in its history."""
        self.losses = 0
        if self.runner is None:
            return
        try:
            if self.runner.resume():
                self.runner.send(kind, payload)
                return
        except Lost:
            pass
        self.close()

    def running(self) -> Runner:
        if self.runner is None or self.runner.closed:
            self.runner = self.host.runner(self.code)
            self.begin(self.runner)
        return self.runner

    def begin(self, runner: Runner) -> None:
        known = self.journal.answered()
        self.known, self.given, self.told = len(known), len(known), 0
        self.chunks, self.skip = records.chunks(known), self.journal.workflow_prints()
        kind, module = runner.receive(MODULE_SECONDS)
        if kind != "module":
            raise Broken("the runner sent a %s message where module was due" % kind[:40])
        if module.get("error"):
            raise SessionFailed(module["error"])
        runner.send("run", {**self.run, "replay": len(known)} if known else self.run)
        for _ in range(2):
            self.feed()

    def feed(self) -> None:
        """One more piece of the history, when there is one."""
        piece = next(self.chunks, None)
        if piece is not None and self.runner is not None:
            self.runner.send("history", {"records": piece})

    def print(self, payload: Json) -> None:
        if self.skip:
            self.skip -= 1
            return
        text, stream = payload.get("text", ""), payload.get("stream", "stdout")
        self.journal.add("print", self.now(), text=text, stream=stream)
        if not self.replaying():
            show(self.run["session_id"], stream, text)

    def lost(self, how: str) -> None:
        self.close()
        self.losses += 1
        if self.losses > MOST_LOSSES:
            words = "the runner was lost %d times in a row: %s" % (self.losses, how)
            self.verdict("lost", words)
            raise SessionFailed(records.error_of("lost", "RunnerLost", words, self.place))

    def stuck(self, where: str) -> None:
        self.close()
        words = "workflow code ran longer than %s s between two steps" % records.shown_number(limits.turn)
        self.verdict("stuck", words)
        file, _, line = where.rpartition(":")
        if file:
            words += ", at " + where
        raise SessionFailed(records.error_of("timeout", "TurnTimeout", words,
                                             {"file": file, "line": int(line)} if file else self.place))

    def verdict(self, what: str, words: str) -> None:
        """What ends a session here and now has to end it in every replay, so that it is marked in the history. A replay that meets it
        without the mark has met a slow or sick machine: an error that is no verdict makes Temporal try the task again."""
        if not self.mark("ak.%s.%d" % (what, self.known)):
            raise RuntimeError("%s while it was replayed: is this machine overloaded?" % words)
