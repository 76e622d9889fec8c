"""A running `ak serve` over a data directory, and requests to it."""
import http.client
import json
import os
import select
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager

from run_host import ROOT, Ak, build_dir

PROJECTS = ROOT / "tests" / "projects"
# The address sanitizer maps terabytes that it does not use.
SANITIZED = {"limits.memory": 1 << 47} if os.environ.get("AK_SANITIZED") == "address" else {}


class Answer:
    def __init__(self, response):
        self.status, self.headers, self.body = response.status, dict(response.getheaders()), response.read()

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """One state; the server may be started, killed and started again."""

    def __init__(self, data, config=None):
        self.ak, self.process, self.port = Ak(data), None, 0
        self.config = {"serve.idle": 1, **SANITIZED, **(config or {})}
        for name, value in self.config.items():
            assert self.ak("config", "set", name, value).returncode == 0

    def start(self, *args, timeout=20):
        self.log = open(os.path.join(self.ak.data, "serve.log"), "ab")
        self.process = subprocess.Popen(
            [str(build_dir() / "ak"), "--data", self.ak.data, "serve", "--json", "--listen", f"127.0.0.1:{self.port}", *args],
            stdout=subprocess.PIPE, stderr=self.log, stdin=subprocess.DEVNULL,
            env={**os.environ, "XDG_CONFIG_HOME": self.ak.data})
        ready, _, _ = select.select([self.process.stdout], [], [], timeout)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            self.kill()
        assert line, "the server did not start: " + self.words()
        self.port = int(json.loads(line)["url"].rsplit(":", 1)[1])
        return self

    def words(self):
        with open(os.path.join(self.ak.data, "serve.log")) as file:
            return file.read()

    def kill(self):
        self.process.kill()
        self.process.wait(10)
        self.process.stdout.close()
        self.log.close()

    def stop(self, timeout=20):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout)
        self.process.stdout.close()
        self.log.close()
        return code

    def deploy(self, name, *args):
        done = self.ak("deploy", PROJECTS / name, "--json", *args)
        assert done.returncode == 0, done.stdout + done.stderr
        answer = json.loads(done.stdout)
        self.paths = {**getattr(self, "paths", {}),
                      **{t["name"]: "/webhooks/" + t["slug"] for t in answer["triggers"] if "slug" in t}}
        return answer

    def request(self, method, path, body=None, headers=None, timeout=15):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers or {})
            return Answer(connection.getresponse())
        finally:
            connection.close()

    def post(self, trigger, value, headers=None, suffix=""):
        return self.request("POST", self.paths[trigger] + suffix, json.dumps(value),
                            {"Content-Type": "application/json", **(headers or {})})

    def get(self, trigger, suffix=""):
        return self.request("GET", self.paths[trigger] + suffix)

    def session(self, session_id):
        return json.loads(self.ak("session", "get", session_id, "--json").stdout)

    def wait(self, session_id, timeout=20):
        """The session once it has ended."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            session = self.session(session_id)
            if session["state"] not in ("created", "running"):
                return session
            time.sleep(0.05)
        raise AssertionError(f"{session_id} has not ended: {session}")

    def rss_kib(self):
        with open(f"/proc/{self.process.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def copy_of(project, folder, *changes):
    """A copy of one of the projects, each change a text of its files and what stands for it."""
    shutil.copytree(PROJECTS / project, folder)
    for old, new in changes:
        texts = {path: path.read_text() for path in folder.iterdir() if path.is_file()}
        assert any(old in text for text in texts.values()), old
        for path, text in texts.items():
            path.write_text(text.replace(old, new))
    return folder


@contextmanager
def serving(data, *projects, config=None):
    server = Server(data, config)
    try:
        for name in projects:
            server.deploy(name)
        yield server.start()
    finally:
        if server.process and server.process.poll() is None:
            server.kill()
