"""Errors that programs may catch."""


class AutoKittehError(Exception):
    """Base of all errors of the runtime's interface."""

    ak_kind = "misuse"


class ConnectionInitError(AutoKittehError):
    """A connection named in the program is not set up."""

    def __init__(self, connection: str = "") -> None:
        super().__init__(connection)
        self.connection = connection

    def __str__(self) -> str:
        return f"connection {self.connection!r} is not initialized"


class EnvVarError(AutoKittehError):
    """A variable that the program needs is missing."""

    def __init__(self, env_var: str = "", desc: str = "") -> None:
        super().__init__(env_var, desc)
        self.env_var = env_var
        self.desc = desc

    def __str__(self) -> str:
        return f"variable {self.env_var!r} is missing{': ' + self.desc if self.desc else ''}"


class OAuthRefreshError(AutoKittehError):
    """An OAuth token could not be refreshed."""

    def __init__(self, connection: str = "", error: object = "") -> None:
        super().__init__(connection, str(error))
        self.connection = connection

    def __str__(self) -> str:
        return f"token of connection {self.connection!r} could not be refreshed: {self.args[1]}"
