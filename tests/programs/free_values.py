import ak

from effects import effect


def handler(event):
    number, name, now = ak.random().random(), ak.uuid4(), ak.now()
    effect("seeded")
    assert ak.now() >= now
    return [number, str(name)]
