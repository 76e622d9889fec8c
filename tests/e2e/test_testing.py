"""`ak test`: cases of programs, with time skipped."""
import json
import os
import signal
import subprocess
import time
import xml.etree.ElementTree as ET

import pytest

from run_host import ROOT, build_dir

CASES = ROOT / "tests" / "cases"
GREETS = "hello\n\n-- main.py:main --\ndef main(event):\n    print('hello')\n"


def ak_test(*args, cwd=None, env=None):
    return subprocess.run([str(build_dir() / "ak"), "test", *map(str, args)], cwd=cwd, capture_output=True, text=True,
                          timeout=240, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})


def verdicts(*args, code, **options):
    done = ak_test("--json", *args, **options)
    assert done.returncode == code, done.stdout + done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[-1]["kind"] == "summary"
    return lines[:-1]


@pytest.fixture
def case(tmp_path):
    def write(text, name="case.txtar"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path
    return write


def failures(path, code=1):
    (one,) = verdicts(path, code=code)
    return {f["what"]: f.get("diff", f.get("text")) for f in one["failures"]}


def test_the_projects_own_cases_hold_and_leave_nothing(tmp_path):
    (tmp_path / "tmp").mkdir()
    (tmp_path / "here").mkdir()
    found = verdicts(CASES, code=0, cwd=tmp_path / "here", env={"TMPDIR": str(tmp_path / "tmp")})
    assert len(found) >= 10 and {v["result"] for v in found} == {"passed"}
    month = next(v for v in found if v["case"].endswith("month.txtar"))
    assert month["skipped_seconds"] == 30 * 86400
    assert os.listdir(tmp_path / "tmp") == os.listdir(tmp_path / "here") == []


def test_a_month_takes_less_than_a_second():
    # The best of some, beside a case that has nothing to skip: other work on the machine is not what is measured.
    pairs = [[verdicts(CASES / name, code=0)[0]["seconds"] for name in ("month.txtar", "calls.txtar")] for _ in range(5)]
    month, floor = (min(times) for times in zip(*pairs))
    assert month < max(1, 2 * floor)


def test_a_diverging_replay_fails_with_both_calls_and_their_lines(case, tmp_path):
    path = case('''-- main.py:main --
import os
import autokitteh

with open(os.environ["PLACE"], "a") as place:
    place.write("x")
FIRST = os.path.getsize(os.environ["PLACE"]) == 1


@autokitteh.activity
def reserve(order):
    return order


@autokitteh.activity
def refund(order):
    return order


def main(event):
    if FIRST:
        reserve(5)
    else:
        refund(5)
-- case.json --
''' + json.dumps({"vars": {"PLACE": str(tmp_path / "been")}}))
    words = failures(path)["replay"]
    assert "call 1 was reserve (main.py:21) when it was recorded, but now the program calls refund (main.py:23)" in words


def test_other_prints_are_shown_as_a_unified_diff(case):
    path = case("a\nb\nc\n-- main.py:main --\ndef main(event):\n    print('a\\nB\\nc')\n")
    assert failures(path) == {"prints": "--- expected\n+++ actual\n@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n"}
    done = ak_test(path)
    assert done.returncode == 1 and "FAIL" in done.stdout and "1 failed" in done.stdout and "-b\n" in done.stdout


@pytest.mark.parametrize("expected, code", [
    ("-- error.txt --\nZeroDivisionError: division by zero\n", 0),
    ("-- error.durable.txt --\nTraceback (most recent call last):\n  File \"main.py\", line 2, in main\n    1 / 0\n"
     "ZeroDivisionError: division by zero\n", 0),
    ("-- error.txt --\nValueError: no\n", 1),
    ("", 1)])
def test_a_failure_has_to_be_expected(case, expected, code):
    verdicts(case("-- main.py:main --\ndef main(event):\n    1 / 0\n" + expected), code=code)


def test_an_error_that_does_not_come_fails(case):
    assert "-ValueError" in failures(case(GREETS + "-- error.txt --\nValueError: no\n"))["error"]


def test_calls_returns_and_outcomes_are_compared(case):
    path = case(GREETS + "    return 5\n-- calls.txt --\nfetch\n-- return.txt --\n6\n-- outcome.txt --\n1\n")
    assert set(failures(path)) == {"calls.txt", "return.txt", "outcome.txt"}


def test_who_waits_for_what_does_not_come_is_named(case):
    words = failures(case("-- main.py:main --\nfrom autokitteh import next_signal\n\n\ndef main(event):\n    next_signal('go')\n"))
    assert words["waiting"].startswith("main.py:main at main.py:5 for signal") and "go" in words["waiting"]


def test_an_event_that_nobody_waits_for_fails(case):
    path = case(GREETS + '-- events.json --\n[{"source": "tracker", "data": {}}]\n')
    assert failures(path)["events"] == "event 1 did not come: nobody waited for it"


def test_a_signal_after_the_end_fails(case):
    path = case(GREETS + '-- events.json --\n[{"signal": "go", "after": "1h"}]\n')
    assert failures(path)["events"] == "event 1 came to nobody: the session had ended"


def test_a_program_that_goes_on_for_ever_is_given_up_with_advice(case):
    path = case("-- main.py:main --\nimport time\n\n\ndef main(event):\n    while True:\n        time.sleep(3600)\n")
    (one,) = verdicts("--timeout", "2", path, code=1)
    assert '{"for": "1d"}' in [f for f in one["failures"] if f["what"] == "time"][0]["text"]


def test_update_writes_what_was_seen_and_nothing_else(case):
    path = case("x\n-- main.py:main --\nimport ak\ndef main(event):\n    print('seen')\n    raise ValueError('no')\n"
                "-- calls.txt --\n# none\n-- event.json --\n{\"kept\":  1}\n")
    assert verdicts("--update", path, code=0)[0]["result"] == "updated"
    assert path.read_text() == ("seen\n\n-- main.py:main --\nimport ak\ndef main(event):\n    print('seen')\n"
                                "    raise ValueError('no')\n-- calls.txt --\n# none\n-- event.json --\n{\"kept\":  1}\n"
                                "-- error.txt --\nValueError: no\n")
    before = path.stat().st_mtime_ns
    assert verdicts("--update", path, code=0)[0]["result"] == "passed" and path.stat().st_mtime_ns == before


def test_update_refuses_prints_that_would_be_files(case):
    path = case("-- main.py:main --\ndef main(event):\n    print('-- a.txt --')\n")
    (one,) = verdicts("--update", path, code=40)
    assert "begins a file" in one["why"]


@pytest.mark.parametrize("rest", ["", "-- error.txt --\nValueError: another\n"])
def test_update_refuses_an_error_that_would_be_a_file(case, rest):
    path = case("-- main.py:main --\ndef main(event):\n    raise ValueError('a\\n-- b.txt --\\n')\n" + rest)
    before = path.read_text()
    (one,) = verdicts("--update", path, code=40)
    assert "begins a file" in one["why"] and path.read_text() == before


@pytest.mark.parametrize("text, words", [
    ("hello\n", "it starts nothing"),
    (GREETS + "-- event.json --\n{\n", "line 8: event.json:"),
    (GREETS + '-- case.json --\n{"att": 1}\n', 'unknown key "att"; did you mean "at"?'),
    (GREETS + '-- case.json --\n{"at": "noon"}\n', '"at" is a time'),
    (GREETS + '-- case.json --\n{"for": "-3d"}\n', '"for" is a time'),
    (GREETS + '-- case.json --\n{"dialect": "go"}\n', '"dialect" is ak or autokitteh'),
    (GREETS + '-- events.json --\n[{"data": 1}]\n', 'event 1 wants a "source" or a "signal"'),
    (GREETS + "-- ../above.py --\n", "is no path below the program"),
    (GREETS + "-- /etc/passwd --\n", "is no path below the program"),
    (GREETS + "-- autokitteh.yaml --\nversion: v9\n", "autokitteh.yaml:1: "),
])
def test_a_case_that_cannot_be_read_says_where(case, text, words):
    (one,) = verdicts(case(text), code=40)
    assert one["result"] == "bad" and words in one["why"]


def test_a_folder_is_searched_and_cases_are_chosen(case, tmp_path):
    for name in ("a/order_one.txtar", "a/b/order_two.txtar", "other.txtar", ".hidden/no.txtar", "x.nondurable.txtar"):
        case(GREETS, name)
    assert [v["case"] for v in verdicts(code=0, cwd=tmp_path)] == [
        "a/b/order_two.txtar", "a/order_one.txtar", "other.txtar", "x.nondurable.txtar"]
    assert [v["case"] for v in verdicts("-k", "order", code=0, cwd=tmp_path)] == ["a/b/order_two.txtar", "a/order_one.txtar"]
    assert len(verdicts("-k", "*/order_t*", code=0, cwd=tmp_path)) == 1
    done = ak_test("-k", "none", cwd=tmp_path)
    assert done.returncode == 40 and "none of 4 cases matches 'none'" in done.stderr


def test_no_case_and_no_path(tmp_path):
    done = ak_test(cwd=tmp_path)
    assert done.returncode == 40 and "ak init shows one" in done.stderr
    assert ak_test("nowhere", cwd=tmp_path).returncode == 44


def test_junit_is_well_formed_whatever_is_printed(case, tmp_path):
    path = case("x\n-- main.py:main --\ndef main(event):\n    print('<&\"]]>\\x01')\n")
    assert ak_test("--junit", tmp_path / "report.xml", path).returncode == 1
    suite = ET.parse(tmp_path / "report.xml").getroot()
    assert suite.get("failures") == "1" and "+<&\"]]>" in suite.find("testcase/failure").text


def test_verbose_tells_the_time_that_has_gone_by():
    done = ak_test("-v", CASES / "subscription.txtar")
    assert done.returncode == 0 and "+30 min 0 s opened 4" in done.stdout


def test_a_stub_is_recorded_as_the_module_it_stands_in_for_would_be(case):
    text = (CASES / "stub.txtar").read_text().replace("1.25)", "2.5)")
    assert "+https://example.org/rates 2.5" in failures(case(text))["prints"]


def test_init_makes_a_case_that_holds_and_a_project_that_passes_the_gate(tmp_path):
    ak = str(build_dir() / "ak")
    env = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    made = subprocess.run([ak, "init", "shop", "--json"], cwd=tmp_path, capture_output=True, text=True)
    assert made.returncode == 0 and sorted(json.loads(made.stdout)["files"]) == [
        "autokitteh.yaml", "cases/hello.txtar", "program.py", "test_program.py"]
    (one,) = verdicts(code=0, cwd=tmp_path / "shop")
    assert one["skipped_seconds"] == 5
    checked = subprocess.run([ak, "--data", tmp_path / "state", "deploy", "--check"], cwd=tmp_path / "shop", env=env,
                             capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert subprocess.run(["python3", "-m", "unittest"], cwd=tmp_path / "shop", capture_output=True).returncode == 0


def test_ctrl_c_ends_it_and_cleans_up(case, tmp_path):
    path = case("-- main.py:main --\nimport os\n\n\ndef main(event):\n    os.system('touch %s; sleep 60')\n" % (tmp_path / "runs"))
    (tmp_path / "tmp").mkdir()
    running = subprocess.Popen([str(build_dir() / "ak"), "test", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, stdin=subprocess.DEVNULL, env={**os.environ, "TMPDIR": str(tmp_path / "tmp")})
    end = time.monotonic() + 30
    while not (tmp_path / "runs").exists() and time.monotonic() < end:
        time.sleep(0.05)
    assert os.listdir(tmp_path / "tmp")
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=20)
    assert running.returncode == 130 and "interrupted" in err
    assert os.listdir(tmp_path / "tmp") == []
