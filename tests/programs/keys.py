import autokitteh

from effects import effect


def handler(event, session_id):
    autokitteh.set_value(session_id, 1)
    effect("set")
    autokitteh.add_values(session_id, 2)
    value = autokitteh.get_value(session_id)
    autokitteh.del_value(session_id)
    return effect("value %s" % value)
