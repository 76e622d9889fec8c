"""Orders that wait for approval, are retried, fail: what the page's tests look at."""
import time

import autokitteh
from autokitteh import get_value, next_event, set_value, subscribe, unsubscribe

tries = {}


@autokitteh.activity
def look_up(item):
    print(f"looking up {item}")
    return {"item": item, "price": 12.5}


@autokitteh.activity(retries=2, backoff=0.1)
def reserve(item, count):
    tries[item] = tries.get(item, 0) + 1
    if tries[item] == 1:
        raise ConnectionError("the warehouse did not answer")
    return f"{count} x {item}"


@autokitteh.activity
def charge(card, amount):
    if card != "good":
        raise ValueError(f"card {card!r} was declined for {amount:.2f}")
    return f"receipt over {amount:.2f}"


def approved():
    waiting = subscribe("approve")
    note = next_event(waiting)
    unsubscribe(waiting)
    return note.body.text


def on_order(event):
    order = event.data.body.json
    found = look_up(order.item)
    reserve(order.item, order.count)
    if order.count > 10:
        print("a large order:", approved())
    amount = found["price"] * order.count
    for card in order.cards:
        receipt = charge(card, amount)
    set_value("last", order.item)
    print(f"sent {order.item}: {receipt}")
    return receipt


def on_note(event):
    return event.data.body.text


@autokitteh.activity
def echo(text):
    print(text)
    return text


def on_hostile(event):
    text = event.data.body.text
    echo(text)
    set_value("hostile", text)
    raise RuntimeError(text)


def on_nap(event):
    time.sleep(event.data.body.json.seconds)
    return get_value("last")
