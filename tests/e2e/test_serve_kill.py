"""kill -9 of the server at any moment under a small load: what was acknowledged ends in one session, with the right
result; a client that repeats a request under its key makes no second one. AK_ROUNDS sets the rounds (20)."""
import os
import random
import tempfile
import threading
import time

from run_host import fast_dir
from serve_host import Server

ROUNDS = int(os.environ.get("AK_ROUNDS", "20"))
CLIENTS = 2


class Client(threading.Thread):
    """Posts numbers one by one; what fails is sent again under the same key."""

    def __init__(self, server, name):
        super().__init__(daemon=True)
        self.server, self.label, self.stopped, self.acknowledged, self.sent = server, name, False, {}, 0

    def run(self):
        while not self.stopped:
            key = f"{self.label}-{self.sent}"
            try:
                answer = self.server.post("add", {"n": self.sent}, {"Idempotency-Key": key})
            except (OSError, ValueError, __import__("http.client").client.HTTPException):
                time.sleep(0.02)
                continue
            if answer.status == 202:
                self.acknowledged[key] = (self.sent, answer.json["event_id"])
                self.sent += 1
            time.sleep(0.06)


def test_every_acknowledged_event_ends_in_one_session_with_the_right_result():
    seed = int(os.environ.get("AK_SEED", time.time()))
    print("AK_SEED =", seed)
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory(dir=fast_dir(), prefix="ak-serve-") as folder:
        server = Server(folder, {"limits.runners": 4})
        server.deploy("counter")
        server.start()
        clients = [Client(server, str(i)) for i in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            for _ in range(ROUNDS):
                time.sleep(dice.uniform(0.02, 0.5))
                server.kill()
                server.start()
            time.sleep(0.5)
            for client in clients:
                client.stopped = True
                client.join(20)
            end = time.monotonic() + 60 + ROUNDS / 2
            while time.monotonic() < end and any(s["state"] in ("created", "running") for s in server.ak.sessions()):
                time.sleep(0.3)
            check(server, clients)
        finally:
            server.kill()


def check(server, clients):
    by_event = {}
    for session in server.ak.sessions():
        by_event.setdefault(session.get("event_id"), []).append(session)
    acknowledged = [item for client in clients for item in client.acknowledged.values()]
    assert len(acknowledged) >= ROUNDS
    for n, event in acknowledged:
        sessions = by_event.get(event, [])
        assert len(sessions) == 1, f"{event}: {len(sessions)} sessions"
        assert sessions[0]["state"] == "completed", f"{sessions[0]}\n{server.ak.log(sessions[0]['id'])}\n{server.words()[-3000:]}"
        assert sessions[0]["value"] == str(4 * n)
    # One session a key: what was sent again has made no second one.
    keys = [e["key"] for e in server.ak.lines("event", "list", "--json", "-n", "0") if "key" in e]
    assert len(keys) == len(set(keys))
    print(f"{ROUNDS} rounds, {len(acknowledged)} acknowledged")
