"""Clients of others meet the language server: pytest-lsp's, and neovim in a terminal."""
import asyncio
import os
import pty
import select
import subprocess
import time

import pytest

import tools
from cli_project import write
from conftest import ROOT, program, unavailable

HELPER = "import time\n\n\ndef stamp():\n    return 1.0\n"
FLOW = """\
from helper import stamp
from temporalio import workflow


@workflow.defn
class Order:
    @workflow.run
    async def run(self) -> float:
        return stamp()
"""


@pytest.fixture
def project(tmp_path):
    return write(tmp_path, {"aklint.toml": "", "flow.py": FLOW, "helper.py": HELPER})


@pytest.mark.parametrize("editor", ["visual_studio_code", "neovim", "emacs"])
def test_pytest_lsp_pulls_and_gets_pushed(project, editor):
    tools.need_module("pytest_lsp", "lsprotocol")
    from lsprotocol import types
    from pytest_lsp import LanguageClient, client_capabilities, make_test_lsp_client

    async def talk():
        client = make_test_lsp_client()
        assert isinstance(client, LanguageClient)
        await client.start_io(program("aklint"), "lsp")
        result = await client.initialize_session(types.InitializeParams(
            capabilities=client_capabilities(editor), root_uri=project.as_uri(), process_id=os.getpid(),
            workspace_folders=[types.WorkspaceFolder(project.as_uri(), "project")]))
        helper = (project / "helper.py").as_uri()
        client.text_document_did_open(types.DidOpenTextDocumentParams(
            types.TextDocumentItem(helper, types.LanguageKind.Python, 1, HELPER)))
        client.text_document_did_change(types.DidChangeTextDocumentParams(
            types.VersionedTextDocumentIdentifier(uri=helper, version=2),
            [types.TextDocumentContentChangePartial(
                types.Range(types.Position(4, 11), types.Position(4, 14)), "time.time()")]))
        pulls = client_capabilities(editor).text_document.diagnostic is not None
        if pulls:
            report = await client.text_document_diagnostic_async(
                types.DocumentDiagnosticParams(types.TextDocumentIdentifier(helper)))
            found = report.items
        else:
            found = None
            for _ in range(100):
                if client.diagnostics.get(helper):
                    found = client.diagnostics[helper]
                    break
                await asyncio.sleep(0.1)
        await client.shutdown_session()
        await client.stop()
        return result, found

    result, found = asyncio.run(asyncio.wait_for(talk(), 60))
    assert result.server_info.name == "aklint" and result.capabilities.hover_provider
    assert [d.code for d in found] == ["AK301"]
    assert found[0].severity is types.DiagnosticSeverity.Error and found[0].range.start == types.Position(4, 11)


# ---- neovim

ROWS, COLUMNS = 16, 100


