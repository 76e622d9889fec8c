"""Generated programs: each hides a nondeterministic call that must be found, each twin must stay silent.

What is claimed in docs/analysis.md is what the generator makes: the lists are the same.
"""
import collections
import json
import pathlib
import re
import sys

from conftest import ROOT, aklint

sys.path.insert(0, str(ROOT / "tests"))
import generate_programs as generate  # noqa: E402

FIRST_SEED, PROGRAMS, RUNS = 20_000, 1000, 4


def put(folder, programs):
    for program in programs:
        for name, text in program.files.items():
            path = folder / f"seed{program.seed}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def findings(folder):
    """What is found in each program of the folder: (rule, file, line) by seed."""
    done = aklint(str(folder), "--format", "json", "--select", "AK0,AK3", "--isolated", timeout=120)
    assert done.returncode in (0, 1), done.stderr
    found = collections.defaultdict(set)
    for finding in json.loads(done.stdout):
        path = pathlib.Path(finding["filename"]).resolve().relative_to(folder.resolve())
        seed = int(path.parts[0].removeprefix("seed"))
        found[seed].add((finding["code"], str(pathlib.Path(*path.parts[1:])), finding["location"]["row"]))
    return found


def run(folder, programs):
    """The programs whose finding is missing (twins: that have one), in few runs."""
    wrong = []
    for part in range(RUNS):
        here = folder / str(part)
        mine = programs[part::RUNS]
        put(here, mine)
        found = findings(here)
        for program in mine:
            expected = (program.rule, *program.place)
            if found[program.seed] if program.twin else expected not in found[program.seed]:
                wrong.append((program, found[program.seed]))
    return wrong


def smallest(wrong):
    program, found = min(wrong, key=lambda w: len(w[0].show()))
    return (f"{len(wrong)} programs, the smallest: tests/generate_programs.py {program.seed}{' --twin' * bool(program.twin)}\n"
            f"layers: {', '.join(program.used)}\nexpected: {program.twin or (program.rule, *program.place)}\n"
            f"found: {sorted(found)}\n{program.show()}")


def test_every_hidden_call_is_found(tmp_path, capsys):
    programs = [generate.Program(seed) for seed in range(FIRST_SEED, FIRST_SEED + PROGRAMS)]
    used = {layer for program in programs for layer in program.used}
    wrong = run(tmp_path, programs)
    with capsys.disabled():
        print(f"\nhidden calls found: {PROGRAMS - len(wrong)} of {PROGRAMS}, over {len(used)} layers")
    assert used == set(generate.claimed())
    assert not wrong, smallest(wrong)


def test_twins_are_silent(tmp_path, capsys):
    programs = [generate.Program(seed, twin=True) for seed in range(FIRST_SEED, FIRST_SEED + PROGRAMS)]
    wrong = run(tmp_path, programs)
    with capsys.disabled():
        print(f"\ntwins without a finding: {PROGRAMS - len(wrong)} of {PROGRAMS}, of {len({p.twin for p in programs})} kinds")
    assert {program.twin for program in programs} == set(generate.TWINS)
    assert not wrong, smallest(wrong)


def section(name):
    text = (ROOT / "docs" / "analysis.md").read_text()
    return re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", text, re.S | re.M)[1]


def test_the_page_claims_what_is_generated():
    assert [" ".join(name.split()) for name in re.findall(r"`([^`]+)`", section("Followed"))] == generate.claimed()
    assert re.findall(r"^\| (?!layer|---)(.+?) \|", section("Not followed"), re.M) == generate.NOT_FOLLOWED


def test_programs_can_be_compiled_and_are_the_same_again():
    for seed in range(FIRST_SEED, FIRST_SEED + 200):
        for twin in (False, True):
            program = generate.Program(seed, twin)
            assert program.files == generate.Program(seed, twin).files
            for name, text in program.files.items():
                if name.endswith(".py"):
                    compile(text, name, "exec")
