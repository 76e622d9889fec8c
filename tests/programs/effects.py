"""What the programs do to the world: a line in the file that EFFECTS names, one recorded call each."""
import os

import autokitteh


@autokitteh.activity
def effect(name):
    fd = os.open(os.environ["EFFECTS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, ("%s\n" % name).encode())
    os.close(fd)
    return "did %s" % name


def count(name):
    with open(os.environ["EFFECTS"]) as file:
        return file.read().split("\n").count(name)
