"""A small engine for tests: drives ak_runner.py over its socket, first execution or replay, base protocol or 2.

It has a clock of its own (one second a record), so that nothing here waits; every run is bounded in time."""
import base64
import io
import json
import os
import pickle
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RUNNER = os.path.join(ROOT, "ak_runner.py")
TIME_LIMIT = 60


class Run:
    """What one execution showed."""

    def __init__(self):
        self.module = None
        self.sent = []          # every message of the runner: (type, payload)
        self.lines = []         # and its bytes
        self.replayed = []      # how far the runner said it had come in a history sent ahead
        self.calls = []         # names of recorded calls, executed or replayed
        self.executed = []      # names of calls carried out in this run
        self.requests = []
        self.prints = []        # (stream, text, seq)
        self.journal = []
        self.done = None
        self.code = None
        self.stderr = ""
        self.stdout = ""

    @property
    def text(self):
        return "".join(text for stream, text, _ in self.prints if stream == "stdout")

    @property
    def errors(self):
        return "".join(text for stream, text, _ in self.prints if stream == "stderr")

    @property
    def error(self):
        return (self.done or {}).get("error")


class Engine:
    """Answers a runner. `journal` holds what a former run recorded; `attempts` lets calls fail and be told to do it again."""

    def __init__(self, proto=2, dialect="ak", journal=(), answers=None, attempts=1, seed="00ff", stop_after=None, at=1000.0,
                 ahead=0):
        self.proto, self.dialect, self.seed, self.at = proto, dialect, seed, at
        self.journal, self.answers, self.attempts = list(journal), answers or {}, attempts
        self.stop_after, self.ahead = stop_after, ahead

    def talk(self, sock, run, func, event):
        self.file, self.sock, self.run = sock.makefile("rb"), sock, run
        kind, run.module = self.receive()
        assert kind == "module", kind
        payload = {"func_name": func, "event": event}
        if self.proto == 2:
            payload.update(proto=2, session_id="ses_1", dialect=self.dialect, seed=self.seed, at=self.at)
        if run.module.get("error"):
            return
        if self.ahead:
            payload["replay"] = len(self.journal)
        self.send("run", payload)
        self.send_ahead()
        while True:
            kind, payload = self.receive()
            if kind is None or kind == "done":
                run.done = payload
                return
            getattr(self, "on_" + kind)(payload)
            if self.stop_after is not None and len(run.journal) >= self.stop_after:
                return

    def send_ahead(self):
        """The journal in `history` messages of `ahead` records each: the runner needs not ask for them."""
        for start in range(0, len(self.journal) if self.ahead else 0, self.ahead or 1):
            records = []
            for record in self.journal[start:start + self.ahead]:
                shown = {"at": record["at"]}
                if "reply" in record:
                    shown.update(op=record["name"], value=record["reply"])
                else:
                    shown.update(name=record["name"], value=record["value"])
                    shown.update({k: record[k] for k in ("error", "digest") if record.get(k)})
                records.append(shown)
            self.send("history", {"records": records})

    def receive(self):
        line = self.file.readline()
        if not line:
            return None, None
        message = json.loads(line)
        self.run.lines.append(line)
        self.run.sent.append((message["type"], message.get("payload")))
        return message["type"], message.get("payload", {} if message["type"] == "done" else None)

    def send(self, kind, payload):
        self.sock.sendall(json.dumps({"type": kind, "payload": payload}).encode() + b"\n")

    def on_print(self, payload):
        self.run.prints.append((payload["stream"], payload["text"], payload["seq"]))

    def on_replayed(self, payload):
        self.run.replayed.append(payload["seq"])

    def on_callback(self, payload):
        self.run.calls.append(payload["name"])
        seq = payload.get("seq", len(self.run.journal) + 1) - 1
        if seq < len(self.journal):
            record = self.journal[seq]
            assert record["name"] == payload["name"], (record["name"], payload["name"])
        else:
            record = self.execute(payload)
            if record is None:
                return
        self.run.journal.append(record)
        answer = {"value": record["value"]}
        if self.proto == 2:
            answer.update(seq=payload["seq"], at=record["at"])
            if record.get("error"):
                answer["error"] = record["error"]
        self.send("response", answer)

    def execute(self, payload):
        for attempt in range(1, self.attempts + 1):
            self.run.executed.append(payload["name"])
            echo = {"name": payload["name"], "args": None, "kw": None, "data": payload["data"]}
            if self.proto == 2:
                echo.update(seq=payload["seq"], attempt=attempt)
            self.send("callback", echo)
            answer = self.answer_of_call()
            if answer is None or not answer.get("error"):
                break
        if answer is None:
            return None
        self.at += 1
        return {"name": payload["name"], "value": answer["value"], "error": answer.get("error"), "at": self.at}

    def answer_of_call(self):
        while True:
            kind, answer = self.receive()
            if kind == "print":
                self.on_print(answer)
            elif kind == "request":
                self.on_request(answer)
            else:
                assert kind in ("response", None), kind
                return answer

    def on_request(self, payload):
        self.run.requests.append((payload["op"], payload["args"]))
        seq = payload["seq"] - 1
        if payload["seq"] and seq < len(self.journal):
            record = self.journal[seq]
            assert record["name"] == payload["op"], (record["name"], payload["op"])
        else:
            self.at += payload["args"]["seconds"] if payload["op"] == "sleep" else 0.5
            answer = self.answers.get(payload["op"])
            if callable(answer):
                answer = answer(payload["args"])
            elif isinstance(answer, list):
                answer = answer.pop(0)
            record = {"name": payload["op"], "reply": answer, "at": self.at}
        if payload["seq"]:
            self.run.journal.append(record)
        reply = {"seq": payload["seq"], "at": record["at"]}
        if isinstance(record["reply"], dict) and "error" in record["reply"]:
            reply["error"] = record["reply"]["error"]
        else:
            reply["value"] = record["reply"]
        self.send("reply", reply)


