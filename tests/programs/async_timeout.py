import asyncio

from effects import effect


async def handler(event):
    try:
        await asyncio.wait_for(asyncio.sleep(5), timeout=0.01)
    except asyncio.TimeoutError:
        return effect("gave up")
