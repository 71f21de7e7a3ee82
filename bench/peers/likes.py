"""What the HTTP peers share: the event, and the line about it."""

import logging
import sys
import time

log = logging.getLogger("peer")


def log_to_stdout() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
    log.setLevel(logging.INFO)


def new_like(order: int) -> dict:
    now = time.time()
    clicked_at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now))
    return {"order": order, "clicked_at": clicked_at, "ts_ms": int(now * 1000)}


def delivered(event: dict, partition: int, offset: int) -> dict:
    """The answer for a like that the broker has confirmed."""
    log.info("Delivered: order=%d partition=%d offset=%d", event["order"], partition, offset)
    return {**event, "partition": partition, "offset": offset}
