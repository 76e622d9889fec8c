import autokitteh

from effects import effect


def handler(event):
    child = autokitteh.start("child.py:work", {"n": 3})
    signal = autokitteh.next_signal(child)
    effect("child ended")
    return signal.payload["completed"]


def work(event):
    effect("child works %d" % event.data.n)
    return event.data.n * 2
