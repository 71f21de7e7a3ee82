"""Whether cost and memory stay flat: more partitions, more consumers, a longer topic."""

import shutil
import time
from collections.abc import Iterator

from bench import programs
from bench.cluster import Bench, fill, new_group
from bench.harness import Line, NotMeasured, Spread
from bench.subjects.drain import drain, rate_of

TITLE = "growth"
BYTES_OF_AN_EVENT = 100  # in the log, rounded up


def measure(bench: Bench) -> Iterator[Line]:
    yield from _partitions(bench)
    yield from _consumers(bench)
    yield from _long_topic(bench)


def _partitions(bench: Bench) -> Iterator[Line]:
    count = bench.sized(100_000, 1_000)
    for partitions in bench.sized((1, 3, 12, 48), (3,)):
        with (
            bench.topic(partitions) as topic,
            programs.producer(bench.servers, topic, log=bench.log()) as producer,
        ):
            producer.wait_until_it_answers()
            producer.post("/like")
            bursts = []
            for _ in range(3):
                started = time.perf_counter()
                producer.post("/likes", {"count": count})
                bursts.append(count / (time.perf_counter() - started))
            what = f"{partitions} partition{'s' if partitions > 1 else ''}"
            memory = f"{producer.megabytes():.0f} MB resident after it"
            yield Line("growth", f"burst, {what}", Spread.of(bursts), "/s", note=memory)
            rate = drain(bench, topic, 3 * count + 1)
            yield Line("growth", f"drain, {what}", Spread.of([rate]), "/s")


def _consumers(bench: Bench) -> Iterator[Line]:
    count = bench.sized(300_000, 2_000)
    with bench.topic(12) as topic:
        fill(bench, topic, 12, count)
        for number in bench.sized(range(1, 7), (2,)):
            rate = _group(bench, topic, number, count)
            yield Line("growth", f"drain, 12 partitions, {number} in the group", rate, "/s")


def _group(bench: Bench, topic: str, number: int, count: int) -> Spread:
    """Events a second of the whole group, from its first event to its last."""
    group = new_group()
    members = [programs.consumer(bench.servers, topic, group, log=bench.log()) for _ in range(number)]
    try:
        for member in members:
            member.wait_until_it_answers("/messages")
        return Spread.of([rate_of(lambda: sum(member.get("/status")["consumed"] for member in members), count)])
    finally:
        for member in members:
            member.stop()


def _long_topic(bench: Bench) -> Iterator[Line]:
    """One consumer through a long topic: events a second and memory, tenth by tenth."""
    count = bench.sized(10_000_000, 20_000)
    if shutil.disk_usage(bench.folder).free < 5 * count * BYTES_OF_AN_EVENT:
        raise NotMeasured(f"there is no room on the disk for {count:,} events")
    with bench.topic() as topic:
        fill(bench, topic, 3, count)
        with programs.consumer(bench.servers, topic, new_group(), log=bench.log()) as consumer:
            consumer.wait_until_it_answers("/messages")
            samples = []  # time, events read, megabytes
            while not samples or samples[-1][1] < count:
                samples.append((time.perf_counter(), consumer.get("/status")["consumed"], consumer.megabytes()))
                time.sleep(bench.sized(0.5, 0.02))
            consumer.log.unlink()
    early, middle, late = (_sample_at(samples, count * part // 10) for part in (1, 5, 9))
    memory = [sample[2] for sample in (early, middle, late)]
    what = f"topic of {count:,} events"
    first, second = _rate(early, middle), _rate(middle, late)
    yield Line("growth", f"{what}: events a second", Spread.of([first]), "/s")
    yield Line("growth", f"{what}: the same in the second half / in the first", Spread.of([second / first]), "x")
    note = ", ".join(f"{megabytes:.0f}" for megabytes in memory) + " MB"
    yield Line("growth", f"{what}: memory at 90 % / at 10 %", Spread.of([memory[2] / memory[0]]), "x", note=note)


def _sample_at(samples: list, read: int) -> tuple[float, int, float]:
    """The first sample with so many events read."""
    return next(sample for sample in samples if sample[1] >= read)


def _rate(start: tuple, end: tuple) -> float:
    return (end[1] - start[1]) / (end[0] - start[0]) if end[0] > start[0] else float("nan")
