"""A dict whose keys are attributes too, at every depth, lists included."""
from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def wrap(value: Any) -> Any:
    if isinstance(value, AttrDict):
        return value
    if isinstance(value, dict):
        return AttrDict(value)
    if type(value) is list:
        return [wrap(item) for item in value]
    if type(value) is tuple:
        return tuple(wrap(item) for item in value)
    return value


class AttrDict(dict):    # type: ignore[type-arg]
    """`d.key` is `d["key"]`. A key named like a dict method (`items`) is reached by index only."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.update(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"no attribute {name!r}; the keys are {', '.join(map(repr, self)) or 'none'}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            raise AttributeError(name) from None

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, wrap(value))

    def update(self, *args: Any, **kwargs: Any) -> None:
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def __ior__(self, other: Any) -> "AttrDict":    # type: ignore[misc]
        self.update(other)
        return self

    def copy(self) -> "AttrDict":
        return type(self)(self)

    def __dir__(self) -> Any:
        return list(super().__dir__()) + [k for k in self if isinstance(k, str)]
