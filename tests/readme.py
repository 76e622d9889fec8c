#!/usr/bin/env python3
"""The commands of README.md, so that they are run as they stand there.

A block is ```sh WHO; the block ```text after it is what its last command prints (`…` stands for anything).
WHO says where it is run:

  (nothing)    in order, in one folder: tests/e2e/test_readme.py, and tests/deb_root.sh with the packages installed
  background   the same, left running until the end
  deb          tests/deb_root.sh        wheel     tests/e2e/test_package_wheel.py
  source       tests/e2e/test_package_library.py    temporal  tests/e2e/test_temporal_readme.py

  readme.py script WHO…          prints a script for sh that runs these blocks; what each prints goes to $OUT/N
  readme.py compare FOLDER WHO…  compares that with what README.md shows

In the script `ak serve` is given a port by its settings: 9980 becomes $PORT.
"""
import pathlib
import re
import sys

README = pathlib.Path(__file__).resolve().parents[1] / "README.md"
WHO = ["", "background", "deb", "wheel", "source", "temporal"]


class Block:
    def __init__(self, number, who, text):
        self.number, self.who, self.text = number, who, text
        self.shown, self.status = None, 0


def blocks(text=None):
    found = []
    for kind, rest, body in re.findall(r"^```(\w+)(.*)\n((?:.*\n)*?)```$", text or README.read_text(), re.M):
        if kind == "sh":
            found.append(Block(len(found), rest.strip(), body))
        elif kind == "text":
            found[-1].shown = body
            found[-1].status = int((re.search(r"exit (\d+)", rest) or [0, 0])[1])
    return found


START = """set -e
background=
ended() {
    status=$?
    trap - EXIT
    [ -z "$background" ] || kill $background 2>/dev/null || :
    [ $status = 0 ] || { echo "README.md: block $block ends with $status:"; cat "$OUT/$block"; } >&9
    wait
    exit $status
}
trap ended EXIT
exec 8>&1 9>&2
"""


def script(who):
    """Stops at the first command that fails, and says which block it stands in."""
    parts = [START]
    for block in blocks():
        if block.who not in who:
            continue
        text, out = block.text.replace("9980", "$PORT"), f'"$OUT/{block.number}"'
        if block.who == "background":
            parts.append(f'block={block.number}\n{text.rstrip()} >{out} 2>&1 &\nbackground="$background $!"\n'
                         f"tries=0; until grep -q serving {out}; do tries=$((tries + 1)); [ $tries -lt 300 ]; sleep 0.1; done\n")
            continue
        if block.status:
            *first, last = text.splitlines(keepends=True)
            text = "".join(first) + f"status=0; {last.rstrip()} || status=$?; [ $status = {block.status} ]\n"
        # What the block itself leaves running ends with the script too.
        text = re.sub(r"(?m) &$", ' &\nbackground="$background $!"', text)
        parts.append(f"block={block.number}\nexec >{out} 2>&1\n{text}exec >&8 2>&9\n")
    return "".join(parts)


def differs(block, printed):
    """Words, or None. The last command's output: the shown lines are the end of what was printed."""
    if block.shown is None:
        return None
    want = re.escape(block.shown).replace("…", ".*")
    return None if re.search(f"(?:^|\n){want}$", printed, re.S) else f"README.md shows\n{block.shown}\nit prints\n{printed}"


def compare(folder, who):
    return [words for b in blocks() if b.who in who
            for words in [differs(b, (pathlib.Path(folder) / str(b.number)).read_text())] if words]


if __name__ == "__main__":
    if sys.argv[1] == "script":
        print(script([w.strip() for w in sys.argv[2:]]), end="")
    else:
        wrong = compare(sys.argv[2], [w.strip() for w in sys.argv[3:]])
        print("\n".join(wrong), end="")
        sys.exit(bool(wrong))
