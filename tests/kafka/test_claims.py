"""What a learner is told to expect, on a real Kafka, with the real programs as processes.

Claim 4, what Kafdrop shows, needs Docker: tests/docker.
"""

import re
import time

from brokers import java
from tests.brokers import PARTITIONS, TOPIC
from tests.programs import Program, consumer, port_behind, wait_until


def owners(members) -> list[list[int]]:
    return [member.status()["assignment"] for member in members]


def test_1_each_consumer_owns_the_partition_of_its_number_and_a_fourth_one_none(kafka, group, three_consumers, start):
    fourth = start(consumer(kafka, group, port=port_behind(three_consumers)))
    assert fourth.wait_for_status(lambda status: status["rebalances"])["assignment"] == []
    # The fourth learns that it gets none a moment before the others have theirs back.
    wait_until(lambda: owners(three_consumers) == [[0], [1], [2]], "the partitions of the others, as before")
    assert fourth.status()["assignment"] == []


def test_2_likes_without_a_key_go_round_robin(click, three_consumers):
    likes = [click() for _ in range(6)]
    first = likes[0]["order"]
    assert [like["order"] for like in likes] == list(range(first, first + 6))
    assert [like["partition"] for like in likes] == [(like["order"] - 1) % PARTITIONS for like in likes]
    for like in likes:
        owner = three_consumers[like["partition"]]
        assert owner.wait_for_likes({like["order"]})[like["order"]] == like["partition"]


def test_3_when_one_ends_the_others_own_all_and_a_restart_brings_its_partition_back(
    kafka, group, click, three_consumers, start
):
    """After Ctrl+C at once, because it has left the group; after a kill, within the session timeout."""
    first, *others = three_consumers
    for end, seconds in ((Program.interrupt, 5), (Program.kill, 30)):
        end(first)
        ended = time.monotonic()
        likes = {click()["order"] for _ in range(3)}  # some while nobody owns their partition
        others[0].wait_for_status(lambda status: status["assignment"] == [0, 1])
        others[1].wait_for_status(lambda status: status["assignment"] == [2])
        assert time.monotonic() - ended < seconds
        wait_until(lambda likes=likes: likes <= others[0].likes().keys() | others[1].likes().keys(), "their likes")
        first = start(consumer(kafka, group, port=first.port))
        first.wait_for_status(lambda status: status["assignment"] == [0])
        members = [first, *others]
        wait_until(lambda members=members: owners(members) == [[0], [1], [2]], "each its own partition again")
    assert three_consumers[0].lines[-1].endswith("left the group")


def kafka_topics(kafka, capfd, *arguments) -> str:
    """What Kafka's own kafka-topics prints, run by the Java class that kafka-topics.sh starts."""
    assert java.run_command("kafka-topics", ["--bootstrap-server", kafka, *arguments]) == 0
    return capfd.readouterr().out


def test_5_kafkas_own_command_line_describes_lists_and_creates(kafka, capfd):
    described = kafka_topics(kafka, capfd, "--describe", "--topic", TOPIC)
    assert re.search(rf"Topic: {TOPIC}\s.*PartitionCount: {PARTITIONS}\s+ReplicationFactor: 1", described)
    assert re.findall(r"\tPartition: (\d)", described) == ["0", "1", "2"]
    assert TOPIC in kafka_topics(kafka, capfd, "--list").splitlines()
    again = ["--create", "--if-not-exists", "--topic", TOPIC, "--partitions", "3", "--replication-factor", "1"]
    kafka_topics(kafka, capfd, *again)


def test_6_a_new_group_reads_everything_from_the_beginning(kafka, group, click, start):
    clicked = {click()["order"] for _ in range(3)}
    reader = start(consumer(kafka, group))
    assert min(reader.wait_for_likes({1, *clicked})) == 1