def make_tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, text in files.items():
            data = text if isinstance(text, bytes) else text.encode("utf-8")
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


class Case(unittest.TestCase):
    """A folder per test, and `execute` that runs one program once."""

    maxDiff = None

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="akr")
        self.addCleanup(shutil.rmtree, self.dir, True)

    def start(self, files, entry, env=None, runner=RUNNER):
        path = os.path.join(self.dir, "ak.sock")
        tar = os.path.join(self.dir, "code.tar")
        shutil.rmtree(os.path.join(self.dir, "code"), True)
        with open(tar, "wb") as file:
            file.write(make_tar(files))
        if os.path.exists(path):
            os.unlink(path)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(TIME_LIMIT)
        process = subprocess.Popen(
            [sys.executable, runner, path, tar, entry], cwd=self.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=dict(os.environ, PYTHONHASHSEED="0", PYTHONDONTWRITEBYTECODE="1", **(env or {})))
        try:
            sock, _ = listener.accept()
        except socket.timeout:
            process.kill()
            self.fail("no connection: %s" % (process.communicate()[1].decode(),))
        finally:
            listener.close()
        sock.settimeout(TIME_LIMIT)
        return process, sock

    def execute(self, files, entry="main.py:on_event", event=None, engine=None, env=None, **options):
        """Runs a program (a dict of files, or the text of main.py) under an engine; returns a Run."""
        if isinstance(files, str):
            files = {"main.py": files}
        engine = engine or Engine(**options)
        run = Run()
        process, sock = self.start(files, entry, env)
        try:
            engine.talk(sock, run, entry.partition(":")[2], {} if event is None else event)
        finally:
            sock.close()
            out, err = process.communicate(timeout=TIME_LIMIT)
        run.code, run.stdout, run.stderr = process.returncode, out.decode(), err.decode()
        return run

    def twice(self, files, **options):
        """First execution, then replay of its journal: same calls, same prints, same end, and nothing carried out again."""
        first = self.execute(files, **options)
        options.update(journal=first.journal)
        again = self.execute(files, **options)
        self.assertEqual(again.executed, [])
        self.assertEqual(again.calls, first.calls)
        self.assertEqual([p for p in again.prints if not p[2]], [p for p in first.prints if not p[2]])
        self.assertEqual(again.done, first.done)
        return first


def unpickled(text):
    return pickle.loads(base64.b64decode(text))
