"""Sessions that sleep until an instant, and whose result tells which of them it was and whether its steps ran once."""
import time

import autokitteh


@autokitteh.activity
def seconds_until(instant):
    return max(0.0, instant - time.time())


@autokitteh.activity
def double(n):
    return n * 2


def on_doze(event):
    doze = event.data.body.json
    time.sleep(seconds_until(doze.until))
    return double(doze.n)
