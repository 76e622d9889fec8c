"""How `ak serve` starts and ends as people and service managers meet it: sockets that are handed over, ports that are taken, signals."""
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from run_host import ROOT, build_dir, wait_until
from serve_host import Server, copy_of, serving
from tools import need_program


def listening():
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(64)
    return sock


HAND_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
"""


def start_with_socket(server, sock, **env):
    """As systemd does it: the socket is descriptor 3, and LISTEN_PID names the process that gets it."""
    return subprocess.Popen([sys.executable, "-c", HAND_OVER, str(sock.fileno()), str(build_dir() / "ak"), "--data", server.ak.data, "serve", "--json"],
                            pass_fds=[sock.fileno()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "XDG_CONFIG_HOME": server.ak.data, **env})


@contextlib.contextmanager
def started(*args):
    process = start_with_socket(*args)
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=10)


def test_a_socket_that_is_handed_over_is_served_and_a_restart_refuses_nobody(tmp_path):
    server = Server(tmp_path / "state")
    server.deploy("sync")
    with listening() as sock:
        server.port = sock.getsockname()[1]
        with started(server, sock) as first:
            assert json.loads(first.stdout.readline())["url"] == f"http://127.0.0.1:{server.port}"
            assert server.post("echo", {"a": 1}).json["json"] == {"a": 1}
        answers = []
        asking = threading.Thread(target=lambda: answers.append(server.post("echo", {"b": 2})))
        asking.start()  # nobody serves: the socket holds it
        with started(server, sock) as second:
            asking.join(20)
            assert answers and answers[0].json["json"] == {"b": 2}
            second.send_signal(signal.SIGTERM)
            assert second.wait(20) == 0


def test_what_is_no_listening_socket_is_refused_in_words(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        with started(Server(tmp_path / "state"), other) as wrong:
            _, words = wrong.communicate(timeout=20)
        assert wrong.returncode == 40 and "one listening TCP socket" in words


def test_systemds_own_tool_starts_it_by_the_first_request(tmp_path):
    need_program("systemd-socket-activate")
    server = Server(tmp_path / "state")
    server.deploy("sync")
    with listening() as probe:
        server.port = probe.getsockname()[1]
    manager = subprocess.Popen(["systemd-socket-activate", "-l", f"127.0.0.1:{server.port}", "-E", f"XDG_CONFIG_HOME={server.ak.data}",
                                str(build_dir() / "ak"), "--data", server.ak.data, "serve", "--json"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        def answers():
            try:
                return server.post("echo", {"a": 1}).json["json"] == {"a": 1}
            except OSError:
                return False
        wait_until(answers)
        manager.send_signal(signal.SIGTERM)  # it has become ak
        assert manager.wait(20) == 0
    finally:
        if manager.poll() is None:
            manager.kill()
        manager.stdout.close()


def test_a_manager_hears_ready_reloading_and_stopping(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        path = str(tmp_path / "notify")
        manager.bind(path)
        manager.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        with serving(tmp_path / "state", "counter") as server:
            assert manager.recv(200) == b"READY=1"
            server.process.send_signal(signal.SIGHUP)
            assert manager.recv(200).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
            assert manager.recv(200) == b"READY=1"
            assert server.stop() == 0
            assert manager.recv(200) == b"STOPPING=1"


def test_the_units_are_well_formed(tmp_path):
    need_program("systemd-analyze")
    for name in ("ak.service", "ak.socket"):
        text = (ROOT / "packaging" / name).read_text()
        (tmp_path / name).write_text(text.replace("/usr/bin/ak", str(build_dir() / "ak")))
    checked = subprocess.run(["systemd-analyze", "verify", "--man=no", tmp_path / "ak.service", tmp_path / "ak.socket"], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0 and not checked.stderr, checked.stderr


def test_settings_are_read_again_on_sighup_and_a_mistake_leaves_them(tmp_path):
    with serving(tmp_path, "counter", config={"limits.queue": 100}) as server:
        def refuses():
            return server.post("add", {"n": 1}).status == 503
        assert not refuses()
        server.ak("config", "set", "limits.backlog", "1")
        server.ak("config", "set", "limits.runners", "1")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "settings were read again" in server.words())
        ids = [server.post("nap", {"seconds": 0}) for _ in range(20)]
        assert 503 in {a.status for a in ids}, "bytes that wait are bounded"
        config = tmp_path / "ak" / "config.yaml"
        config.write_text(config.read_text() + "limits: [\n")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "settings stay as they were" in server.words())
        assert server.request("GET", "/healthz").status == 200


def test_memory_that_runs_short_takes_processes_back_at_once(tmp_path):
    """What is spare is more than any machine has; sessions would keep their process ten minutes otherwise."""
    with serving(tmp_path, "counter", config={"serve.idle": 600, "limits.spare": 1 << 60}) as server:
        session = server.post("nap", {"seconds": 8}).json["session_id"]
        wait_until(lambda: server.session(session).get("wait"))
        wait_until(lambda: server.request("GET", "/healthz").json["runners"] == 0, 5)
        assert server.wait(session)["value"] == "'slept'"


def test_without_need_processes_stay(tmp_path):
    with serving(tmp_path, "events", config={"serve.idle": 600, "limits.spare": 1}) as server:
        session = server.get("animals", "/meow").json["session_id"]
        wait_until(lambda: server.session(session).get("wait"))
        time.sleep(2.5)
        assert server.request("GET", "/healthz").json["runners"] == 1


def test_a_taken_port_is_told_with_the_way_out(tmp_path):
    with listening() as other:
        port = other.getsockname()[1]
        server = Server(tmp_path)
        refused = server.ak("serve", "--listen", f"127.0.0.1:{port}")
        assert refused.returncode == 1
        assert f"127.0.0.1:{port}: Address already in use" in refused.stderr and "--listen" in refused.stderr


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", ":80", "127.0.0.1:-1", "127.0.0.1:", ""])
def test_an_address_that_is_none_is_40(tmp_path, address):
    refused = Server(tmp_path).ak("serve", "--listen", address)
    assert refused.returncode == 40 and "--listen" in refused.stderr


def test_an_address_of_another_machine_is_told(tmp_path):
    refused = Server(tmp_path).ak("serve", "--listen", "192.0.2.1:0", env={"AK_TOKEN": "t"})
    assert refused.returncode == 1 and "no such address" in refused.stderr


def test_a_store_that_another_server_holds_is_refused_and_left_alone(tmp_path):
    with serving(tmp_path, "counter") as server:
        second = server.ak("serve", "--listen", "127.0.0.1:0")
        assert second.returncode == 42 and "another ak holds" in second.stderr and "--data" in second.stderr
        assert server.post("add", {"n": 1}).status == 202


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    if os.geteuid() == 0:
        place = "/proc/ak-state"  # root may write anywhere else
    else:
        (tmp_path / "locked").mkdir(mode=0o500)
        place = str(tmp_path / "locked" / "state")
    server = Server(tmp_path / "config")
    refused = subprocess.run([server.ak.program, "--data", place, "serve", "--listen", "127.0.0.1:0"], capture_output=True, text=True, timeout=20)
    assert refused.returncode in (1, 40) and place in refused.stderr and "Traceback" not in refused.stderr


def test_a_second_signal_ends_at_once_and_the_session_goes_on_later(tmp_path):
    begun = tmp_path / "begun"
    long_once = f"""    try:
        open({str(begun)!r}, "x").close()
        time.sleep(30)
    except FileExistsError:
        pass
    return n * 2"""
    with serving(tmp_path / "state") as server:
        server.deploy(copy_of("counter", tmp_path / "project", ("    return n * 2", long_once)))
        session = server.post("add", {"n": 3}).json["session_id"]
        wait_until(begun.exists)
        told = time.monotonic()
        server.process.send_signal(signal.SIGINT)
        wait_until(lambda: "stopping" in server.words())
        due = next(t["next_at"] for t in server.ak.lines("trigger", "list", "--json") if t["kind"] == "schedule")
        wait_until(lambda: time.time() > due + 0.2)  # a tick that falls due meanwhile holds nothing up
        assert server.process.poll() is None, "the step is let finish"
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(20) == 0 and time.monotonic() - told < 8
        server.start()
        assert server.wait(session, 40)["value"] == "12"


def test_a_stop_under_load_loses_nothing_that_was_accepted(tmp_path):
    with serving(tmp_path, "counter", config={"limits.runners": 4}) as server:
        taken, stop = [], threading.Event()

        def send(base):
            n = base
            while not stop.is_set():
                try:
                    answer = server.post("add", {"n": n})
                except OSError:
                    return
                if answer.status == 202:
                    taken.append((n, answer.json["session_id"]))
                n += 10

        clients = [threading.Thread(target=send, args=(i,)) for i in range(4)]
        for client in clients:
            client.start()
        wait_until(lambda: len(taken) > 20)
        assert server.stop(30) == 0
        stop.set()
        for client in clients:
            client.join(20)
        server.start()
        for n, session in taken:
            assert server.wait(session, 60)["value"] == str(4 * n)
