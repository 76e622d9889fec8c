"""A statement that is not Python hides nothing outside of it: the other findings of its class and method stay.

Fixtures of the rules for workflows, each with a broken line put where a statement may stand. What a line with an open
bracket or open quotes takes with it depends on what follows; those may lose a little."""
import json
import random
import re

import pytest

from conftest import ROOT, aklint

CLOSED = ["x = = 1", "if x", "for", "print 'x'", "@", "lambda:"]
OPEN = ["call(1,", "text = '''more", "def g("]
ENTERED = r"\s*(elif|else|except|finally|case|[)\]}@])"


def programs():
    for path in sorted((ROOT / "tests/fixtures").glob("AK[345]*/*.txtar")):
        parts = re.split(r"^-- (.+?) --\n", path.read_text(), flags=re.M)[1:]
        for name, text in zip(parts[::2], parts[1::2]):
            if name.endswith(".py") and "temporalio" in text and "# BAD" in text:
                yield text


def compiles(lines):
    try:
        compile("\n".join(lines), "flow.py", "exec")
    except SyntaxError:
        return False
    return True


def broken(rng, text):
    """Places where a statement fits: the lines with `pass` there, and the line to break instead."""
    lines = text.split("\n")
    places = [i for i in range(1, len(lines)) if re.match(r"\s+\S", lines[i]) and not re.match(ENTERED, lines[i])]
    rng.shuffle(places)
    for i in places:
        indent = re.match(r"\s*", lines[i]).group()
        fitting = [*lines[:i], indent + "pass", *lines[i:]]
        if compiles(fitting):
            return fitting, i, indent
    return None


def found(folder, lines):
    (folder / "flow.py").write_text("\n".join(lines))
    done = aklint("flow.py", "--isolated", "--no-cache", "--format", "json", cwd=folder)
    assert done.returncode in (0, 1), done.stderr
    return {(f["code"], f["location"]["row"]) for f in json.loads(done.stdout)}


@pytest.mark.parametrize(("breaks", "most"), [(CLOSED, 0.02), (OPEN, 0.15)], ids=["closed", "open"])
def test_what_is_broken_hides_nothing_else(tmp_path, breaks, most, capsys):
    rng, there, lost = random.Random(11), 0, []
    for text in rng.sample(list(programs()), 40):
        place = broken(rng, text)
        if not place:
            continue
        fitting, i, indent = place
        line = rng.choice(breaks)
        before, after = found(tmp_path, fitting), found(tmp_path, [*fitting[:i], indent + line, *fitting[i + 1:]])
        assert any(code == "AK001" for code, _ in after), (line, "\n".join(fitting))
        there += len(before)
        lost += [(line, *finding) for finding in before - after]
    with capsys.disabled():
        print(f" {there} findings around a broken line, {len(lost)} hidden by it ", end="")
    assert there > 40
    assert len(lost) <= most * there, lost
