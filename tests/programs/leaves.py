import sys

from effects import effect


def handler(event):
    effect("before")
    sys.exit(3)
