"""Processes that hold programs. One warm process (zygote.py) a deployment; a forked runner for each session that computes, and one
for each recorded call. A runner that only waits may be ended when others want its place: its session replays it back."""
import json
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

from . import zygote

HERE = Path(__file__).resolve().parent
LINE_LIMIT = 16 * 1024 * 1024
START_SECONDS = 120

Json = Dict[str, Any]


class Lost(Exception):
    """The process is gone."""


class Stuck(Exception):
    """The program computes for longer than a turn may take; the words name the line where it stood."""


class Broken(Exception):
    """What came is no message of the protocol."""


@dataclass(frozen=True)
class Code:
    """A program on this machine."""

    root: str
    entry: str                      # file.py:func
    env: Tuple[Tuple[str, str], ...] = ()

    @property
    def file(self) -> str:
        return self.entry.partition(":")[0]


@dataclass
class HostOptions:
    support: str                    # the folder of ak_runner.py
    python: str                     # the interpreter of programs
    runners: int = 32               # sessions' processes at a time, above those that compute
    memory: int = 0                 # bytes of address space of a process; 0: no limit
    environ: Dict[str, str] = field(default_factory=lambda: dict(os.environ))


class Warm:
    """A zygote and the socket to it."""

    def __init__(self, options: HostOptions, code: Code) -> None:
        self.lock = threading.Lock()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        env = {**options.environ, **dict(code.env), "PYTHONHASHSEED": "0", "AK_RUNTIME": options.support}
        env.pop("PYTHONPATH", None)
        with theirs:
            self.process = subprocess.Popen(
                [options.python, "-s", str(HERE / "zygote.py"), str(theirs.fileno()), options.support, code.root, code.file],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, env=env, preexec_fn=limiter(options.memory))
        self.control = ours
        ours.settimeout(START_SECONDS)
        try:
            ready = ours.recv(16) == b"ready"
        except OSError:
            ready = False
        if not ready:
            self.close()
            raise Lost("the program's process did not start (%s)" % options.python)

    def fork(self, kind: bytes, extra: Tuple[int, ...]) -> Tuple[socket.socket, int]:
        ours, theirs = socket.socketpair()
        try:
            with theirs, self.lock:
                socket.send_fds(self.control, [kind], [theirs.fileno(), *extra])
                answer = self.control.recv(16)
        except OSError:
            answer = b""
        pid = zygote.NUMBER.unpack(answer)[0] if len(answer) == zygote.NUMBER.size else 0
        if pid <= 0:
            ours.close()
            raise Lost("no process could be made: %s" % os.strerror(-pid) if pid else "the warm process is gone")
        return ours, pid

    def kill(self, pid: int) -> None:
        """It has ended when this returns, so that it does not complain of a socket that closes."""
        try:
            with self.lock:
                self.control.send(zygote.KILL + zygote.NUMBER.pack(pid))
                self.control.recv(16)
        except OSError:
            pass

    def close(self) -> None:
        self.control.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def limiter(memory: int) -> Any:
    if not memory:
        return None
    import resource

    return lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


class Host:
    """All warm processes and runners of this worker. Safe to use from any thread."""

    def __init__(self, options: HostOptions) -> None:
        self.options = options
        self.lock = threading.Lock()
        self.warm: Dict[Code, Warm] = {}
        self.starting: Dict[Code, threading.Lock] = {}
        self.idle: "OrderedDict[int, Runner]" = OrderedDict()

    def warm_for(self, code: Code) -> Warm:
        code = Code(code.root, code.file, code.env)
        with self.lock:
            starting = self.starting.setdefault(code, threading.Lock())
        with starting:
            found = self.warm.get(code)
            if found is None or found.process.poll() is not None:
                found = self.warm[code] = Warm(self.options, code)
            return found

    def fork(self, code: Code, kind: bytes, *extra: int) -> Tuple[Warm, socket.socket, int]:
        """Once more when the warm process has died meanwhile."""
        for attempt in (1, 2):
            warm = self.warm_for(code)
            try:
                sock, pid = warm.fork(kind, extra)
                return warm, sock, pid
            except Lost:
                if attempt == 2:
                    raise
                warm.process.kill()
                warm.process.wait()
        raise AssertionError

    def runner(self, code: Code) -> "Runner":
        stack = os.memfd_create("stack")
        try:
            warm, sock, pid = self.fork(code, zygote.SESSION, stack)
        except Lost:
            os.close(stack)
            raise
        return Runner(self, warm, sock, pid, stack, code.root)

    def park(self, runner: "Runner") -> None:
        """It waits: whoever waits longest goes when there are too many."""
        with self.lock:
            self.idle[id(runner)] = runner
            gone = [self.idle.popitem(last=False)[1] for _ in range(len(self.idle) - self.options.runners)]
        for one in gone:
            one.close()

    def unpark(self, runner: "Runner") -> None:
        with self.lock:
            self.idle.pop(id(runner), None)

    def close(self) -> None:
        for warm in self.warm.values():
            warm.close()
        self.warm.clear()


