import time

from effects import effect


def handler(event):
    effect("before")
    time.sleep(0.02)
    return effect("after")
