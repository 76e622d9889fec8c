from effects import effect


def handler(event):
    names = sorted(["b", "a"], key=lambda name: name)
    return list(map(lambda name: effect(name), names))
