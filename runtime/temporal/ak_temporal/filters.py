"""Filters of events, read and applied by `ak` itself (AK_PROGRAM), so that they mean the same on both engines."""
import asyncio
import json
import os
from typing import Any, Optional

WORD = "@filter"


async def ask(text: str, event: Any) -> "tuple[int, str]":
    program = os.environ.get("AK_PROGRAM") or "ak"
    process = await asyncio.create_subprocess_exec(program, WORD, text, stdin=asyncio.subprocess.PIPE,
                                                   stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate(json.dumps(event).encode())
    return process.returncode or 0, out.decode().strip()


async def mistake(text: str) -> Optional[str]:
    """What is wrong with a filter."""
    code, words = await ask(text, {})
    return words if code == 2 else None


async def lets_through(text: str, event: Any) -> bool:
    code, _ = await ask(text, event)
    return code == 0
