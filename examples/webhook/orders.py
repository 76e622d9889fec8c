"""Takes orders by webhook; each step is recorded, so that a crash in between repeats none."""
import time

import autokitteh
from autokitteh import add_values, get_value, http_outcome


@autokitteh.activity
def charge(item, count):
    print(f"charging {count} x {item}")
    return f"receipt-{item}-{count}"


def on_order(event):
    order = event.data.body.json
    receipt = charge(order.item, order.count)
    time.sleep(1)  # durable: the server may be killed here
    total = add_values("sold", order.count)
    print(f"sent {order.item}; {total} sold so far")
    return receipt


def on_status(_):
    http_outcome(json={"sold": get_value("sold") or 0})
