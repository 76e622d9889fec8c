import autokitteh

from effects import effect


def handler(event):
    subscription = autokitteh.subscribe("door")
    got = autokitteh.next_event(subscription, timeout=0.02)
    autokitteh.unsubscribe(subscription)
    return effect("event: %s" % got)
