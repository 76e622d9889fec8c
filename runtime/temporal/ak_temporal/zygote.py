"""The warm process of a bundle: loads the program once and forks a runner for each session and each recorded call.

Started by host.py as `python zygote.py CONTROL SUPPORT ROOT ENTRY`, with the interpreter that the program wants; standard library
only. Over the control socket: `S` (with two descriptors: the socket, and a file for its stack) or `C` (with the socket) starts a
session or a call and is answered by the process's number, `K` and a number ends that one, and is answered, too. When the control socket closes, everything that was started ends.
"""
import faulthandler
import gc
import os
import signal
import socket
import struct
import sys
import threading
from typing import Any, Dict, List, Set

SESSION, CALL, KILL = b"S", b"C", b"K"
NUMBER = struct.Struct("<i")


def preload(support: str, root: str, entry: str) -> Any:
    sys.path.insert(0, support)
    import ak_runner

    sys.path.remove(support)
    ak_runner.preload(root, entry)
    return ak_runner


def has_threads() -> bool:
    try:
        return len(os.listdir("/proc/self/task")) > 1
    except OSError:
        return threading.active_count() > 1


def perform(runner: Any, sock: int, root: str, entry: str) -> int:
    """One recorded call in a process of its own. The first message is `run` with the call in it; from then on the protocol is the
    session's: prints, requests, and one `response`."""
    link = runner.Link(socket.socket(fileno=sock))
    try:
        program = runner.load(root, entry)
        _, run = link.receive()
        session = runner.Session(link, run)
        runner.release_load_output()
        runner._session = session
        call = run["call"]
        session.seq = call["seq"]
        session.perform(work_of(runner, session, call), call)
        return 1 if program.error else 0
    except runner.EngineError as exc:
        return int(runner.give_up("error: %s" % exc))
    finally:
        runner.leave_session()


def work_of(runner: Any, session: Any, call: Dict[str, Any]) -> Any:
    f, args, kwargs = session.thawed(call["data"], "the data of a callback")
    work = runner.Work(f, args, kwargs, {"name": call["name"]})
    where = call.get("where") or {}
    work.place, work.data = (where.get("file", ""), where.get("line", 0), where.get("func", "")), call["data"]
    return work


class Zygote:
    def __init__(self, control: socket.socket, runner: Any, root: str, entry: str) -> None:
        self.control, self.runner, self.root, self.entry = control, runner, root, entry
        self.children: Set[int] = set()

    def serve(self) -> None:
        self.control.settimeout(1)
        while True:
            try:
                message, fds, _, _ = socket.recv_fds(self.control, 64, 2)
            except socket.timeout:
                self.reap()
                continue
            except ConnectionError:
                return
            if not message:
                return
            self.reap()
            if message[:1] == KILL:
                self.kill(NUMBER.unpack(message[1:])[0])
                self.control.send(NUMBER.pack(0))
            else:
                self.control.send(NUMBER.pack(self.start(message[:1], fds)))

    def start(self, kind: bytes, fds: List[int]) -> int:
        sys.stdout.flush()
        sys.stderr.flush()
        try:
            pid = os.fork()
        except OSError as exc:
            pid = -(exc.errno or 1)
        if pid == 0:
            self.child(kind, fds)
        for fd in fds:
            os.close(fd)
        if pid < 0:
            return pid
        self.children.add(pid)
        return pid

    def child(self, kind: bytes, fds: List[int]) -> None:
        code = 1
        try:
            self.control.close()
            os.setpgid(0, 0)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            if kind == CALL:
                code = perform(self.runner, fds[0], self.root, self.entry)
            else:
                self.runner.dump_stack_on_signal = lambda: faulthandler.register(signal.SIGUSR1, fds[1], True, False)
                code = self.runner.serve(fds[0], self.root, self.entry)
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)

    def kill(self, pid: int) -> None:
        """Numbers are used again: only those that were not reaped yet are ours."""
        if pid not in self.children:
            return
        for target in (lambda: os.killpg(pid, signal.SIGKILL), lambda: os.kill(pid, signal.SIGKILL)):
            try:
                target()
            except (ProcessLookupError, PermissionError):
                pass

    def reap(self) -> None:
        while self.children:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                self.children.clear()
                return
            if pid == 0:
                return
            # What the runner left running in its group ends with it.
            try:
                os.killpg(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
            self.children.discard(pid)


def main(argv: Any) -> int:
    fd, support, root, entry = int(argv[1]), argv[2], argv[3], argv[4]
    cold = argv[5:] == ["cold"]
    # Ctrl-C and the like are the worker's to handle.
    signal.signal(signal.SIGINT, lambda *_: None)
    os.setpgid(0, 0)
    if cold:
        sys.path.insert(0, support)
        import ak_runner as runner

        sys.path.remove(support)
    else:
        runner = preload(support, root, entry)
        if has_threads():
            # A fork would lose them: each runner loads the program by itself.
            os.set_inheritable(fd, True)
            os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:], "cold"] if hasattr(sys, "orig_argv")
                     else [sys.executable, *argv, "cold"])
    gc.collect()
    gc.freeze()
    control = socket.socket(fileno=fd)
    control.send(b"ready")
    zygote = Zygote(control, runner, root, entry)
    zygote.serve()
    for pid in list(zygote.children):
        zygote.kill(pid)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
