"""Numbers of invoices. Nothing here looks like a workflow, and yet it runs as one."""
import datetime


def invoice_number(order_id: str) -> str:
    return f"{day_stamp()}-{order_id}"


def day_stamp() -> str:
    return datetime.datetime.now().strftime("%Y%m%d")
