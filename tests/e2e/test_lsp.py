"""The language server, met by a client over pipes."""
import json
import os
import pathlib
import random
import statistics
import time

import pytest

from cli_project import CLEAN, CLOCK, write
from conftest import aklint
from lsp_client import EVERYTHING, PULLS, Client, apply, codes, edit, span, uri

HELPER = "import time\n\n\ndef stamp():\n    return time.time()\n"
CALM = "import time\n\n\ndef stamp():\n    return 1.0 + 0 * 9\n"
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
    return write(tmp_path, {"aklint.toml": "", "flow.py": FLOW, "helper.py": CALM})


def encodings(*names):
    return {**EVERYTHING, "general": {"positionEncodings": list(names)}}


# ---- diagnostics


def test_finding_appears_where_a_helper_changed_without_saving(project):
    with Client([project]) as client:
        helper = project / "helper.py"
        client.open(helper)
        client.change(helper, 2, edit(4, 11, 4, 22, "time.time()"))
        found = client.diagnostics(helper, bool)
        assert codes(found) == ["AK301"] and found[0]["range"] == span(4, 11, 4, 22)
        assert helper.read_text() == CALM
        client.change(helper, 3, edit(4, 11, 4, 22, "1.0"))
        assert client.diagnostics(helper) == []
        assert client.leave() == 0


def test_helper_on_the_disk_is_found_fault_with_when_an_unsaved_workflow_calls_it(project):
    write(project, {"helper.py": HELPER, "flow.py": FLOW.replace("stamp()", "1.0")})
    with Client([project]) as client:
        flow = project / "flow.py"
        client.open(flow)
        client.change(flow, 2, edit(8, 15, 8, 18, "stamp()"))
        assert codes(client.diagnostics(project / "helper.py", bool)) == ["AK301"]
        client.close(flow)
        assert client.diagnostics(project / "helper.py") == []


def test_trail_is_related_information(project):
    write(project, {"helper.py": HELPER})
    with Client([project]) as client:
        related = client.diagnostics(project / "helper.py", bool)[0]["relatedInformation"]
    assert [r["message"] for r in related] == ["workflow Order.run", "calls stamp", "calls time.time"]
    assert [r["location"]["uri"] for r in related] == [uri(project / n) for n in ("flow.py", "flow.py", "helper.py")]
    assert related[1]["location"]["range"] == span(8, 15, 8, 22)


def test_trail_is_in_the_message_where_an_editor_shows_no_related_information(project):
    write(project, {"helper.py": HELPER})
    with Client([project], capabilities={}) as client:
        found = client.diagnostics(project / "helper.py", bool)[0]
    assert "relatedInformation" not in found and "flow.py:9: calls stamp" in found["message"]


def test_findings_are_those_of_the_command_line(tmp_path):
    write(tmp_path, {"flow.py": CLOCK + "\n\nimport random\n\n\n@workflow.defn\nclass B:\n    @workflow.run\n"
                     "    async def run(self):\n        print('ä😀', random.random()); return open('x')\n"})
    expected = json.loads(aklint("--format", "json", cwd=tmp_path).stdout)
    assert {"AK301", "AK302", "AK308", "AK312"} <= {f["code"] for f in expected}
    with Client([tmp_path], encodings("utf-32")) as client:
        assert client.capabilities["positionEncoding"] == "utf-32"
        found = client.diagnostics(tmp_path / "flow.py", bool)
    places = [(f["code"], f["location"]["row"] - 1, f["location"]["column"] - 1, f["end_location"]["column"] - 1) for f in expected]
    assert [(d["code"], d["range"]["start"]["line"], d["range"]["start"]["character"], d["range"]["end"]["character"])
            for d in found] == places


@pytest.mark.parametrize("offered, chosen, column", [(["utf-16"], "utf-16", 26), (["utf-8", "utf-16"], "utf-8", 29),
                                                     (["utf-32"], "utf-32", 25), ([], "utf-16", 26)])
def test_columns_count_what_was_agreed_on(tmp_path, offered, chosen, column):
    text = CLOCK.replace("return time", "a = 'ä😀'; return time")
    write(tmp_path, {"flow.py": text})
    with Client([tmp_path], encodings(*offered)) as client:
        path = tmp_path / "flow.py"
        assert client.capabilities["positionEncoding"] == chosen
        assert client.diagnostics(path, bool)[0]["range"]["start"]["character"] == column
        client.open(path)
        # An edit in the same units: exactly the call is replaced.
        client.change(path, 2, edit(9, column, 9, column + len("time.time()"), "1.0"))
        assert client.diagnostics(path) == []


