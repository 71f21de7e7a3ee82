"""Lab 17: the same 1000 likes, written in six ways. In how many batches, and in how many bytes, do they arrive?

    python run.py labs/lab_17_batching/batching.py

Each way has its own partition. `requests` comes from the client's statistics, `batches` and `bytes` from the broker's
log; `delay` is the median time from produce() to the delivery report.
"""

import json
import statistics
import time

from confluent_kafka import Message, Producer

from labs.internals.batches import batches_of
from labs.topics import make_topic, named
from plumbing import Problem
from plumbing.kafka import client_config
from plumbing.waiting import wait_until

TOPIC = named("batching")
LIKES = 1000
AT_ONCE = 10  # likes before each pause
PAUSE_SECONDS = 0.02
ONE_BY_ONE = "one by one"  # wait for each delivery report, as producer.py does for each click
WAYS: tuple[tuple[str, dict], ...] = (  # one per partition: how it writes, producer settings
    (ONE_BY_ONE, {"linger.ms": 0}),
    (ONE_BY_ONE, {"linger.ms": 0, "compression.type": "zstd"}),
    ("all", {"linger.ms": 0}),
    ("all", {"linger.ms": 200}),
    ("all", {"linger.ms": 200, "batch.size": 2000}),
    ("all", {"linger.ms": 200, "compression.type": "zstd"}),
)
SECONDS = 60


class Run:
    """One run of one way."""

    def __init__(self, partition: int, settings: dict):
        self.partition = partition
        self.delays: list[float] = []  # seconds
        self.requests = self.counted = 0
        counting = {"statistics.interval.ms": 100, "stats_cb": self.note}
        own = {"enable.idempotence": True, "acks": "all"}  # the broker assigns an id to each run
        self.producer = Producer(client_config() | own | settings | counting)

    def note(self, counts: str) -> None:
        """https://github.com/confluentinc/librdkafka/blob/master/STATISTICS.md"""
        known = json.loads(counts)
        self.requests = sum(broker["req"].get("Produce", 0) for broker in known["brokers"].values())
        self.counted = known["txmsgs"]

    def delivered(self, error, message: Message) -> None:
        if error is not None:
            raise Problem(f"a like was not delivered: {error.str()}")
        self.delays.append(message.latency())

    def pause(self) -> None:
        """Take the delivery reports meanwhile."""
        until = time.monotonic() + PAUSE_SECONDS
        while (left := until - time.monotonic()) > 0:
            self.producer.poll(left)

    def write(self, one_by_one: bool) -> None:
        for order in range(1, LIKES + 1):
            clicked_at = time.strftime("%Y-%m-%d %H:%M:%S")
            like = {"order": order, "clicked_at": clicked_at, "ts_ms": time.time_ns() // 1_000_000}
            self.producer.produce(TOPIC, json.dumps(like), partition=self.partition, on_delivery=self.delivered)
            if one_by_one:
                self.producer.flush(SECONDS)
            elif order % AT_ONCE == 0:
                self.pause()
        self.producer.flush(SECONDS)

        def all_counted() -> bool:
            self.producer.poll(0.1)  # takes the statistics
            return self.counted >= LIKES

        if not wait_until(all_counted, SECONDS, pause=0):
            raise Problem(f"{len(self.delays)} of {LIKES} likes were delivered in {SECONDS} s")


def main() -> None:
    before = {(batch.partition, batch.offset) for batch in batches_of(TOPIC)}
    make_topic(TOPIC, len(WAYS))
    print("partition, way, settings                                 requests batches   bytes   delay", flush=True)
    for partition, (how, settings) in enumerate(WAYS):
        run = Run(partition, settings)
        run.write(how == ONE_BY_ONE)
        new = [one for one in batches_of(TOPIC) if one.partition == partition and (partition, one.offset) not in before]
        label = ", ".join(f"{name}={value}" for name, value in settings.items())
        delay = 1000 * statistics.median(run.delays)
        counts = f"{run.requests:>8} {len(new):>7} {sum(batch.size for batch in new):>7}"
        print(f"{partition}  {how:<10}  {label:<40} {counts} {delay:>4.0f} ms", flush=True)


if __name__ == "__main__":
    main()
