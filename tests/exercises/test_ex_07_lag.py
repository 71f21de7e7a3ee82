"""Exercise 7: the lag of a group."""

import pytest

from tests.exercises.programs import cases

FOLLOWING = "max(place.offset, low)  # without a commit, the offset is negative"
ADMIN = """
import os
from confluent_kafka import ConsumerGroupTopicPartitions as Group, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

topic, group = os.environ["TOPIC"], os.environ["GROUP"]
admin = AdminClient({"bootstrap.servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"]})
places = [TopicPartition(topic, number) for number in admin.list_topics().topics[topic].partitions]
ends = admin.list_offsets({place: OffsetSpec.latest() for place in places})
starts = admin.list_offsets({place: OffsetSpec.earliest() for place in places})
committed = admin.list_consumer_group_offsets([Group(group, places)])[group].result().topic_partitions
for place in committed:
    end, start = ends[place].result().offset, starts[place].result().offset
    print(f"partition={place.partition} lag={end - max(start, place.offset)}")
"""
RIGHT = {
    "the admin client": ADMIN,
    "backwards": [
        ("for place in consumer.committed(", "for place in reversed(consumer.committed("),
        (", timeout=10):\n    low", ", timeout=10)):\n    low"),
        ("lag={high", "Lag: {high"),
    ],
    "in cases": [
        (FOLLOWING, "low if place.offset < 0 or place.offset < low else place.offset"),
    ],
}
NOTHING = "where it has committed nothing: partition 2: "
WRONG = {
    "counts what is deleted": (
        [(FOLLOWING, "place.offset if place.offset >= 0 else low")],
        "next record is deleted: partition 3: ",
    ),
    "counts from 0": ([(FOLLOWING, "max(place.offset, 0)")], NOTHING),
    "takes the negative number": ([(FOLLOWING, "place.offset")], NOTHING),
    "one too few": (
        [("lag={high - following}", "lag={high - following - 1}")],
        "the group has committed: partition 0: ",
    ),
    "leaves out what has no commit": (
        [("    low, high", "    if place.offset < 0:\n        continue\n    low, high")],
        NOTHING + "nothing, it is",
    ),
    "only the sum": ([('print(f"partition={place.partition} lag', 'print(f"lag')], "partition 0: nothing"),
    "joins the group, and commits": (
        [
            (
                "consumer.close()",
                "consumer.subscribe([TOPIC])\nfor _ in range(40):\n    consumer.poll(0.1)\nconsumer.close()",
            ),
            ('    "group.id"', '    "auto.offset.reset": "earliest",\n    "group.id"'),
        ],
        "the group is left alone: 0 members, committed",
    ),
    "stays in the group": (
        [("consumer.close()", "consumer.subscribe([TOPIC])\nfor _ in range(40):\n    consumer.poll(0.1)\nos._exit(0)")],
        "the group is left alone: 1 members",
    ),
}


@pytest.mark.parametrize("case", cases(7, NOTHING + "0, it is", RIGHT, WRONG))
def test_verdict(case, judge):
    judge(case)