def test_many_edits_leave_the_text_that_the_editor_has(tmp_path):
    write(tmp_path, {"flow.py": "\r\n".join(["# ä"] * 3) + "\r\n"})
    path = tmp_path / "flow.py"
    with Client([tmp_path]) as client:
        client.open(path)
        client.change(path, 2, edit(0, 0, 3, 0, ""), edit(0, 0, 0, 0, "\n"), edit(1, 0, 99, 99, "x"), edit(0, 0, 1, 1, CLOCK))
        assert codes(client.diagnostics(path, bool)) == ["AK301"]
        client.change(path, 3, {"text": CLEAN})
        assert client.diagnostics(path) == []


def test_syntax_error_while_typing_keeps_the_other_findings(tmp_path):
    write(tmp_path, {"flow.py": CLOCK + "\n\ndef later():\n    return 1\n"})
    path = tmp_path / "flow.py"
    with Client([tmp_path]) as client:
        client.open(path)
        assert codes(client.diagnostics(path, bool)) == ["AK301"]
        client.change(path, 2, edit(13, 4, 13, 12, "return ("))
        assert codes(client.diagnostics(path, lambda d: "AK001" in codes(d))) == ["AK301", "AK001"]


def test_file_that_is_not_on_the_disk_is_checked(project):
    with Client([project]) as client:
        client.open(project / "fresh.py", CLOCK)
        assert codes(client.diagnostics(project / "fresh.py", bool)) == ["AK301"]
        client.close(project / "fresh.py")
        assert client.diagnostics(project / "fresh.py") == []


def test_file_without_a_folder_is_checked(tmp_path):
    write(tmp_path, {"aklint.toml": "", "flow.py": CLOCK})
    with Client() as client:
        client.open(tmp_path / "flow.py")
        assert codes(client.diagnostics(tmp_path / "flow.py", bool)) == ["AK301"]


def test_pulled_diagnostics_follow_the_text_and_say_when_nothing_changed(project):
    helper = project / "helper.py"
    with Client([project], PULLS) as client:
        client.open(helper)
        ask = {"textDocument": {"uri": uri(helper)}}
        assert client.request("textDocument/diagnostic", ask)["items"] == []
        client.change(helper, 2, edit(4, 11, 4, 22, "time.time()"))
        report = client.request("textDocument/diagnostic", ask)
        assert report["kind"] == "full" and codes(report["items"]) == ["AK301"]
        again = client.request("textDocument/diagnostic", {**ask, "previousResultId": report["resultId"]})
        assert again == {"kind": "unchanged", "resultId": report["resultId"]}
        everything = client.request("workspace/diagnostic", {"previousResultIds": []})["items"]
        assert {uri(helper): ["AK301"]}.items() <= {r["uri"]: codes(r["items"]) for r in everything}.items()
        assert not [m for m in client.kept if m.get("method") == "textDocument/publishDiagnostics"]


def test_editor_that_pulls_is_told_that_other_files_changed(project):
    with Client([project], PULLS) as client:
        client.open(project / "helper.py")
        client.change(project / "helper.py", 2, edit(4, 11, 4, 22, "time.time()"))
        assert client.wait(lambda m: m.get("method") == "workspace/diagnostic/refresh")


# ---- files and folders


