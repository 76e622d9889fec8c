import os

from effects import effect


def handler(event):
    try:
        os.stat("/no/such/file")
    except FileNotFoundError as exc:
        effect("caught %d" % exc.errno)
    return "went on"
