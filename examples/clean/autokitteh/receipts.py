"""Prices and receipts."""
import asyncio

PRICES = {"tea": 3, "cake": 5}


async def receipt(item: str, count: int) -> str:
    await asyncio.sleep(1)
    return f"{count} x {item}: {PRICES[item] * count} EUR"
