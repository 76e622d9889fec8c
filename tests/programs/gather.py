import asyncio

from effects import effect


async def one(name, seconds):
    effect("%s begins" % name)
    await asyncio.sleep(seconds)
    return effect("%s ends" % name)


async def handler(event):
    return await asyncio.gather(one("a", 0.01), one("b", 0.2))
