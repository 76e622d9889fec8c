"""Sleeping sessions cost rows: a server that starts over many of them is ready at once and stays small. AK_SLEEPERS sets how
many (1000)."""
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from run_host import fast_dir
from serve_host import Server

SLEEPERS = int(os.environ.get("AK_SLEEPERS", "1000"))
SANITIZED = bool(os.environ.get("AK_SANITIZED"))


def test_restart_over_sleeping_sessions_is_quick_and_small_and_they_wake():
    with tempfile.TemporaryDirectory(dir=fast_dir(), prefix="ak-sleep-") as folder:
        server = Server(folder, {"limits.runners": 8, "limits.queue": SLEEPERS + 100})
        server.deploy("counter")
        server.start("--quiet")
        try:
            with ThreadPoolExecutor(4) as pool:
                answers = list(pool.map(lambda _: server.post("nap", {"seconds": 36000}).status, range(SLEEPERS)))
            assert set(answers) == {202}
            end = time.monotonic() + 30 + SLEEPERS / 20
            while time.monotonic() < end:
                health = server.request("GET", "/healthz").json
                if health["sessions"] == 0:
                    break
                time.sleep(0.5)
            assert health["sessions"] <= 2, health  # a tick may be under way
            soon = [server.post("nap", {"seconds": 4}).json["session_id"] for _ in range(10)]
            server.kill()
            begun = time.monotonic()
            server.start("--quiet")
            ready = time.monotonic() - begun
            assert server.request("GET", "/healthz").status == 200
            rss = server.rss_kib()
            print(f"{SLEEPERS} sleeping: ready in {ready * 1000:.0f} ms, {rss / 1024:.1f} MiB")
            if not SANITIZED:
                assert ready < 1.0 and rss < 60 * 1024
            for session in soon:
                assert server.wait(session, 30)["value"] == "'slept'"
        finally:
            server.kill()
