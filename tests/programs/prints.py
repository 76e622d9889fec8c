import sys

from effects import effect


def handler(event):
    print("one")
    effect("between")
    print("two", file=sys.stderr)
    print("three")
