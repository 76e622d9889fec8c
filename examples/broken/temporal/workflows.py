"""An order is invoiced: the workflow."""
from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities import send_invoice
    from invoices import invoice_number


@workflow.defn
class OrderWorkflow:
    @workflow.run
    async def run(self, order_id: str) -> str:
        number = invoice_number(order_id)
        await workflow.execute_activity(
            send_invoice, number, start_to_close_timeout=timedelta(seconds=30)
        )
        workflow.logger.info("invoiced %s", number)
        return number
