"""Judges exercise 4: many events in few batches, through a small buffer."""

import json
from collections import Counter
from collections.abc import Iterator

from exercises.referee import CORRECT, Trial, some
from labs.checks import Goal
from labs.internals.batches import batches_of

LIKES = 5_000
LIMIT = "queue.buffering.max.messages"
# It is full before the first batch is sent, also on a slow computer.
BUFFER = {"Producer": {LIMIT: 1000, "linger.ms": 250}}
MOST_BATCHES = 500
MOST_SECONDS = 20.0


def goals(trial: Trial) -> Iterator[Goal]:
    topic = trial.topic()
    trial.defaults = BUFFER
    trial.look("it ends, with exit code 0", "poll() takes out of the buffer what is delivered")
    program, code = trial.run(MOST_SECONDS, TOPIC=topic)
    if code and "BufferError" not in program.last_words:
        trial.next = CORRECT
    yield trial.goal(code == 0, f"exit code {code}" + ("" if code == 0 else f": {program.last_words}"))
    if code:
        return
    if LIMIT in program.overruled:
        trial.look("with the buffer as it is", "poll() until there is room: a buffer is never large enough for all")
        yield trial.goal(False, f"it sets {LIMIT}")
        return

    trial.look(f"all {LIKES} likes are in the topic, each once", "after a BufferError, produce() the same event again")
    places: dict[tuple, list[int]] = {}  # partition and person -> orders
    for record in trial.read(topic):
        try:
            like = json.loads(record.value())
            places.setdefault((record.partition(), like["person"]), []).append(like["order"])
        except (ValueError, TypeError, KeyError):
            yield trial.goal(False, f"this is not a like: {str(record.value())[1:][:80]}")
            return
    counts = Counter(order for orders in places.values() for order in orders)
    missing = set(range(1, LIKES + 1)) - set(counts)
    twice = [order for order, times in counts.items() if times > 1]
    why = f"{len(counts)} of {LIKES}"
    why += f"; missing: orders {some(missing)}" if missing else f"; twice: orders {some(twice)}" if twice else ""
    yield trial.goal(not missing and not twice and len(counts) == LIKES, why)

    trial.look("those of each person are in order", "one event after the other, and with the person as the key")
    partitions = Counter(person for _, person in places)
    split = {str(person) for person, number in partitions.items() if number > 1}
    mixed = {str(person) for (_, person), orders in places.items() if orders != sorted(orders)}
    why = f"not those of {some(mixed | split)}" if mixed or split else "for each person"
    yield trial.goal(not mixed and not split, why)

    trial.look(f"in fewer than {MOST_BATCHES} batches", "do not wait for each event: flush() once, in the end")
    if not trial.can_evict:
        yield trial.goal(True, "not checked: the log cannot be read on a broker with TLS or passwords")
        return
    batches = len(batches_of(topic))
    yield trial.goal(batches < MOST_BATCHES, f"{batches}, with {LIKES / batches:.0f} events each")
