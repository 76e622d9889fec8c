import asyncio

from effects import effect


async def slow():
    try:
        await asyncio.sleep(5)
    except asyncio.CancelledError:
        effect("cancelled")
        raise


async def handler(event):
    task = asyncio.ensure_future(slow())
    await asyncio.sleep(0.01)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return effect("seen")
