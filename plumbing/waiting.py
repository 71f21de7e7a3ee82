"""Waiting for a condition, up to a deadline."""

import time
from collections.abc import Callable
from typing import Any


def wait_until(condition: Callable[[], Any], seconds: float, pause: float = 0.05) -> Any:
    """The first true value of `condition()`, asked every `pause` seconds; after `seconds`, its last value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(pause)
    return value
