"""consumer.py reading a topic from its beginning."""

import time
from collections.abc import Callable, Iterator

from bench import programs
from bench.cluster import Bench, fill, new_group
from bench.harness import Line, NotMeasured, compared, interleaved

TITLE = "draining a topic"
LOOK_EVERY_SECONDS = 0.2


def measure(bench: Bench) -> Iterator[Line]:
    count = bench.sized(500_000, 3_000)
    with bench.topic() as topic:
        fill(bench, topic, 3, count)
        contenders: dict[str, Callable[[], float]] = {
            "ours": lambda: drain(bench, topic, count),
            "bare poll loop": lambda: _poll_loop(bench, topic, count),
        }
        rates = interleaved(contenders, bench.sized(3, 1))
    yield compared("drain", f"{count:,} events", "/s", rates["ours"], "bare poll loop", rates["bare poll loop"])


def drain(bench: Bench, topic: str, count: int) -> float:
    """Events a second of one consumer.py, from the first event that was read to the last."""
    with programs.consumer(bench.servers, topic, new_group(), log=bench.log()) as consumer:
        consumer.wait_until_it_answers("/messages")
        return rate_of(lambda: consumer.get("/status")["consumed"], count)


def rate_of(consumed: Callable[[], int], count: int) -> float:
    """Events a second between the first look that saw any and the last one that saw more, before all were read."""
    seen: list[tuple[float, int]] = []
    read = 0
    deadline = time.monotonic() + 300
    while read < count:
        if time.monotonic() > deadline:
            raise NotMeasured(f"{read:,} of {count:,} events read in 300 s")
        so_far = consumed()
        if so_far > read:
            read = so_far
            seen.append((time.perf_counter(), read))
        time.sleep(LOOK_EVERY_SECONDS if count > 10_000 else 0)
    between = [one for one in seen if one[1] < count]
    if len(between) < 2:  # too few events to look twice
        between = [(seen[0][0] - LOOK_EVERY_SECONDS, 0), seen[-1]]
    (start, first), (end, last) = between[0], between[-1]
    return (last - first) / (end - start)


def _poll_loop(bench: Bench, topic: str, count: int) -> float:
    settings = {"KAFKA_BOOTSTRAP_SERVERS": bench.servers, "CONSUMER_GROUP": new_group()}
    with programs.peer("poll_loop", topic, str(count), **settings) as loop:
        return count / float(loop.wait_for(r"took (\S+)", seconds=300)[1][1])
