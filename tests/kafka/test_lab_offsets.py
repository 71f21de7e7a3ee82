"""The lab programs ignore an offset committed for a deleted topic of the same name."""

import re

import pytest
from confluent_kafka import Consumer, TopicPartition

from plumbing.kafka import client_config
from plumbing.offsets import label_of
from tests.brokers import PARTITIONS, TOPIC
from tests.scheduling import rest_repeats


def commit_for_a_predecessor(kafka, group: str, topic: str, partitions: int) -> int:
    """Commit the end of each partition, as if for another topic of that name; returns how many events there are."""
    reader = Consumer(client_config(kafka) | {"group.id": group})
    logs = [reader.get_watermark_offsets(TopicPartition(topic, number), 20) for number in range(partitions)]
    label = label_of("of-another-topic")
    places = [TopicPartition(topic, number, end, label) for number, (_, end) in enumerate(logs)]
    reader.commit(offsets=places, asynchronous=False)
    reader.close()
    return sum(end - first for first, end in logs)


PROGRAMS = [
    ("lab_02_groups/second_group", "second", [], r"has read (\d+) events"),
    ("lab_06_offsets/replay", "replay", ["--group", "{learner}-replay"], r"^(\d+) events; committed"),
    ("lab_07_errors/dead_letters", "errors", [], r"^(\d+) forwarded, (\d+) set aside"),
]


@pytest.mark.parametrize(("program", "group", "arguments", "read"), rest_repeats(PROGRAMS))
def test_a_recreated_topic_is_read_from_its_beginning_and_then_no_event_twice(
    kafka, learner, run_py, click, program, group, arguments, read
):
    for _ in range(4):
        click()
    events = commit_for_a_predecessor(kafka, f"{learner}-{group}", TOPIC, PARTITIONS)
    arguments = [argument.format(learner=learner) for argument in arguments]
    for expected in (events, 0):
        code, printed = run_py(f"labs/{program}.py", *arguments)
        assert code == 0, printed
        found = re.search(read, printed, re.MULTILINE)
        assert sum(map(int, found.groups())) == expected
