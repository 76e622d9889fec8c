import time
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
def charge(items: list[str]) -> None:
    print(items)


def stamp() -> float:
    return time.time()


async def charge_twice(items: list[str]) -> None:
    for _ in range(2):
        await workflow.execute_activity(charge, items, start_to_close_timeout=timedelta(seconds=5))
