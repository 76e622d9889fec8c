"""Answers the webhook of autokitteh.yaml: an order comes in, its receipt is printed."""
from receipts import receipt


async def on_order(event):
    print(await receipt(event.data.item, int(event.data.count)))
