import autokitteh

from effects import effect


@autokitteh.activity
def load(size):
    effect("load")
    return "x" * size


def handler(event):
    return len(load(300000))
