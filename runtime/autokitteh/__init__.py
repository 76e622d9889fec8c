"""What durable programs import. In a session each function asks the runner at the time of the call; outside one, in unit
tests, values and marks work as they are and the rest says what it needs."""
from . import errors
from .activities import activity, inhibit_activities, register_no_activity
from .attr_dict import AttrDict
from .errors import AutoKittehError
from .event import Event
from .events import next_event, start, subscribe, unsubscribe
from .outcomes import http_outcome, outcome
from .signals import Signal, next_signal, signal
from .store import (add_values, check_and_set_value, del_value, get_store_public_url, get_value, list_values_keys, mutate_value,
                    publish_value, set_value, store, unpublish_value)
from .triggers import get_webhook_url

__ak_runtime__ = True

__all__ = [
    "AttrDict", "AutoKittehError", "Event", "Signal", "activity", "add_values", "check_and_set_value", "del_value", "errors",
    "get_store_public_url", "get_value", "get_webhook_url", "http_outcome", "inhibit_activities", "list_values_keys",
    "mutate_value", "next_event", "next_signal", "outcome", "publish_value", "register_no_activity", "set_value", "signal",
    "start", "store", "subscribe", "unpublish_value", "unsubscribe",
]
