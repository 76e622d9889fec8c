import autokitteh

from effects import effect


def handler(event):
    ids = [autokitteh.start("children.py:work", {"n": i}) for i in range(2)]
    for child in ids:
        autokitteh.next_signal(child)
    return effect("all ended")


def work(event):
    effect("child %d" % event.data.n)
