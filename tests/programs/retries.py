import autokitteh

from effects import count, effect


@autokitteh.activity(retries=3, backoff=0.01)
def flaky():
    effect("try")
    if count("try") < 2:
        raise OSError("not yet")
    return "worked"


def handler(event):
    return effect(flaky())
