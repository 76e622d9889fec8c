"""The disk fails: full, read-only, damaged. A refusal in words, no wrong result, and on with it when there is room."""
import os
import resource
import shutil
import sqlite3
import subprocess

import pytest

from conftest import unavailable
from run_host import Ak

PROGRAM = """
import os


def effect(i, file):
    with open(file, "a") as f:
        f.write("%d\\n" % i)
    return i


def work(event):
    for i in range(event.data.n):
        os.path.exists("x" * 2000)
        os.system("echo %d >> %s" % (i, event.data.effects))
        print("seen", i)
    return "all"
"""


@pytest.fixture
def ak(tmp_path):
    (tmp_path / "main.py").write_text(PROGRAM)
    ak = Ak(tmp_path / "data")
    ak.file, ak.effects = str(tmp_path / "main.py"), tmp_path / "effects"
    return ak


def work(ak, n, **options):
    return ak("run", ak.file + ":work", "--data", "n=%d" % n, "--data", "effects=%s" % ak.effects, timeout=60, **options)


def check_outcome(ak, n, refused):
    """What was refused midway ends as if undisturbed: at most the step that could not be recorded ran twice."""
    session = ak.last()
    recorded = [r for r in ak.log(session["id"]) if r["kind"] == "call" and r["name"] == "system"]
    assert 0 < len(recorded) < n
    done = ak.effects.read_text().split()
    assert len(recorded) <= len(done) <= len(recorded) + 1, "effects went on without records"
    shown = [line for line in refused.stdout.splitlines() if line.startswith("seen")]
    assert shown == ["seen %d" % i for i in range(len(shown))] and len(shown) <= len(recorded), "shown before it was durable"
    resumed = ak("run", "--resume", session["id"], timeout=60)
    assert resumed.returncode == 0, resumed.stderr
    assert ak.last()["state"] == "completed" and ak.last()["value"] == "'all'"
    again = ak.effects.read_text().split()
    assert list(dict.fromkeys(again)) == [str(i) for i in range(n)] and len(again) <= n + 1


def test_a_disk_that_is_full_ends_the_run_and_loses_nothing(ak):
    assert work(ak, 1).returncode == 0
    ak.effects.unlink()
    refused = work(ak, 150, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, resource.RLIM_INFINITY)))
    assert refused.returncode == 1, refused.stderr
    assert "nothing can be recorded, so nothing goes on" in refused.stderr and "run --resume" in refused.stderr
    check_outcome(ak, 150, refused)


@pytest.fixture
def small(tmp_path):
    """A file system of its own."""
    place = tmp_path / "small"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=0700", "tmpfs", str(place)], capture_output=True)
    if made.returncode:
        unavailable("no file system can be mounted here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_file_system_without_room_and_then_with_room(ak, small):
    ak.data = str(small / "data")
    assert work(ak, 1).returncode == 0
    ak.effects.unlink()
    filler = small / "filler"
    free = os.statvfs(small)
    filler.write_bytes(b"x" * (free.f_bavail * free.f_bsize - 400_000))
    refused = work(ak, 150)
    assert refused.returncode == 1 and "nothing can be recorded" in refused.stderr, refused.stderr
    filler.unlink()
    check_outcome(ak, 150, refused)


def test_a_read_only_data_directory_is_refused_in_words(ak, small):
    ak.data = str(small / "data")
    assert work(ak, 1).returncode == 0
    first = ak.last()["id"]
    subprocess.run(["mount", "-o", "remount,ro", str(small)], check=True)
    refused = work(ak, 1)
    assert refused.returncode == 1 and str(small) in refused.stderr, refused.stderr
    assert "ead-only" in refused.stderr
    subprocess.run(["mount", "-o", "remount,rw", str(small)], check=True)
    assert ak.last()["id"] == first and work(ak, 1).returncode == 0


@pytest.fixture
def left(ak, tmp_path):
    """A session that was left in the middle: 20 steps are recorded, `ak` is gone."""
    (tmp_path / "main.py").write_text(PROGRAM.replace("import os\n", "import os\nimport time\n").replace(
        "        print(", "        if i == 9 and event.data.n > 9:\n            time.sleep(600)\n        print("))
    run = ak.start("run", ak.file + ":work", "--data", "n=20", "--data", "effects=%s" % ak.effects)
    for _ in range(600):
        if ak.sessions() and "wait" in ak.last():
            break
        subprocess.run(["sleep", "0.05"])
    run.kill()
    run.communicate(timeout=20)
    return ak.last()["id"]


def change(ak, sql, *values):
    db = sqlite3.connect(ak.data + "/ak.db")
    assert db.execute(sql, values).rowcount == 1
    db.commit()
    db.close()


def test_a_changed_record_is_refused_by_its_number(ak, left):
    change(ak, "update journal set bytes = cast(substr(bytes, 1, 40) || x'ff' || substr(bytes, 42) as blob) where number = 5")
    refused = ak("run", "--resume", left)
    assert refused.returncode == 1 and "record 5 cannot be used" in refused.stderr, refused.stderr
    before = ak.effects.read_text()
    assert ak("run", "--resume", left).returncode == 1 and ak.effects.read_text() == before
    assert work(ak, 1).returncode == 0, "others go on"


def test_a_lost_record_is_refused_by_its_number(ak, left):
    change(ak, "delete from journal where number = 7")
    refused = ak("run", "--resume", left)
    assert refused.returncode == 1 and "record 7" in refused.stderr, refused.stderr


def test_a_truncated_database_is_refused_and_left_as_it_is(ak, left):
    db = sqlite3.connect(ak.data + "/ak.db")
    db.execute("pragma wal_checkpoint(truncate)")
    db.close()
    path = ak.data + "/ak.db"
    shutil.copy(path, path + ".whole")
    os.truncate(path, os.path.getsize(path) // 2)
    refused = ak("run", "--resume", left)
    assert refused.returncode == 1 and "ak.db" in refused.stderr and "corrupt" in refused.stderr, refused.stderr
    os.replace(path + ".whole", path)
    resumed = ak.start("run", "--resume", left, "--json")
    subprocess.run(["sleep", "1"])
    assert resumed.poll() is None
    resumed.kill()
    resumed.communicate(timeout=20)
