"""POST /likes {"count": 1000}: many likes in one request, and one answer once all are confirmed."""

import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable

from werkzeug.exceptions import BadRequest

from plumbing import greenlets
from plumbing.kafka import Unavailable, report_of
from plumbing.lasting_producer import LastingProducer
from plumbing.web import json_body
from settings import LARGEST_BURST

LARGEST_BATCH = 1000  # likes that are handed over before other requests continue

log = logging.getLogger("producer")


def publish(producer: LastingProducer, topic: str, new_events: Callable[[int, int], Iterable[dict]]) -> dict:
    """The answer to this request. `new_events(count, partitions)` makes the events. A click meanwhile gets an `order`
    in between. Raises HTTPException, and `Unavailable`."""
    count = json_body("count").get("count")
    if type(count) is not int or not 1 <= count <= LARGEST_BURST:
        raise BadRequest(f'"count" must be a whole number from 1 to {LARGEST_BURST}')
    reports = []  # of each event: its partition, or why it is in none

    def on_delivery(error, message) -> None:
        reports.append(report_of(error) if error else message.partition())

    orders = []
    partitions = producer.partitions(topic, room_for=count)
    for handed_over in range(0, count, LARGEST_BATCH):
        share = min(LARGEST_BATCH, count - handed_over)
        producer.wait_for_room(share)
        events = list(new_events(share, partitions))
        orders += [events[0]["order"], events[-1]["order"]]
        for partition in range(partitions):
            batch = [{"value": json.dumps(event)} for event in events if (event["order"] - 1) % partitions == partition]
            # As produce() for each of them, but faster.
            producer.produce_batch(topic, batch, partition=partition, on_delivery=on_delivery)
        greenlets.give_way()
    greenlets.wait_until(lambda: len(reports) == count)
    reasons = sorted({report for report in reports if isinstance(report, str)})
    confirmed = dict(sorted(Counter(report for report in reports if isinstance(report, int)).items()))
    total = sum(confirmed.values())
    log.info("Delivered: %d of %d likes, partitions=%s", total, count, json.dumps(confirmed))
    if reasons:
        raise Unavailable(f"the broker confirmed {total} of {count} likes: {', '.join(reasons)}")
    return {"count": count, "first_order": orders[0], "last_order": orders[-1], "partitions": confirmed}
