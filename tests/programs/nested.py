from effects import effect


def handler(event):
    return effect(effect("inner"))