class Screen:
    """Just enough of a terminal: cursor movement, erasing, text."""

    def __init__(self):
        self.cells = [[" "] * COLUMNS for _ in range(ROWS)]
        self.row = self.column = 0
        self.rest = ""

    def text(self):
        return "\n".join("".join(line).rstrip() for line in self.cells)

    def feed(self, data):
        data, i = self.rest + data, 0
        self.rest = ""
        while i < len(data):
            used = self._escape(data[i:]) if data[i] == "\x1b" else self._plain(data[i])
            if not used:
                self.rest = data[i:]
                return
            i += used

    def _plain(self, c):
        if c == "\r":
            self.column = 0
        elif c == "\n":
            self._down()
        elif c == "\b":
            self.column = max(0, self.column - 1)
        elif c >= " ":
            if self.column >= COLUMNS:
                self.column = 0
                self._down()
            self.cells[self.row][self.column] = c
            self.column += 1
        return 1

    def _down(self):
        self.row = min(self.row + 1, ROWS - 1)

    def _escape(self, data):
        if len(data) < 2:
            return 0
        if data[1] in "]P":
            ends = [e for e in (data.find("\x07"), data.find("\x1b\\", 2)) if e > 0]
            return min(ends) + (1 if data[min(ends)] == "\x07" else 2) if ends else 0
        if data[1] != "[":
            return (3 if data[1] in "()" else 2) if len(data) > 2 or data[1] not in "()" else 0
        end = next((i for i, c in enumerate(data[2:], 2) if "@" <= c <= "~"), None)
        if end is None:
            return 0
        words = data[2:end]
        numbers = [int(w) if w.isdigit() else 0 for w in words.lstrip("?>").split(";")]
        if words[:1] not in ("?", ">"):
            self._control(data[end], numbers)
        return end + 1

    def _control(self, final, numbers):
        n = max(1, numbers[0])
        if final == "H":
            self.row = min(ROWS, n) - 1
            self.column = min(COLUMNS, max(1, numbers[1] if len(numbers) > 1 else 1)) - 1
        elif final in "ABCD":
            self.row = min(ROWS - 1, max(0, self.row + {"A": -n, "B": n}.get(final, 0)))
            self.column = min(COLUMNS - 1, max(0, self.column + {"C": n, "D": -n}.get(final, 0)))
        elif final == "J" and numbers[0] == 2:
            self.cells = [[" "] * COLUMNS for _ in range(ROWS)]
        elif final == "J":
            self.cells[self.row][self.column:] = [" "] * (COLUMNS - self.column)
            self.cells[self.row + 1:] = [[" "] * COLUMNS for _ in range(ROWS - self.row - 1)]
        elif final == "K":
            self.cells[self.row][self.column:] = [" "] * (COLUMNS - self.column)
        elif final == "X":
            self.cells[self.row][self.column:self.column + n] = [" "] * min(n, COLUMNS - self.column)


def snippet(heading):
    """The first Lua block behind a heading of docs/editors.md: what people copy is what is tested."""
    page = (ROOT / "docs/editors.md").read_text()
    return page.split(f"## {heading}\n", 1)[1].split("```lua\n", 1)[1].split("```", 1)[0]


def until(master, screen, fits, patience=30):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if select.select([master], [], [], 0.2)[0]:
            try:
                screen.feed(os.read(master, 65536).decode(errors="replace"))
            except OSError:
                break
        if fits(screen.text()):
            return
    pytest.fail(f"this was not seen on the screen in time:\n{screen.text()}")


def test_neovim_shows_a_finding_while_one_types(project, tmp_path):
    tools.need_program("nvim")
    said = tools.run("nvim", "--version").split()[1].lstrip("v").split(".")
    if (int(said[0]), int(said[1])) < (0, 7):
        unavailable("neovim is older than 0.7")
    (project / "init.lua").write_text(snippet("neovim") + "vim.o.updatetime = 50\n")
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    import fcntl
    import struct
    import termios
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    path = os.path.dirname(os.path.abspath(program("aklint")))
    env = {**os.environ, "TERM": "xterm", "PATH": path + os.pathsep + os.environ["PATH"], "HOME": str(tmp_path),
           "XDG_STATE_HOME": str(tmp_path / "s"), "XDG_DATA_HOME": str(tmp_path / "d"), "XDG_CONFIG_HOME": str(tmp_path / "c")}
    editor = subprocess.Popen(["nvim", "-n", "-u", "init.lua", "helper.py"], cwd=project, env=env, stdin=slave, stdout=slave,
                              stderr=slave, start_new_session=True)
    os.close(slave)
    screen = Screen()
    try:
        until(master, screen, lambda text: "return 1.0" in text)
        os.write(master, b"G0f1cWtime.time()")  # and stays in insert mode
        until(master, screen, lambda text: "'time.time' reads the clock in workflow code" in text)
        if os.environ.get("AK_SCREEN"):
            with open(os.environ["AK_SCREEN"], "w") as file:
                file.write(screen.text())
        os.write(master, b"\x1b:q!\r")
        editor.wait(20)
    finally:
        if editor.poll() is None:
            editor.kill()
            editor.wait()
        os.close(master)
    assert (project / "helper.py").read_text() == HELPER
