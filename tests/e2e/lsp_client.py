"""A small client of language servers, over pipes."""
import collections
import json
import os
import queue
import subprocess
import threading
import time

from conftest import program

EVERYTHING = {"textDocument": {"publishDiagnostics": {"relatedInformation": True}}}
PULLS = {"textDocument": {"diagnostic": {}}, "workspace": {"diagnostics": {"refreshSupport": True}}}


def uri(path):
    return path.resolve().as_uri()


class Client:
    """Starts `aklint lsp`. Whatever it is asked to wait for must come within `patience` seconds."""

    patience = 30

    def __init__(self, folders=(), capabilities=EVERYTHING, start=True, args=()):
        self.process = subprocess.Popen([program("aklint"), "lsp", *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, cwd=folders[0] if folders else "/")
        self.messages = queue.Queue()
        self.kept = collections.deque()
        self.number = 0
        threading.Thread(target=self._read, daemon=True).start()
        self.stderr = []
        threading.Thread(target=lambda: self.stderr.extend(self.process.stderr), daemon=True).start()
        if start:
            self.capabilities = self.request("initialize", {
                "processId": os.getpid(), "capabilities": capabilities, "rootUri": None,
                "workspaceFolders": [{"uri": uri(f), "name": f.name} for f in folders]})["capabilities"]
            self.notify("initialized", {})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)

    def _read(self):
        out = self.process.stdout
        while True:
            length = None
            while (line := out.readline()) not in (b"\r\n", b""):
                name, value = line.split(b":")
                length = int(value) if name == b"Content-Length" else length
            if length is None:
                self.messages.put(None)
                return
            self.messages.put(json.loads(out.read(length)))

    def raw(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.raw(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def notify(self, method, params):
        self.send({"method": method, "params": params})

    def ask(self, method, params):
        """Sends a request and does not wait; its id."""
        self.number += 1
        self.send({"id": self.number, "method": method, "params": params})
        return self.number

    def wait(self, fits):
        """The first message that fits; the others are kept for later."""
        for message in self.kept:
            if fits(message):
                self.kept.remove(message)
                return message
        end = time.monotonic() + self.patience
        while True:
            message = self.messages.get(timeout=max(0.01, end - time.monotonic()))
            assert message is not None, f"the server ended: {b''.join(self.stderr).decode()}"
            if fits(message):
                return message
            self.kept.append(message)

    def answer(self, number):
        return self.wait(lambda m: m.get("id") == number and "method" not in m)

    def request(self, method, params):
        answer = self.answer(self.ask(method, params))
        assert "error" not in answer, answer
        return answer["result"]

    def refused(self, method, params):
        return self.answer(self.ask(method, params))["error"]["code"]

    def open(self, path, text=None, version=1):
        self.notify("textDocument/didOpen", {"textDocument": {
            "uri": uri(path), "languageId": "python", "version": version, "text": path.read_text() if text is None else text}})

    def change(self, path, version, *changes):
        self.notify("textDocument/didChange", {"textDocument": {"uri": uri(path), "version": version},
                                               "contentChanges": list(changes)})

    def close(self, path):
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri(path)}})

    def diagnostics(self, path, fits=lambda found: True):
        """Diagnostics that are pushed for a file, once they fit."""
        params = self.wait(lambda m: m.get("method") == "textDocument/publishDiagnostics" and
                           m["params"]["uri"] == uri(path) and fits(m["params"]["diagnostics"]))["params"]
        return params["diagnostics"]

    def at(self, path, line, character):
        return {"textDocument": {"uri": uri(path)}, "position": {"line": line, "character": character}}

    def actions(self, path, line, only=None):
        context = {"diagnostics": []} if only is None else {"diagnostics": [], "only": only}
        return self.request("textDocument/codeAction", {"textDocument": {"uri": uri(path)}, "context": context,
                                                        "range": span(line, 0, line, 200)})

    def leave(self):
        """Ends as the protocol wants it; the exit code."""
        self.request("shutdown", None)
        self.notify("exit", None)
        return self.process.wait(10)


def span(line, character, end_line, end_character):
    return {"start": {"line": line, "character": character}, "end": {"line": end_line, "character": end_character}}


def edit(line, character, end_line, end_character, text):
    return {"range": span(line, character, end_line, end_character), "text": text}


def codes(found):
    return [d["code"] for d in found]


def apply(text, edits):
    """A text after edits whose columns count UTF-16 units, as a client applies them."""
    lines = text.splitlines(keepends=True) + [""]

    def offset(place):
        line = lines[place["line"]].encode("utf-16-le")
        return sum(map(len, lines[:place["line"]])) + len(line[:2 * place["character"]].decode("utf-16-le"))
    for e in sorted(edits, key=lambda e: offset(e["range"]["start"]), reverse=True):
        text = text[:offset(e["range"]["start"])] + e["newText"] + text[offset(e["range"]["end"]):]
    return text
