import autokitteh

from effects import effect


def handler(event):
    child = autokitteh.start("child_fails.py:work", {})
    signal = autokitteh.next_signal(child)
    return effect("child completed: %s" % signal.payload["completed"])


def work(event):
    effect("child")
    raise ValueError("in the child")