def test_watched_files_are_looked_at_again(project):
    watching = {**EVERYTHING, "workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}}
    with Client([project], watching) as client:
        asked = client.wait(lambda m: m.get("method") == "client/registerCapability")
        client.send({"id": asked["id"], "result": None})
        watchers = asked["params"]["registrations"][0]["registerOptions"]["watchers"]
        assert {"globPattern": "**/*.py"} in watchers

        def tell(name, kind):
            client.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": uri(project / name), "type": kind}]})
        write(project, {"helper.py": HELPER})
        tell("helper.py", 2)
        assert codes(client.diagnostics(project / "helper.py", bool)) == ["AK301"]
        write(project, {"aklint.toml": 'ignore = ["AK301"]\n'})
        tell("aklint.toml", 2)
        assert client.diagnostics(project / "helper.py") == []
        write(project, {"aklint.toml": "", "second.py": CLOCK})
        tell("second.py", 1)
        assert codes(client.diagnostics(project / "second.py", bool)) == ["AK301"]
        (project / "second.py").unlink()
        tell("second.py", 3)
        assert client.diagnostics(project / "second.py") == []


def test_folders_come_and_go(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    write(one, {"aklint.toml": "", "a.py": CLOCK})
    write(two, {"aklint.toml": "", "b.py": CLOCK})
    with Client([one]) as client:
        assert client.diagnostics(one / "a.py", bool)
        folders = [{"uri": uri(f), "name": f.name} for f in (one, two)]
        client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": folders[1:], "removed": []}})
        assert client.diagnostics(two / "b.py", bool)
        client.notify("workspace/didChangeWorkspaceFolders", {"event": {"added": [], "removed": folders[:1]}})
        assert client.diagnostics(one / "a.py") == []


# ---- questions


def test_fix_is_a_code_action_that_mends(tmp_path):
    write(tmp_path, {"flow.py": CLOCK})
    path = tmp_path / "flow.py"
    with Client([tmp_path]) as client:
        client.open(path)
        fix = client.actions(path, 9)[0]
        assert fix["kind"] == "quickfix" and codes(fix["diagnostics"]) == ["AK301"]
        mended = apply(CLOCK, fix["edit"]["changes"][uri(path)])
        assert "time.time()" not in mended
        client.diagnostics(path, bool)
        client.change(path, 2, {"text": mended})
        assert client.diagnostics(path) == []


def test_fix_all_takes_every_safe_fix_of_the_file(tmp_path):
    text = CLOCK + "\n    @workflow.signal\n    def poke(self) -> None:\n        self.at = time.time()\n"
    write(tmp_path, {"flow.py": text})
    path = tmp_path / "flow.py"
    with Client([tmp_path]) as client:
        client.open(path)
        actions = client.actions(path, 0, only=["source.fixAll"])
        assert [a["kind"] for a in actions] == ["source.fixAll.aklint"]
        assert "time.time()" not in apply(text, actions[0]["edit"]["changes"][uri(path)])
        assert client.actions(path, 0, only=["refactor"]) == []


def test_silencing_writes_a_comment_that_silences(tmp_path):
    write(tmp_path, {"flow.py": CLOCK})
    path = tmp_path / "flow.py"
    with Client([tmp_path]) as client:
        client.open(path)
        silence = [a for a in client.actions(path, 9) if a["title"].startswith("Silence AK301")][0]
        silenced = apply(CLOCK, silence["edit"]["changes"][uri(path)])
        assert silenced.splitlines()[9] == "        return time.time()  # aklint: allow AK301 -- reason"
        client.diagnostics(path, bool)
        client.change(path, 2, {"text": silenced})
        assert client.diagnostics(path) == []
        hover = client.request("textDocument/hover", client.at(path, 9, 47))
        assert hover["contents"]["value"].startswith("**AK301 ") and hover["range"] == span(9, 44, 9, 49)


def test_hover_tells_the_rule_and_the_way_to_the_line(project):
    write(project, {"helper.py": HELPER})
    with Client([project]) as client:
        client.open(project / "helper.py")
        hover = client.request("textDocument/hover", client.at(project / "helper.py", 4, 15))
        text = hover["contents"]["value"]
        assert text.startswith("**AK301 ") and "*Instead:*" in text and "runs as workflow code" in text
        assert f"2. calls stamp ([flow.py:9]({uri(project / 'flow.py')}#L9))" in text
        client.open(project / "alone.py", "x = 1\n")
        assert client.request("textDocument/hover", client.at(project / "alone.py", 0, 0)) is None


# ---- the protocol


@pytest.mark.parametrize("bytes_, code", [
    (b'Content-Length: 3\r\n\r\n{"a', -32700), (b"Content-Length: 2\r\n\r\n[]", -32600), (b"Content-Length: 1\r\n\r\n1", -32600),
    (b"Content-Length: 13\r\n\r\n{\"method\": 1}", -32600), (b"Content-Type: x\r\n\r\n", -32600),
    (b"Content-Length: -5\r\n\r\n", -32600), (b"Content-Length: 99999999999999999999\r\n\r\n", -32600),
    (b"x" * 20000, -32600), (b"Content-Length: 3\r\n\r\n\xff\xfe\x00", -32700),
    (b"Content-Length: 9000\r\n\r\n" + b"[" * 9000, -32700)],
    ids=["no-json", "array", "number", "no-method", "no-length", "negative-length", "huge-length", "no-header", "no-utf8", "deep"])
def test_malformed_message_gets_an_error_and_the_server_goes_on(project, bytes_, code):
    with Client([project]) as client:
        client.raw(bytes_)
        error = client.wait(lambda m: "error" in m)
        assert error["error"]["code"] == code and error["id"] is None
        client.open(project / "helper.py", HELPER)
        assert client.diagnostics(project / "helper.py", bool)
        assert client.leave() == 0


@pytest.mark.parametrize("method, params", [
    ("textDocument/hover", None), ("textDocument/hover", []), ("textDocument/hover", {"textDocument": {"uri": "file:///none"}}),
    ("textDocument/codeAction", {"textDocument": 5}), ("textDocument/diagnostic", {"textDocument": {"uri": "untitled:x"}})])
def test_wrong_parameters_are_refused(project, method, params):
    with Client([project]) as client:
        assert client.refused(method, params) == -32602


def test_wrong_notifications_change_nothing(project):
    helper = project / "helper.py"
    with Client([project]) as client:
        client.open(helper)
        client.change(project / "other.py", 1, {"text": "x"})
        client.change(helper, 2, {"range": span(-1, 0, 0, 0), "text": "x"}, {"nothing": 1})
        client.change(helper, 2, edit(3, 0, 2, 0, "backwards"))
        client.notify("textDocument/didOpen", {"textDocument": {"uri": 3}})
        client.notify("textDocument/didChange", "text")
        client.notify("workspace/didChangeWatchedFiles", {"changes": [7, None, {"uri": {}}]})
        client.notify("there/is/none", {})
        client.change(helper, 3, edit(4, 11, 4, 22, "time.time()"))
        assert client.diagnostics(helper, bool)[0]["range"] == span(4, 11, 4, 22)


def test_order_of_life_is_kept(project):
    with Client([project], start=False) as client:
        assert client.refused("textDocument/hover", {}) == -32002
        client.request("initialize", {"capabilities": {}, "processId": None})
        assert client.refused("initialize", {"capabilities": {}}) == -32600
        assert client.refused("no/such", {}) == -32601
        assert client.request("shutdown", None) is None
        assert client.refused("textDocument/hover", {}) == -32600
        client.notify("exit", None)
        assert client.process.wait(10) == 0


def test_exit_without_shutdown_and_the_end_of_input_are_failures(project):
    with Client([project]) as client:
        client.notify("exit", None)
        assert client.process.wait(10) == 1
    with Client([project]) as client:
        client.process.stdin.close()
        assert client.process.wait(10) == 1


def test_cancelled_request_is_answered_as_cancelled(project):
    """Many in one write: the last is cancelled before its turn, whatever the machine does."""
    with Client([project], PULLS) as client:
        client.open(project / "helper.py")
        bodies = [{"id": f"q{i}", "method": "workspace/diagnostic", "params": {"previousResultIds": []}} for i in range(300)]
        bodies.append({"method": "$/cancelRequest", "params": {"id": "q299"}})
        texts = [json.dumps({"jsonrpc": "2.0", **b}).encode() for b in bodies]
        client.raw(b"".join(b"Content-Length: %d\r\n\r\n" % len(t) + t for t in texts))
        assert client.answer("q299")["error"]["code"] == -32800
        assert "result" in client.answer("q0")


def test_settings_that_cannot_be_read_are_told_and_read_again(project):
    write(project, {"helper.py": HELPER})
    settings = project / "other.toml"
    with Client([project], args=["--config", str(settings)]) as client:
        shown = client.wait(lambda m: m.get("method") == "window/showMessage")
        assert shown["params"]["type"] == 1
        client.open(project / "flow.py")
        client.change(project / "flow.py", 2, edit(0, 0, 0, 0, "\n"))
        settings.write_text("")
        client.notify("textDocument/didSave", {"textDocument": {"uri": uri(project / "flow.py")}})
        assert codes(client.diagnostics(project / "helper.py", bool)) == ["AK301"]
        assert client.leave() == 0


def test_lsp_takes_no_paths(tmp_path):
    done = aklint("lsp", "flow.py", cwd=tmp_path)
    assert done.returncode == 2 and "takes no paths" in done.stderr


# ---- where code runs


CHAIN = """\
import time


def deep():
    value = 1.0
    return value


def stamp():
    return deep()


def alone():
    return time.time()
"""


def test_lens_above_a_start_counts_what_it_reaches(project):
    write(project, {"helper.py": CHAIN})
    with Client([project]) as client:
        assert client.capabilities["codeLensProvider"] == {"resolveProvider": False}
        client.open(project / "flow.py")
        lens, = client.request("textDocument/codeLens", {"textDocument": {"uri": uri(project / "flow.py")}})
        assert lens["command"] == {"title": "workflow · reaches 2 functions", "command": ""}
        assert lens["range"]["start"]["line"] == 7
        client.open(project / "helper.py")
        assert client.request("textDocument/codeLens", {"textDocument": {"uri": uri(project / "helper.py")}}) == []
        client.change(project / "helper.py", 2, edit(9, 11, 9, 17, "1.0"))
        lens, = client.request("textDocument/codeLens", {"textDocument": {"uri": uri(project / "flow.py")}})
        assert lens["command"]["title"] == "workflow · reaches 1 function"


def test_lenses_of_other_files_are_asked_for_anew(project):
    write(project, {"helper.py": CHAIN})
    capabilities = {**EVERYTHING, "workspace": {"codeLens": {"refreshSupport": True}}}
    with Client([project], capabilities=capabilities) as client:
        client.open(project / "helper.py")
        client.wait(lambda m: m.get("method") == "workspace/codeLens/refresh")
        client.change(project / "helper.py", 2, edit(9, 11, 9, 17, "1.0"))
        client.wait(lambda m: m.get("method") == "workspace/codeLens/refresh")


def test_hover_says_of_any_line_where_it_runs_and_why(project):
    write(project, {"helper.py": CHAIN})
    with Client([project]) as client:
        helper = project / "helper.py"
        client.open(helper)
        hover = client.request("textDocument/hover", client.at(helper, 4, 8))["contents"]["value"]
        assert "`deep` runs as workflow code" in hover and "(temporal)" in hover
        steps = [line for line in hover.splitlines() if line[:1].isdigit()]
        assert [step.split(" (")[0].split(" ([")[0] for step in steps] == ["1. workflow Order.run", "2. calls stamp", "3. calls deep"]
        assert "[flow.py:9](" in steps[1] and "[helper.py:10](" in steps[2]
        calls = client.request("textDocument/hover", client.at(helper, 9, 11))["contents"]["value"]
        assert "- `deep`: `deep` ([helper.py:4](" in calls
        top = client.request("textDocument/hover", client.at(helper, 0, 0))["contents"]["value"]
        assert "The module's top level runs as the import of a durable program's module" in top
        assert client.request("textDocument/hover", client.at(helper, 13, 11)) is None


# ---- while somebody types


TYPING = """\
import time

from temporalio import workflow


def first():
    return time.time()


def second():
    return 1.0


@workflow.defn
class Order:
    @workflow.run
    async def run(self) -> float:
        return first() + second() + time.time()
"""


def places(found):
    return sorted((d["code"], d["range"]["start"]["line"]) for d in found)


@pytest.mark.parametrize("typed", ["x = (", "'''", "def", "class X:\n", "if first(", "@"])
@pytest.mark.parametrize("line", [10, 1])
def test_findings_of_what_did_not_change_stay_while_a_text_does_not_parse(tmp_path, typed, line):
    """An open quote or bracket swallows what follows; the workflow is not even seen any more."""
    write(tmp_path, {"aklint.toml": "", "flow.py": TYPING})
    path = tmp_path / "flow.py"
    with Client([tmp_path], capabilities=PULLS) as client:
        def found():
            return client.request("textDocument/diagnostic", {"textDocument": {"uri": uri(path)}})["items"]
        client.open(path)
        assert places(found()) == [("AK301", 6), ("AK301", 17)]
        indent = 4 if line == 10 else 0
        client.change(path, 2, edit(line, indent, line, indent, typed + "\n"))
        more = typed.count("\n") + 1
        shown = found()
        stay = [("AK301", 6 + (more if line == 1 else 0)), ("AK301", 17 + more)]
        assert [place for place in places(shown) if place[0] == "AK301"] == stay
        client.change(path, 3, {"text": TYPING})
        assert places(found()) == [("AK301", 6), ("AK301", 17)]
        client.change(path, 4, {"text": TYPING.replace("return time.time()", "return 1.0")})
        assert places(found()) == [("AK301", 17)]


def test_findings_in_other_files_stay_while_the_way_to_them_does_not_parse(project):
    write(project, {"helper.py": HELPER})
    with Client([project], capabilities=PULLS) as client:
        def found(name):
            return client.request("textDocument/diagnostic", {"textDocument": {"uri": uri(project / name)}})["items"]
        client.open(project / "flow.py")
        assert places(found("helper.py")) == [("AK301", 4)]
        client.change(project / "flow.py", 2, edit(8, 0, 8, 0, "        x = '''\n"))
        assert codes(found("flow.py")) == ["AK001"] and places(found("helper.py")) == [("AK301", 4)]
        client.change(project / "flow.py", 3, edit(8, 0, 9, 0, ""))
        assert found("flow.py") == [] and places(found("helper.py")) == [("AK301", 4)]
        client.change(project / "flow.py", 4, edit(8, 15, 8, 22, "1.0"))
        assert found("helper.py") == []


def test_what_changed_on_the_disk_is_not_kept(project):
    write(project, {"helper.py": HELPER})
    with Client([project], capabilities=PULLS) as client:
        def found(name):
            return client.request("textDocument/diagnostic", {"textDocument": {"uri": uri(project / name)}})["items"]
        client.open(project / "flow.py")
        assert places(found("helper.py")) == [("AK301", 4)]
        client.change(project / "flow.py", 2, edit(8, 0, 8, 0, "        x = '''\n"))
        assert codes(found("flow.py")) == ["AK001"]
        write(project, {"helper.py": CALM})
        client.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": uri(project / "helper.py"), "type": 2}]})
        assert found("helper.py") == []


def test_what_is_wrong_from_the_start_is_shown_as_it_is(project):
    with Client([project], capabilities=PULLS) as client:
        flow = project / "flow.py"
        client.open(flow, FLOW + "x = (\n")
        def found():
            return client.request("textDocument/diagnostic", {"textDocument": {"uri": uri(flow)}})["items"]
        assert places(found()) == [("AK001", 9)]
        client.change(flow, 2, edit(0, 0, 0, 0, "\n"))
        assert places(found()) == [("AK001", 10)]


# ---- speed


def big_workflow(lines=3000):
    methods = "".join(f"""
    async def step_{i}(self, value: int) -> int:
        total = value + {i}
        for item in range(total):
            total += item
        return total
""" for i in range((lines - 15) // 6))
    return CLEAN + methods


def cpu_ms(pid):
    """What all threads of the process ran so far: the machine's other work does not count."""
    return sum(int((task / "schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1e6


def p95(times):
    return sorted(times)[int(len(times) * 0.95)]


def typed_through(tmp_path, typed):
    """Text typed letter by letter in two methods, far from each other; most of what stands there meanwhile is broken.
    Milliseconds by the clock and on the processor, one a keystroke; and the codes of the findings after each."""
    wall, cpu, seen = [], [], []
    path = tmp_path / "flow.py"
    lines = path.read_text().splitlines()
    with Client([tmp_path], capabilities=PULLS) as client:
        client.open(path)
        client.request("textDocument/diagnostic", {"textDocument": {"uri": uri(path)}})
        version = 1
        for method in ("step_480", "step_7"):
            line, column = next(i for i, text in enumerate(lines) if f"def {method}(" in text) + 2, 0
            for letter in typed:
                version += 1
                ran, begun = cpu_ms(client.process.pid), time.perf_counter()
                client.change(path, version, edit(line, column, line, column, letter))
                items = client.request("textDocument/diagnostic", {"textDocument": {"uri": uri(path)}})["items"]
                wall.append((time.perf_counter() - begun) * 1000)
                cpu.append(cpu_ms(client.process.pid) - ran)
                seen.append(codes(items))
                line, column = (line + 1, 0) if letter == "\n" else (line, column + 1)
    return wall, cpu, seen


TYPED = {
    "a statement": "        if value: total = time.time() + 1\n",
    "a docstring": '        """One of \'them (or more.\n        """\n',
    "brackets": "        total = {'a': [1, (2, time.time(",
    "a decorator at the margin": "@workflow.signal\n",
}


@pytest.mark.parametrize("what", TYPED)
def test_diagnostics_follow_a_keystroke_in_a_large_file_at_once(tmp_path, record_property, what):
    write(tmp_path, {"flow.py": big_workflow().replace("return 1.0", "return await self.step_7(1) + await self.step_480(2)")})
    best = None
    for _ in range(3):
        wall, cpu, seen = typed_through(tmp_path, TYPED[what])
        best = (wall, cpu) if best is None or p95(cpu) < p95(best[1]) else best
        if p95(cpu) <= 20:
            break
    wall, cpu = best
    figures = (f"{what}: wall: median {statistics.median(wall):.1f} ms, p95 {p95(wall):.1f} ms; "
               f"processor: median {statistics.median(cpu):.1f} ms, p95 {p95(cpu):.1f} ms")
    record_property("figures", figures)
    print(figures)
    assert any("AK001" in codes for codes in seen)
    assert what != "a statement" or seen[-1].count("AK301") == 2, seen[-1]
    # By the clock it takes half of this on a machine at rest; the grammar on the whole class took twice this.
    assert p95(cpu) <= (20 if "AK_SANITIZED" not in os.environ else 1000), figures
    assert p95(wall) < 1000, figures


def children(pid):
    """What each of them was called with; none where a thread or a child ends meanwhile."""
    try:
        tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
        found = [child for task in tasks for child in (task / "children").read_text().split()]
        return [pathlib.Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0") for child in found]
    except (FileNotFoundError, ProcessLookupError):
        return []


def test_the_referee_of_syntax_is_there_before_it_is_asked(project):
    with Client([project], capabilities=PULLS) as client:
        client.open(project / "flow.py")
        client.request("textDocument/diagnostic", {"textDocument": {"uri": uri(project / "flow.py")}})
        until = time.monotonic() + 10
        while not any(b"-I" in words for words in children(client.process.pid)):
            assert time.monotonic() < until
            time.sleep(0.02)


def test_findings_after_many_edits_are_those_of_a_fresh_check(tmp_path):
    """Blocks that did not change are remembered, changed ones are parsed from their old tree: neither may show."""
    body = CLOCK + "".join(f"""

def helper_{i}(value):
    items = {{value, {i}}}
    return [time.time() for _ in items] + [random.random()]


@workflow.defn
class Flow{i}:
    @workflow.run
    async def run(self) -> float:
        # é {i}
        text = "a{i}"
        return helper_{i}(text)
""" for i in range(12)) + "".join(f"\n    async def more_{i}(self) -> float:\n        return time.time()\n" for i in range(90))
    pieces = ["\n", "    ", "time.time()", "(", ")", "'", '"""', "# no", "x = 1\n", "def f():\n    pass\n", "é", "  # noqa: AK301", ":", "await "]
    random_ = random.Random(7)
    path = tmp_path / "flow.py"
    text = body.replace("import time\n", "import time\nimport random\n", 1)
    write(tmp_path, {"flow.py": text, "aklint.toml": ""})
    compared = 0
    with Client([tmp_path], capabilities=PULLS) as client:
        client.open(path)
        for version in range(2, 160):
            at = random_.randrange(len(text))
            cut = random_.choice([0, 0, 1, 3, 30])
            new = text[:at] + random_.choice(pieces) + text[at + cut:]
            line, column = new.count("\n", 0, at), at - (text.rfind("\n", 0, at) + 1)
            gone = text[at:at + cut]
            end = (line + gone.count("\n"), len(gone) - gone.rfind("\n") - 1 if "\n" in gone else column + len(gone))
            client.change(path, version, edit(line, column, *end, new[at:len(new) - len(text) + at + len(gone)]))
            items = client.request("textDocument/diagnostic", {"textDocument": {"uri": uri(path)}})["items"]
            try:
                compile(new, "flow.py", "exec")
            except (SyntaxError, ValueError):
                # Too broken to go on with: back to what was there.
                version_text = text
                client.notify("textDocument/didChange", {"textDocument": {"uri": uri(path), "version": version},
                                                         "contentChanges": [{"text": version_text}]})
                continue
            text = new
            done = aklint("-", "--stdin-filename", "flow.py", "--format", "json", cwd=tmp_path, input=new)
            fresh = sorted((f["code"], f["location"]["row"] - 1, f["location"]["column"] - 1) for f in json.loads(done.stdout))
            assert sorted((d["code"], d["range"]["start"]["line"], d["range"]["start"]["character"]) for d in items) == fresh, version
            compared += 1
    assert compared > 15
