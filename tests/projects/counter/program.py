"""Sessions whose result tells whether each step ran once."""
import time

import autokitteh


@autokitteh.activity
def double(n):
    return n * 2


def on_add(event):
    first = double(event.data.body.json.n)
    time.sleep(0.02)
    return first + double(event.data.body.json.n)


def on_nap(event):
    time.sleep(event.data.body.json.seconds)
    return "slept"


def on_tick(_):
    return autokitteh.add_values("ticks", 1)
