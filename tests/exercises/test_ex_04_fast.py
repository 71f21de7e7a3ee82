"""Exercise 4: many events in few batches, through a small buffer."""

import pytest

from tests.exercises.programs import cases

PRODUCE = 'producer.produce(os.environ["TOPIC"], json.dumps({"order": order, "person": person}), key=person)\n'
TRY = f"""    while True:
        try:
            {PRODUCE}            break
        except BufferError:  # full: until something has been delivered
            producer.poll(0.1)
"""
POLL = "    producer.poll(0)  # takes what is delivered out of the buffer\n"
RIGHT = {
    "flushes when it is full": [("            producer.poll(0.1)\n", "            producer.flush()\n")],
    "flushes after five hundred": [
        (TRY, f"    {PRODUCE}"),
        (POLL, "    if order % 500 == 0:\n        producer.flush()\n"),
    ],
    "looks how full it is": [
        (TRY, f"    while len(producer) >= 900:\n        producer.poll(0.1)\n    {PRODUCE}"),
        (POLL, ""),
    ],
    "polls only when it is full": [(POLL, "")],
    "larger batches": [('CONFIG = {"boot', 'CONFIG = {"linger.ms": 50, "boot')],
}
WRONG = {
    "flushes after each": (
        [(TRY, f"    {PRODUCE}"), (POLL, "    producer.flush()\n")],
        r"fewer than 500 batches: \d+",
    ),
    "drops what does not fit": (
        [("            producer.poll(0.1)\n", "            break\n"), (POLL, "")],
        r"each once: \d+ of 5000; missing: orders",
    ),
    "waits, and does not poll": (
        [("            producer.poll(0.1)\n", "            import time; time.sleep(0.1)\n"), (POLL, "")],
        "not ended within 20 s",
    ),
    "goes on with the next": (
        [("            producer.poll(0.1)\n", "            producer.poll(0.1)\n            break\n")],
        r"each once: \d+ of 5000; missing: orders",
    ),
    "a larger buffer": (
        [("CONFIG = {", 'CONFIG = {"queue.buffering.max.messages": 100_000, ')],
        "with the buffer as it is: it sets queue.buffering.max.messages",
    ),
    "another key": ([("key=person)", "key=str(order))")], "those of each person are in order: not those of p"),
    "raises": ([("order % 50", "order % nobody")], "NameError: name 'nobody'"),
    "no key": ([(", key=person", "")], "those of each person are in order"),
    "one too few": ([("LIKES + 1", "LIKES")], "missing: orders 5000$|missing: orders 5000\n"),
    "sends twice": ([("            break\n", f"            {PRODUCE}            break\n")], "twice: orders|missing"),
}


@pytest.mark.parametrize("case", cases(4, "BufferError: Local: Queue full", RIGHT, WRONG))
def test_verdict(case, judge):
    judge(case)
