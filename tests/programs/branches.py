from effects import effect


def handler(event):
    if effect("asked").endswith("asked"):
        effect("yes")
    else:
        effect("no")
