"""Calls that use the runtime themselves: nothing of it has a record of its own."""
import autokitteh

from effects import effect


@autokitteh.activity
def note(name):
    autokitteh.set_value(name, effect(name))
    return autokitteh.get_value(name)


def handler(event):
    first = note("first")
    autokitteh.set_value("last", note("second"))
    return [first, autokitteh.list_values_keys()]
