"""Exercise 12: what is in memory when the partitions are lost belongs to somebody else."""

import pytest

from tests.exercises.programs import cases
from tests.exercises.test_ex_11_batches import COOPERATIVE

LOST = "    batch.clear()  # the next owner reads it again\n"
SUBSCRIBE = ", on_revoke=before_giving_up, on_lost=after_losing)"
UPLOAD = "    if batch:\n        upload()\n"
QUIETLY = "    try:\n        upload()\n    except KafkaException:\n        batch.clear()\n"
RIGHT = {
    "forgets it in both cases": [(SUBSCRIBE, ", on_revoke=after_losing)")],
    "cooperative": COOPERATIVE,
    "forgets only what is lost": [
        ("def after_losing(_consumer, _partitions)", "def after_losing(_consumer, gone)"),
        (
            LOST,
            "    lost = {one.partition for one in gone}\n"
            "    batch[:] = [m for m in batch if m.partition() not in lost]\n",
        ),
    ],
    "keeps the records by partition": COOPERATIVE.replace('"cooperative-sticky"', '"range"'),
}
THROWN = "thrown out of the group, and back: .*"
WRONG = {
    "keeps what it has": ([(LOST, "    pass\n")], THROWN + "twice: orders"),
    "uploads what is lost, quietly": (
        [(UPLOAD, QUIETLY), (SUBSCRIBE, ", on_revoke=before_giving_up)")],
        THROWN + "twice: orders",
    ),
    "uploads in on_lost": (
        [(SUBSCRIBE, ", on_revoke=before_giving_up, on_lost=before_giving_up)")],
        THROWN + "twice: orders",
    ),
    "on_lost, but no on_revoke": (
        [(SUBSCRIBE, ", on_lost=after_losing)")],
        "a second instance comes, and goes: .*twice: orders",
    ),
    "ends when it is lost": ([(LOST, '    raise SystemExit("lost")\n')], THROWN + "ended with exit code 1"),
    "ends at a refused commit": (
        [
            (UPLOAD, "    try:\n        upload()\n    except KafkaException as e:\n        raise SystemExit(str(e))\n"),
            (SUBSCRIBE, ", on_revoke=before_giving_up)"),
        ],
        THROWN + "twice: orders",
    ),
}


@pytest.mark.parametrize("case", cases(12, THROWN + "twice: orders", RIGHT, WRONG))
def test_verdict(case, judge):
    judge(case)
