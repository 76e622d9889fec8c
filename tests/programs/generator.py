from effects import effect


def steps():
    for name in ("x", "y"):
        yield effect(name)


def handler(event):
    return ", ".join(steps())
