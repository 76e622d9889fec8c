"""The project's key-value store. Outside a session it is a dictionary of this process, so that unit tests can use it."""
from __future__ import annotations

import os
from collections.abc import MutableMapping

from ._session import runner
from .attr_dict import wrap
from .errors import AutoKittehError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, List

_local: Dict[str, Any] = {}


def _ask(action: str, key: str = "", value: Any = None, expected: Any = None) -> Any:
    if not isinstance(key, str):
        raise TypeError(f"a key of the store is a string, not {type(key).__name__}")
    module = runner()
    if module is None:
        return _LOCAL[action](key, value, expected)
    args = {"action": action, "key": key, "value": value, "expected": expected}
    return module.current().request("store", args)


def _set(key: str, value: Any, _: Any) -> None:
    if value is None:
        _local.pop(key, None)
    else:
        _local[key] = value


def _add(key: str, value: Any, _: Any) -> Any:
    _local[key] = _local[key] + value if key in _local else value
    return _local[key]


def _check_and_set(key: str, value: Any, expected: Any) -> bool:
    if _local.get(key) != expected:
        return False
    _set(key, value, None)
    return True


_LOCAL: Dict[str, Callable[[str, Any, Any], Any]] = {
    "get": lambda key, _value, _expected: _local.get(key),
    "set": _set,
    "del": lambda key, _value, _expected: _local.pop(key, None) and None,
    "add": _add,
    "check_and_set": _check_and_set,
    "list": lambda _key, _value, _expected: sorted(_local),
    "publish": lambda _key, _value, _expected: None,
    "unpublish": lambda _key, _value, _expected: None,
}


def get_value(key: str, default: Any = None) -> Any:
    """The value, wrapped for attribute access; `default` when there is none."""
    value = wrap(_ask("get", key))
    return default if value is None else value


def set_value(key: str, value: Any) -> None:
    """None deletes the key."""
    _ask("set", key, value)


def del_value(key: str) -> None:
    _ask("del", key)


def add_values(key: str, value: Any) -> Any:
    """Adds to the stored value, which counts as absent before the first time. Returns the sum."""
    return wrap(_ask("add", key, value))


def check_and_set_value(key: str, expected_value: Any, new_value: Any) -> bool:
    """Sets the value only when it still is the expected one; None stands for an absent key."""
    return bool(_ask("check_and_set", key, new_value, expected_value))


def list_values_keys() -> List[str]:
    return list(_ask("list"))


def publish_value(key: str) -> None:
    """Makes the value readable at get_store_public_url(key)."""
    _ask("publish", key)


def unpublish_value(key: str) -> None:
    _ask("unpublish", key)


def mutate_value(key: str, op: str, *operands: Any) -> Any:
    """One operation by name: get, set, del, add, check_and_set."""
    wanted = {"get": 0, "set": 1, "del": 0, "add": 1, "check_and_set": 2}
    if op not in wanted:
        raise AutoKittehError(f"unknown operation {op!r} on the store; there are {', '.join(wanted)}")
    if len(operands) != wanted[op]:
        raise TypeError(f"{op} takes {wanted[op]} operands, not {len(operands)}")
    if op == "check_and_set":
        return _ask(op, key, operands[1], operands[0])
    return wrap(_ask(op, key, *operands))


def get_store_public_url(key: str = "") -> str:
    """Where published values can be read; "" where no deployment has said so (unit tests)."""
    base = os.environ.get("store_public_url", "")
    return f"{base.rstrip('/')}/{key}" if base and key else base


class Store(MutableMapping):
    """The store as a mapping."""

    def __getitem__(self, key: str) -> Any:
        value = get_value(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: str, value: Any) -> None:
        set_value(key, value)

    def __delitem__(self, key: str) -> None:
        self[key]
        del_value(key)

    def __iter__(self) -> Iterator[str]:
        return iter(list_values_keys())

    def __len__(self) -> int:
        return len(list_values_keys())

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and get_value(key) is not None

    def __repr__(self) -> str:
        return "<the project's store>"


store = Store()
