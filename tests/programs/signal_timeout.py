import autokitteh

from effects import effect


def handler(event):
    if autokitteh.next_signal("never", timeout=0.02) is None:
        return effect("nobody came")
