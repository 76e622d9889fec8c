"""One event starts the session, the next one is waited for."""
from datetime import timedelta

import autokitteh


def on_meow(_):
    woof = autokitteh.subscribe("animals", "data.url.path.endsWith('/woof')")
    event = autokitteh.next_event(woof, timeout=timedelta(minutes=1))
    return event.url.query.name if event else "nobody"


def on_lost(_):
    try:
        autokitteh.subscribe("plants")
    except ValueError as exc:
        return str(exc)
