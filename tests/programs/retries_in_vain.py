import autokitteh

from effects import effect


@autokitteh.activity(retries=1, backoff=0.01)
def broken():
    effect("try")
    raise OSError("never")


def handler(event):
    try:
        broken()
    except OSError as exc:
        return effect("gave up: %s" % exc)
