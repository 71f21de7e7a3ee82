"""What counts as a like: the one definition for the consumer, the page and the labs."""

import json
import re

LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)


def parse_like(value: bytes | None) -> dict:
    """The event's `order`, `clicked_at` and `ts_ms`. Raises ValueError if it is not a like."""
    try:
        event = json.loads((value or b"").decode())
        like = {"order": event["order"], "clicked_at": event["clicked_at"], "ts_ms": event["ts_ms"]}
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    except (TypeError, KeyError):
        raise ValueError("not an object with order, clicked_at and ts_ms") from None
    for name in ("order", "ts_ms"):
        if type(like[name]) is not int or not 0 <= like[name] < 2**63:
            raise ValueError(f"{name} is not a whole number from 0 to 2**63 - 1")
    if type(like["clicked_at"]) is not str or not LOCAL_TIME.fullmatch(like["clicked_at"]):
        raise ValueError("clicked_at is not YYYY-MM-DD HH:MM:SS")
    return like
