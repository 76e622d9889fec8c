"""What touches the world."""
from pathlib import Path

from temporalio import activity


@activity.defn
def send_invoice(number: str) -> None:
    Path("outbox").mkdir(exist_ok=True)
    Path("outbox", f"{number}.txt").write_text(f"Invoice {number}\n")
