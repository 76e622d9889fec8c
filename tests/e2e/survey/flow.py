import asyncio
from datetime import timedelta

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    from helpers.steps import charge_twice, stamp

SHORT = timedelta(seconds=30)


@activity.defn
async def reserve(item: str) -> bool:
    return True


@workflow.defn
class Order:
    def __init__(self) -> None:
        self.approved = False

    @workflow.run
    async def run(self, items: list[str], notify) -> str:
        for item in items:
            if not await workflow.execute_activity(reserve, item, start_to_close_timeout=SHORT):
                raise ValueError("gone")
        while not self.approved:
            try:
                await workflow.wait_condition(lambda: self.approved, timeout=SHORT)
            except asyncio.TimeoutError:
                await workflow.execute_activity("remind", start_to_close_timeout=SHORT)
        if len(items) > 10:
            await workflow.execute_child_workflow(Audit.run, items)
        else:
            await asyncio.sleep(60)
        await charge_twice(items)
        notify(stamp())
        return "done"

    @workflow.signal
    def approve(self) -> None:
        self.approved = True


@workflow.defn
class Audit:
    @workflow.run
    async def run(self, items: list[str]) -> None:
        while True:
            await workflow.sleep(timedelta(days=1))
            if not items:
                break
            workflow.continue_as_new(items[1:])
