import os

from effects import effect


def handler(event):
    effect("before")
    os.stat("/no/such/file")
    effect("never")
