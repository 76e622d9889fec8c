"""Names of connections."""
import os
import re

from .errors import ConnectionInitError


def check_connection_name(connection: str) -> None:
    """Raises ValueError when the name could not be one of a manifest."""
    if not re.fullmatch(r"[A-Za-z_]\w*", connection or ""):
        raise ValueError(f"invalid connection name: {connection!r}")


def connection_var(connection: str, key: str) -> str:
    """A setting of a connection, which the deployment gives as an environment variable."""
    check_connection_name(connection)
    value = os.environ.get(f"{connection}__{key}")
    if value is None:
        raise ConnectionInitError(connection)
    return value
