import autokitteh

from effects import effect


def handler(event, session_id):
    autokitteh.signal(session_id, "note", {"n": 1})
    autokitteh.signal(session_id, "note", {"n": 2})
    first = autokitteh.next_signal("note")
    second = autokitteh.next_signal("note")
    return effect("%d then %d" % (first.payload["n"], second.payload["n"]))
