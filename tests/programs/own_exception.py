import autokitteh

from effects import effect


class Odd(Exception):
    def __init__(self, code, words):
        super().__init__(code, words)
        self.code = code


@autokitteh.activity
def refuse(name):
    effect(name)
    raise Odd(7, "not today")


def handler(event):
    try:
        refuse("refused")
    except Odd as exc:
        return effect("code %d" % exc.code)
