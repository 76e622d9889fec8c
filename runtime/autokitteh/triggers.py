"""Addresses of the project's triggers."""
import os

from ._session import runner
from .errors import AutoKittehError


def get_webhook_url(trigger: str) -> str:
    """The URL of a webhook trigger of this project; "" where no deployment has set one (unit tests)."""
    url = os.environ.get(f"{trigger}__webhook_url", "")
    if not url and runner() is not None:
        raise AutoKittehError(f"no webhook trigger named {trigger!r} in this project")
    return url
