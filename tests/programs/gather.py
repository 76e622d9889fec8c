import asyncio

from effects import effect


async def one(name):
    effect("%s begins" % name)
    await asyncio.sleep(0.01)
    return effect("%s ends" % name)


async def handler(event):
    return await asyncio.gather(one("a"), one("b"))
