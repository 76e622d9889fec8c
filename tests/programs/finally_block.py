import os

from effects import effect


def handler(event):
    try:
        effect("work")
        os.rmdir("/no/such/dir")
    finally:
        effect("clean up")
