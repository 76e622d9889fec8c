"""The cache of runs: it changes no finding, whatever happens to it."""
import os
import random
import shutil
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from cli_project import CLEAN, CLOCK, write
from conftest import ROOT, aklint, program

HELPER = "import time\n\n\ndef stamp():\n    return time.time()\n"
CALLER = CLOCK.replace("import time\n", "from helper import stamp\n").replace("time.time()", "stamp()")


@pytest.fixture
def project(tmp_path):
    return write(tmp_path / "project", {"flow.py": CALLER, "helper.py": HELPER, "other.py": "x = 1\n"})


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


def run(project, cache, *args, env=None):
    return aklint("--format", "json", "--show", "notes", *args, cwd=project, env={"AKLINT_CACHE_DIR": str(cache), **(env or {})})


def same(a, b):
    assert (a.stdout, a.stderr, a.returncode) == (b.stdout, b.stderr, b.returncode)
    return True


def entries(cache):
    return sorted(p for p in cache.iterdir() if p.suffix == ".run")


def plant(cache, old, new):
    """Shows that an entry is what findings come from: a record made with the cache's own secret."""
    from siphash import siphash

    entry, = entries(cache)
    secret = (cache / "secret").read_bytes()
    data = bytearray(entry.read_bytes())
    assert old in data and len(old) == len(new)
    data[24:] = data[24:].replace(old, new)
    data[16:24] = siphash(secret, bytes(data[24:])).to_bytes(8, "little")
    entry.write_bytes(data)


def test_a_second_run_takes_its_findings_from_the_entry(project, cache):
    assert "stamp" in run(project, cache).stdout
    plant(cache, b"calls stamp", b"calls STAMP")
    assert "calls STAMP" in run(project, cache).stdout
    assert "calls STAMP" not in run(project, cache, "--no-cache").stdout


@pytest.mark.parametrize("name, text", [("helper.py", HELPER.replace("time.time()", "1")), ("flow.py", CLEAN), ("other.py", CLOCK),
                                        ("new.py", CLOCK)])
def test_what_changes_is_seen(project, cache, name, text):
    run(project, cache)
    write(project, {name: text})
    same(run(project, cache), run(project, cache, "--no-cache"))
    same(run(project, cache), run(project, cache, "--no-cache"))


OPTIONS = [(), ("--select", "AK3"), ("--ignore", "AK301"), ("--dialect", "ak"), ("--dialect", "autokitteh"), ("--isolated",),
           ("--entry", "flow.py:stamp"), ("helper.py",), ("--exclude", "helper.py"), ("--jobs", "1")]


def test_no_option_gets_the_findings_of_another(project, cache):
    plain = {args: run(project, cache, "--no-cache", *args) for args in OPTIONS}
    assert len({done.stdout for done in plain.values()}) > 3
    for _ in range(2):
        for args in OPTIONS:
            same(run(project, cache, *args), plain[args])


def test_whatever_is_edited_a_run_with_the_cache_says_what_one_without_does(project, cache):
    """Files come, go, change back and forth, one or several at a time."""
    draw = random.Random(7)
    texts = {"flow.py": [CALLER, CLOCK, CLEAN], "helper.py": [HELPER, HELPER.replace("time.time()", "1"), "def stamp(:\n", None],
             "other.py": ["x = 1\n", CLOCK, None], "sub/__init__.py": ["", None], "sub/far.py": [CALLER, "", None],
             "pyproject.toml": ["", '[tool.aklint]\nignore = ["AK301"]\n', '[tool.aklint.calls]\n"helper.stamp" = "pure"\n', None]}
    seen = set()
    for _ in range(40):
        for name in draw.sample(sorted(texts), draw.choice((1, 1, 2))):
            text = draw.choice(texts[name])
            if text is None:
                (project / name).unlink(missing_ok=True)
            else:
                write(project, {name: text})
        plain = run(project, cache, "--no-cache")
        same(run(project, cache), plain)
        same(run(project, cache), plain)
        seen.add(plain.stdout)
    assert len(seen) > 4


def test_a_file_that_is_gone_is_seen(project, cache):
    run(project, cache)
    (project / "helper.py").unlink()
    same(run(project, cache), run(project, cache, "--no-cache"))


