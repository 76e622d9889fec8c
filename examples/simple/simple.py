"""The smallest durable program: every call that leaves the program is one recorded step."""
import json
import os
import time


def on_event(event):
    print("event:", event.event_type)
    order = json.loads('{"item": "tea", "count": 2}')
    pid = os.getpid()
    print("step done in a process, recorded once:", pid > 0)
    time.sleep(0.1)
    print("ordered", order["count"], order["item"])
