import autokitteh

from effects import effect


def handler(event):
    autokitteh.outcome({"status": "begun"})
    effect("work")
    autokitteh.http_outcome(200, body="done")
