from effects import effect


def handler(event):
    first = effect("first")
    second = effect("second")
    return [first, second, event.data.n]