class Runner:
    """One session's process, spoken to from the thread of a workflow task: every read has an end."""

    def __init__(self, host: Host, warm: Warm, sock: socket.socket, pid: int, stack: int, root: str) -> None:
        self.host, self.warm, self.sock, self.pid, self.stack_file, self.root = host, warm, sock, pid, stack, root
        self.rest = b""
        self.lines: List[bytes] = []
        self.closed = False
        sock.setblocking(False)

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.host.unpark(self)
            self.warm.kill(self.pid)
            self.sock.close()
            os.close(self.stack_file)

    def park(self) -> None:
        self.host.park(self)

    def resume(self) -> bool:
        """False: it was ended meanwhile."""
        self.host.unpark(self)
        return not self.closed

    def send(self, kind: str, payload: Json) -> None:
        """Reads while it writes, so that two full sockets cannot wait for each other."""
        left = memoryview(json.dumps({"type": kind, "payload": payload}).encode() + b"\n")
        while left:
            self.wait(select.POLLIN | select.POLLOUT, time.monotonic() + START_SECONDS)
            try:
                left = left[self.sock.send(left):]
            except BlockingIOError:
                self.read()
            except OSError as exc:
                raise Lost(exc.strerror or str(exc)) from None

    def receive(self, seconds: float) -> Tuple[str, Json]:
        end = time.monotonic() + seconds
        while not self.lines:
            if not self.wait(select.POLLIN, end):
                raise Stuck(self.stack())
            if not self.read():
                raise Lost("it closed its socket")
        return parse(self.lines.pop(0))

    def wait(self, events: int, end: float) -> bool:
        poll = select.poll()
        poll.register(self.sock, events)
        return bool(poll.poll(max(0.0, end - time.monotonic()) * 1000))

    def read(self) -> bool:
        """What has come; False at the end."""
        try:
            piece = self.sock.recv(1 << 18)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if b"\n" in piece:
            *lines, self.rest = (self.rest + piece).split(b"\n")
            self.lines += lines
        else:
            self.rest += piece
        if len(self.rest) > LINE_LIMIT or any(len(line) > LINE_LIMIT for line in self.lines):
            raise Broken("the runner sent a line above the limit of %d bytes" % LINE_LIMIT)
        return bool(piece)

    def stack(self) -> str:
        """Where the program stands: file.py:LINE, or nothing when it does not say so in time."""
        try:
            os.kill(self.pid, signal.SIGUSR1)
        except OSError:
            return ""
        end = time.monotonic() + 1
        while time.monotonic() < end:
            text = os.pread(self.stack_file, 1 << 16, 0).decode("utf-8", "replace")
            found = re.search(r'File "%s/([^"]+)", line (\d+)' % re.escape(os.path.realpath(self.root)), text)
            if found:
                return "%s:%s" % found.groups()
            time.sleep(0.02)
        return ""


def parse(line: bytes) -> Tuple[str, Json]:
    try:
        message = json.loads(line.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise Broken("the runner sent a line that is not JSON") from None
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise Broken("the runner sent a message without a type")
    payload = message.get("payload")
    if payload is not None and not isinstance(payload, dict):
        raise Broken("the payload of a %s message is no object" % message["type"])
    return message["type"], payload or {}


_host: Optional[Host] = None


def set_host(host: Host) -> None:
    """Workflow and activity code of this process find it here."""
    global _host
    _host = host


def the_host() -> Host:
    assert _host is not None, "no host was set"
    return _host
