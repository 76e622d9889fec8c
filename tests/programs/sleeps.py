import time

from effects import effect


def handler(event):
    for i in range(2):
        time.sleep(0.01)
        effect("woke %d" % i)
