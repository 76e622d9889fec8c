"""Numbers of invoices. The day is the workflow's: the same in every replay."""
from temporalio import workflow


def invoice_number(order_id: str) -> str:
    return f"{day_stamp()}-{order_id}"


def day_stamp() -> str:
    return workflow.now().strftime("%Y%m%d")
