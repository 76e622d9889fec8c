"""Answers to whoever waits for them."""
from autokitteh import http_outcome, next_event, subscribe


def on_ask(_):
    event = next_event(subscribe("reply"))
    http_outcome(201, body="heard: " + event.body.text, headers={"X-Mood": "good"})


def on_echo(event):
    http_outcome(json={"method": event.data.method, "suffix": event.data.url.path_suffix, "query": event.data.url.query,
                       "type": event.event_type, "json": event.data.body.json, "form": event.data.body.form,
                       "text": event.data.body.text, "size": len(event.data.body.bytes or b""),
                       "header": event.data.headers.get("X-Test-Header")})


def on_silent(_):
    return "nothing to say"
