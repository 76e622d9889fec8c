from effects import effect


class Refused(Exception):
    pass


def handler(event):
    effect("before")
    raise Refused("by the program itself")
