"""Exercise 6: the likes since a point in time, without reading the older ones."""

import pytest

from tests.exercises.programs import cases

ASSIGN = "    consumer.assign(consumer.offsets_for_times(partitions, 10))  # -1, the end, where there is none\n"
SUBSCRIBE = ", on_assign=start_there)\n"
BY_HAND = """
numbers = consumer.list_topics(timeout=10).topics[os.environ["TOPIC"]].partitions
places = [TopicPartition(os.environ["TOPIC"], number, SINCE) for number in numbers]
consumer.assign(consumer.offsets_for_times(places, 10))
"""
ASSIGNED = [
    ("import Consumer, KafkaException", "import Consumer, KafkaException, TopicPartition"),
    ('consumer.subscribe([os.environ["TOPIC"]], on_assign=start_there)\n', BY_HAND.lstrip()),
]
LATE = """
found = consumer.offsets_for_times(places, 10)
consumer.assign([one for one in found if one.offset >= 0])
late = time.monotonic() + 1.5  # as on a busy computer
"""
LOOKS_UP = """    while True:
        if late and time.monotonic() > late:
            late = 0
            known = consumer.position(consumer.assignment())
            consumer.assign(known + [one for one in found if one.offset < 0])
"""
RIGHT = {
    "assigns the partitions itself": ASSIGNED,
    "looks the end up late": [
        *ASSIGNED,
        ("consumer.assign(consumer.offsets_for_times(places, 10))\n", LATE.lstrip()),
        ("    while True:\n", LOOKS_UP),
        ("import os\n", "import os\nimport time\n"),
    ],
    "asks for the end": [
        (
            ASSIGN,
            """    for one in consumer.offsets_for_times(partitions, 10):
        place = next(place for place in partitions if place.partition == one.partition)
        place.offset = one.offset if one.offset >= 0 else consumer.get_watermark_offsets(place)[1]
    consumer.assign(partitions)
""",
        )
    ],
    "a minute more, and leaves it out": [
        ("one.offset = SINCE ", "one.offset = SINCE - 5000 "),
        (
            "        like = json",
            "        if message.timestamp()[1] < SINCE:\n            continue\n        like = json",
        ),
    ],
}
STILL = "then those that come in, from each partition: not orders"
WRONG = {
    "forgets the partitions that have none": (
        [
            (
                ASSIGN,
                "    found = consumer.offsets_for_times(partitions, 10)\n"
                "    consumer.assign([one for one in found if one.offset >= 0])\n",
            )
        ],
        STILL,
    ),
    "begins at the beginning where there is none": (
        [
            (
                ASSIGN,
                ASSIGN.replace("consumer.assign(", "found = ").replace("10))", "10)")
                + """    for one in found:
        one.offset = max(one.offset, 0)
    consumer.assign(found)
""",
            )
        ],
        "and no older ones: orders",
    ),
    "in seconds": ([("one.offset = SINCE ", "one.offset = SINCE // 1000 ")], "and no older ones: orders"),
    "a millisecond late": ([("one.offset = SINCE ", "one.offset = SINCE + 1 ")], "a line for orders"),
    "only new ones": ([(SUBSCRIBE, ")\n"), ('"earliest"', '"latest"')], "a line for orders"),
    "only the first partition": (
        [*ASSIGNED, ("for number in numbers]", "for number in [0]]")],
        "a line for orders",
    ),
    "the last hundred": (
        [
            (
                ASSIGN,
                """    for one in partitions:
        low, high = consumer.get_watermark_offsets(one)
        one.offset = max(low, high - 100)
    consumer.assign(partitions)
""",
            )
        ],
        "and no older ones: orders",
    ),
}


@pytest.mark.parametrize("case", cases(6, "at most 100 others: 600 of 600 old ones", RIGHT, WRONG))
def test_verdict(case, judge):
    judge(case)
