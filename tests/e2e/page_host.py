"""A browser on a running server, watched: what it says on its console, and where it asks."""
import os
import shutil
import time
from contextlib import contextmanager

from conftest import unavailable


def playwright():
    try:
        from playwright import sync_api
    except ImportError:
        unavailable("playwright is not installed")
    sync_api.expect.set_options(timeout=15000)
    return sync_api


@contextmanager
def browser():
    sync_api = playwright()
    program = os.environ.get("AK_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    with sync_api.sync_playwright() as play:
        try:
            # It opens nothing but our own page; as root, and where a machine forbids user namespaces, it
            # refuses its sandbox. Containers have little of /dev/shm.
            made = play.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        except sync_api.Error as exc:
            unavailable(f"no chromium: {exc.message.splitlines()[0]}")
        yield made
        made.close()


class Window:
    """A page whose faults are counted: errors on the console, requests that leave the machine."""

    def __init__(self, browser, server, **context):
        self.server, self.faults, self.asked = server, [], []
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 860}, **context})
        self.page = self.context.new_page()
        self.page.set_default_timeout(15000)
        self.page.on("console", lambda m: self.faults.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda e: self.faults.append(str(e)))
        self.page.on("dialog", lambda d: (self.faults.append("a dialog: " + d.message), d.dismiss()))
        self.page.on("request", self._begun)
        self.page.on("requestfinished", self._done)
        self.page.on("requestfailed", self._done)
        self.pending = set()
        self.base = f"http://127.0.0.1:{server.port}"

    def _begun(self, request):
        self.asked.append(request.url)
        if not request.url.endswith("/stream"):
            self.pending.add(request)

    def _done(self, request):
        self.pending.discard(request)

    def settle(self):
        """Until all that was asked for has come and is shown: quiet for two frames."""
        quiet, end = 0, time.monotonic() + 15
        while quiet < 2:
            assert time.monotonic() < end, f"still asking: {[r.url for r in self.pending]}"
            self.page.evaluate("new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve, 0)))")
            quiet = 0 if self.pending else quiet + 1

    def open(self, place="/sessions"):
        self.page.goto(f"{self.base}/#{place}")
        self.page.get_by_text("Live", exact=True).first.wait_for()
        return self.page

    def close(self):
        self.context.close()
        foreign = [url for url in self.asked if not url.startswith(self.base + "/") and not url.startswith("data:")]
        assert not foreign, foreign
        assert not self.faults, self.faults


@contextmanager
def window(browser, server, **context):
    made = Window(browser, server, **context)
    yield made
    made.close()
