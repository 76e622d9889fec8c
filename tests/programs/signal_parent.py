import autokitteh

from effects import effect


def handler(event, session_id):
    autokitteh.start("signal_parent.py:work", {"parent": session_id})
    signal = autokitteh.next_signal("ready")
    return effect("got %s" % signal.payload)


def work(event):
    effect("child signals")
    autokitteh.signal(event.data.parent, "ready", 42)
