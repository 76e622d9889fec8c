import autokitteh

from effects import effect


def handler(event, session_id):
    took = autokitteh.check_and_set_value(session_id, None, "mine")
    again = autokitteh.check_and_set_value(session_id, None, "theirs")
    effect("took %s, again %s" % (took, again))
    autokitteh.del_value(session_id)