def test_settings_and_manifests_are_seen(project, cache):
    run(project, cache)
    for files in ({"pyproject.toml": '[tool.aklint]\ndialects = ["ak"]\n'}, {"pyproject.toml": "[tool.aklint]\nnonsense = 1\n"},
                  {"pyproject.toml": '[tool.aklint.calls]\n"helper.stamp" = "pure"\n'},
                  {"autokitteh.yaml": "version: v1\nproject:\n  name: a\n  triggers:\n    - name: t\n      call: other.py:no\n"},
                  {"autokitteh.yaml": "version: [\n"}):
        write(project, files)
        plain = run(project, cache, "--no-cache")
        same(run(project, cache), plain)
        same(run(project, cache), plain)


def test_size_and_time_may_stay_the_same(project, cache):
    run(project, cache)
    helper = project / "helper.py"
    before = helper.stat()
    helper.write_text(HELPER.replace("time.time()", "int('1234')"))
    os.utime(helper, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert helper.stat().st_size == before.st_size
    same(run(project, cache), run(project, cache, "--no-cache"))


def flipped(data, at):
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1:]


def test_damage_is_as_good_as_no_entry(project, cache):
    plain = run(project, cache, "--no-cache")
    run(project, cache)
    entry, = entries(cache)
    whole = entry.read_bytes()
    step = max(1, len(whole) // 12)
    damaged = [flipped(whole, at) for at in range(0, len(whole), step)] + [whole[:n] for n in range(0, len(whole), step)]
    for data in [*damaged, whole + b"\0", b"", os.urandom(len(whole))]:
        entry.write_bytes(data)
        same(run(project, cache), plain)
        assert entry.read_bytes() == whole
    for name, data in (("secret", b"short"), ("secret", bytes(16))):
        (cache / name).write_bytes(data)
        same(run(project, cache), plain)


def test_an_entry_of_another_program_does_not_count(project, cache, tmp_path):
    plain = run(project, cache, "--no-cache")
    run(project, cache)
    other = tmp_path / "aklint"
    shutil.copy(program("aklint"), other)
    done = subprocess.run([other, "--format", "json", "--show", "notes"], cwd=project, capture_output=True, text=True,
                          env={**os.environ, "AKLINT_CACHE_DIR": str(cache)}, timeout=60)
    same(done, plain)
    assert len(entries(cache)) == 2
    mine, foreign = entries(cache)
    data = mine.read_bytes()
    mine.write_bytes(foreign.read_bytes())
    foreign.write_bytes(data)
    same(run(project, cache), plain)


def test_an_entry_of_another_cache_does_not_count(project, cache, tmp_path):
    plain = run(project, cache, "--no-cache")
    run(project, cache)
    shutil.copytree(cache, tmp_path / "second")
    (tmp_path / "second" / "secret").write_bytes(os.urandom(16))
    same(run(project, tmp_path / "second"), plain)


def test_a_folder_that_others_may_write_is_not_used(project, cache):
    run(project, cache)
    plant(cache, b"calls stamp", b"calls STAMP")
    cache.chmod(0o777)
    assert "calls STAMP" not in run(project, cache).stdout


@pytest.mark.parametrize("place", ["read-only", "a file", "nowhere", "no home"])
def test_no_place_is_no_error(project, cache, tmp_path, place):
    plain = run(project, cache, "--no-cache")
    env = {}
    if place == "read-only":
        run(project, cache)
        if os.geteuid() == 0:
            cache = "/proc/sys/aklint"
        else:
            cache.chmod(0o500)
    elif place == "a file":
        cache.write_text("")
    elif place == "nowhere":
        cache = cache / "a file" / "below"
        write(tmp_path / "cache", {"a file": ""})
    else:
        cache, env = "", {"HOME": "", "XDG_CACHE_HOME": ""}
    same(run(project, cache, env=env), plain)
    same(run(project, cache, env=env), plain)


def test_a_folder_that_was_asked_for_is_missed(project, tmp_path):
    (tmp_path / "file").write_text("")
    done = aklint("--cache-dir", str(tmp_path / "file"), cwd=project)
    assert done.returncode == 1 and "--cache-dir" in done.stderr
    assert "--cache-dir" not in aklint("-q", "--cache-dir", str(tmp_path / "file"), cwd=project).stderr


def test_where_it_is(project, tmp_path):
    home = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": "", "AKLINT_CACHE_DIR": ""}
    aklint(cwd=project, env=home)
    place = tmp_path / "home" / ".cache" / "aklint"
    assert stat.S_IMODE(place.stat().st_mode) == 0o700 and entries(place)
    aklint(cwd=project, env={**home, "XDG_CACHE_HOME": str(tmp_path / "xdg")})
    assert entries(tmp_path / "xdg" / "aklint")
    aklint("--cache-dir", "../given", cwd=project, env=home)
    assert entries(tmp_path / "given")
    assert sorted(p.name for p in project.iterdir()) == ["flow.py", "helper.py", "other.py"]


def test_clean_takes_its_own_files_away(project, cache):
    run(project, cache)
    run(project, cache, "flow.py")
    done = aklint("clean", cwd=project, env={"AKLINT_CACHE_DIR": str(cache)})
    assert done.returncode == 0 and "2 entries" in done.stderr and not cache.exists()
    assert aklint("clean", "--cache-dir", str(cache), cwd=project).returncode == 0
    run(project, cache)
    (cache / "letter.txt").write_text("mine")
    assert aklint("clean", "--cache-dir", str(cache), cwd=project).returncode == 0
    assert [p.name for p in cache.iterdir()] == ["letter.txt"]
    assert aklint("clean", "--cache-dir", str(cache / "letter.txt"), cwd=project).returncode == 2


def test_no_more_than_200_entries_are_kept(project, cache):
    run(project, cache)
    entry, = entries(cache)
    for i in range(205):
        (cache / f"{i:016x}.run").write_bytes(b"old")
        os.utime(cache / f"{i:016x}.run", (i, i))
    (cache / ".new-1-0000000000000000.run").write_bytes(b"left")
    os.utime(cache / ".new-1-0000000000000000.run", (1, 1))
    run(project, cache, "flow.py")
    assert len(entries(cache)) <= 200 and entry in entries(cache)
    assert not (cache / ".new-1-0000000000000000.run").exists()


def test_runs_at_once_share_it(project, cache):
    plain = run(project, cache, "--no-cache")
    with ThreadPoolExecutor(4) as pool:
        for done in pool.map(lambda _: run(project, cache), range(12)):
            same(done, plain)
    assert len(entries(cache)) == 1 and not list(cache.glob(".new-*"))
    plant(cache, b"calls stamp", b"calls STAMP")
    assert "calls STAMP" in run(project, cache).stdout


def test_fixes_and_standard_input_do_without(project, cache):
    env = {"AKLINT_CACHE_DIR": str(cache)}
    aklint("--diff", cwd=project, env=env)
    aklint("-", cwd=project, input=CLOCK, env=env)
    assert not cache.exists()


def compare(folder, cache):
    for args in ((), ("--dialect", "ak"), ("--dialect", "temporal"), ("--select", "AK3", "--format", "text")):
        plain = run(folder, cache, "--no-cache", *args)
        same(run(folder, cache, *args), plain)
        same(run(folder, cache, *args), plain)


def test_all_fixtures_say_the_same(cache, tmp_path):
    """Each example as a project of its own, all in one tree."""
    for archive in sorted((ROOT / "tests" / "fixtures").glob("*/*.txtar")):
        folder, name, lines = tmp_path / "tree" / archive.parent.name / archive.stem, None, {}
        for line in archive.read_text().splitlines(keepends=True):
            if line.startswith("-- ") and line.rstrip().endswith(" --"):
                name = line.strip()[3:-3]
                lines[name] = ""
            elif name:
                lines[name] += line
        write(folder, {n: t for n, t in lines.items() if not n.startswith(("/", ".."))})
    compare(tmp_path / "tree", cache)


def test_a_real_repository_says_the_same(cache):
    """Of somebody's choice, or our own examples."""
    compare(os.environ.get("AK_CORPUS") or ROOT / "examples", cache)


def test_siphash_is_the_published_one():
    from siphash import siphash

    key = bytes(range(16))
    assert siphash(key, bytes(range(15))) == 0xA129CA6149BE45E5
    assert siphash(key, b"") == 0x726FDB47DD0E0E31
