"""Runs the workflow and its activity: python worker.py, with a Temporal server on this machine."""
import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker

from activities import send_invoice
from workflows import OrderWorkflow


async def main() -> None:
    client = await Client.connect("localhost:7233")
    with ThreadPoolExecutor(max_workers=4) as executor:
        worker = Worker(
            client,
            task_queue="orders",
            workflows=[OrderWorkflow],
            activities=[send_invoice],
            activity_executor=executor,
            graceful_shutdown_timeout=timedelta(seconds=10),
        )
        await worker.run()


if __name__ == "__main__":
    asyncio.run(main())
