"""Answers the webhook of autokitteh.yaml: an order comes in, its receipt is printed."""
import asyncio

from receipts import receipt


def on_order(event):
    print(asyncio.run(receipt(event.data.item, int(event.data.count))))
