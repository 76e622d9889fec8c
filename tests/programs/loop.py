from effects import effect


def handler(event):
    return [effect("turn %d" % i) for i in range(event.data.n)]
