"""When schedules fire, compared with croniter (days and weekdays both wanted), and zones with Python's zoneinfo."""
import datetime
import os
import random
import subprocess
import time
import zoneinfo

import pytest

from conftest import unavailable
from run_host import build_dir
from tools import need_module

COUNT = int(os.environ.get("AK_CRON_COUNT", "3000"))


def ask(lines):
    tool = build_dir() / "cron_next"
    if not tool.is_file():
        unavailable("cron_next is not built")
    done = subprocess.run([str(tool)], input="".join(line + "\n" for line in lines), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    return done.stdout.splitlines()


def field(dice, low, high, names=()):
    kind = dice.random()
    if kind < 0.4:
        return "*"
    if kind < 0.6:
        return str(dice.randint(low, high))
    if kind < 0.7:
        return f"*/{dice.randint(1, max(2, (high - low) // 2))}"
    if kind < 0.8:
        a = dice.randint(low, high - 1)
        b = dice.randint(a + 1, high)  # croniter takes 5-5 for a whole week
        return f"{a}-{b}" if dice.random() < 0.5 else f"{a}-{b}/{dice.randint(1, 5)}"
    if kind < 0.9 and names:
        return dice.choice(names)
    return ",".join(str(dice.randint(low, high)) for _ in range(dice.randint(2, 4)))


MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]


def five(dice):
    return [field(dice, 0, 59), field(dice, 0, 23), field(dice, 1, 28) if dice.random() < 0.6 else field(dice, 1, 31),
            field(dice, 1, 12, MONTHS), field(dice, 0, 6, DAYS)]


def values(text, low, high, names=()):
    """The set that a field means: the plainest reading there is, for where croniter errs (`*/10` as a day near a month's end)."""
    found = set()
    for part in text.split(","):
        part, _, step = part.partition("/")
        if part in names:
            part = str(names.index(part) + low)
        first, _, last = part.partition("-")
        begin, end = (low, high) if part == "*" else (int(first), int(last or first))
        found.update(range(begin, end + 1, int(step or 1)))
    return found


def first_day(theirs, start, end):
    """Seconds from start to the first instant that the fields name, day by day; None up to end."""
    fields = theirs.split()
    minutes, hours, days = values(fields[0], 0, 59), values(fields[1], 0, 23), values(fields[2], 1, 31)
    months, weekdays = values(fields[3], 1, 12, MONTHS), values(fields[4], 0, 6, DAYS)
    seconds = values(fields[5], 0, 59) if len(fields) > 5 else {0}
    for day in range(start // 86400, end // 86400 + 1):
        date = datetime.datetime.fromtimestamp(day * 86400, datetime.timezone.utc)
        if date.month in months and date.day in days and (date.weekday() + 1) % 7 in weekdays:
            instants = (day * 86400 + h * 3600 + m * 60 + s for h in hours for m in minutes for s in seconds)
            found = min((i for i in instants if i > start), default=None)
            if found:
                return found
    return None


def after(dice):
    return dice.randint(946684800, 2500000000)


def test_random_schedules_fire_as_croniter_says():
    need_module("croniter")
    import croniter

    seed = int(os.environ.get("AK_SEED", time.time()))
    print("AK_SEED =", seed)
    dice = random.Random(seed)
    cases = []
    while len(cases) < COUNT:
        fields, when = five(dice), after(dice)
        if dice.random() < 0.3:  # seconds first, year last; croniter wants the seconds sixth
            seconds = field(dice, 0, 59)
            cases.append((when, " ".join([seconds, *fields, "*"]), " ".join([*fields, seconds])))
        else:
            cases.append((when, " ".join(fields), " ".join(fields)))
    answers = ask(f"{when}\t{ours}" for when, ours, _ in cases)
    compared = erred = 0
    for (when, ours, theirs), said in zip(cases, answers):
        start = datetime.datetime.fromtimestamp(when, datetime.timezone.utc)
        try:
            wanted = int(croniter.croniter(theirs, start, day_or=False, max_years_between_matches=100).get_next(float))
        except croniter.CroniterBadDateError:
            wanted = -1
        except croniter.CroniterBadCronError:
            continue
        if wanted >= 4102444800 or (wanted == -1 and said == "-1"):
            continue
        if said != str(wanted):
            plain = first_day(theirs, when, max(int(said), wanted))
            assert said == str(plain), f"{ours!r} after {when}: we say {said}, croniter {wanted}, the fields {plain}"
            erred += 1
        compared += 1
    assert compared > COUNT * 0.8 and erred < COUNT * 0.01
    print(f"{compared} compared; croniter erred {erred} times")


def test_zones_are_as_far_ahead_as_python_says():
    dice = random.Random(7)
    zones = ["Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia",
             "Africa/Casablanca", "Europe/Dublin", "Asia/Tehran", "UTC", "America/St_Johns", "Antarctica/Troll"]
    try:
        zones = [(name, zoneinfo.ZoneInfo(name)) for name in zones]
    except zoneinfo.ZoneInfoNotFoundError:
        unavailable("the system has no time zones")
    cases = [(zone, dice.randint(0, 4102444800)) for zone in zones for _ in range(400)]
    answers = ask(f"offset\t{utc}\t{name}" for (name, _), utc in cases)
    for ((name, zone), utc), said in zip(cases, answers):
        moment = datetime.datetime.fromtimestamp(utc, datetime.timezone.utc).astimezone(zone)
        assert int(said) == moment.utcoffset().total_seconds(), f"{name} at {utc}"


DST = [  # written by hand: Berlin's clocks skip 02:00-03:00 on 2024-03-31 and repeat it on 2024-10-27
    ("TZ=Europe/Berlin 30 2 * * *", "2024-03-30T12:00:00", "2024-04-01T00:30:00"),   # the skipped one does not fire
    ("TZ=Europe/Berlin 30 2 * * *", "2024-10-26T12:00:00", "2024-10-27T00:30:00"),   # the first of two
    ("TZ=Europe/Berlin 30 2 * * *", "2024-10-27T00:30:00", "2024-10-27T01:30:00"),   # the second of two
    ("TZ=Europe/Berlin 0 9 * * 1", "2024-07-01T08:00:00", "2024-07-08T07:00:00"),
    ("TZ=Europe/Berlin 0 9 * * 1", "2024-12-01T08:00:00", "2024-12-02T08:00:00"),
    ("CRON_TZ=America/New_York 0 0 1 1 *", "2024-06-01T00:00:00", "2025-01-01T05:00:00"),
    ("@every 15m", "2024-01-01T00:07:00", "2024-01-01T00:15:00"),
    ("0 0 13 * 5", "2024-01-01T00:00:00", "2024-09-13T00:00:00"),                    # day AND weekday
    ("0 0 1 1 * 2030", "2024-01-01T00:00:00", "2030-01-01T00:00:00"),
]


@pytest.mark.parametrize("schedule, start, wanted", DST)
def test_written_cases(schedule, start, wanted):
    seconds = [int(datetime.datetime.fromisoformat(t + "+00:00").timestamp()) for t in (start, wanted)]
    assert ask([f"{seconds[0]}\t{schedule}"]) == [str(seconds[1])]
