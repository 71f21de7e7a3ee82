"""Judges exercise 4: many events in few batches, through a small buffer."""

import json
from collections import Counter
from collections.abc import Iterator

from exercises.referee import Trial, some
from labs.checks import Goal
from labs.internals.batches import batches_of

LIKES = 5_000
# It is full before the first batch is sent, also on a slow computer.
BUFFER = {"Producer": {"queue.buffering.max.messages": 1000, "linger.ms": 250}}
MOST_BATCHES = 500
MOST_SECONDS = 20.0


def goals(trial: Trial) -> Iterator[Goal]:
    topic = trial.topic()
    trial.defaults = BUFFER
    trial.look("it ends, with exit code 0", "poll() takes out of the buffer what is delivered")
    program, code = trial.run(MOST_SECONDS, TOPIC=topic)
    yield trial.goal(code == 0, f"exit code {code}" + ("" if code == 0 else f": {program.last_words}"))
    if code:
        return

    trial.look(f"all {LIKES} likes are in the topic, each once", "after a BufferError, produce() the same event again")
    places: dict[tuple, list[int]] = {}  # partition and key -> orders
    for record in trial.read(topic):
        try:
            places.setdefault((record.partition(), record.key()), []).append(json.loads(record.value())["order"])
        except (ValueError, TypeError, KeyError):
            yield trial.goal(False, f"this is no like: {str(record.value())[1:][:80]}")
            return
    counts = Counter(order for orders in places.values() for order in orders)
    missing = set(range(1, LIKES + 1)) - set(counts)
    twice = [order for order, times in counts.items() if times > 1]
    why = f"{len(counts)} of {LIKES}"
    why += f"; missing: orders {some(missing)}" if missing else f"; twice: orders {some(twice)}" if twice else ""
    yield trial.goal(not missing and not twice and len(counts) == LIKES, why)

    trial.look("those of each person are in order", "one event after the other, and with the person as the key")
    keys = Counter(key for _, key in places)
    split = [key for key, times in keys.items() if times > 1]
    mixed = [key for (_, key), orders in places.items() if orders != sorted(orders)]
    why = "for each key" if not mixed and not split else "not all: " + some({str(key)[1:] for key in [*mixed, *split]})
    yield trial.goal(not mixed and not split and len(keys) > 1, why)

    trial.look(f"in fewer than {MOST_BATCHES} batches", "do not wait for each event: flush() once, in the end")
    if not trial.can_evict:
        yield trial.goal(True, "not checked: the log cannot be read on a broker with TLS or passwords")
        return
    batches = len(batches_of(topic))
    yield trial.goal(batches < MOST_BATCHES, f"{batches}, with {LIKES / batches:.0f} events each")
