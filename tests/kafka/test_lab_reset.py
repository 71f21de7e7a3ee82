"""`python run.py labs reset N` on a real broker: what it deletes, and what it leaves alone."""

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient

from labs.internals import history
from plumbing.kafka import client_config
from plumbing.topic import create
from tests.brokers import TOPIC, joined
from tests.programs import run_py as run_py_to_its_end


@pytest.fixture
def run_py(kafka, learner):
    """`python run.py ...` as this learner; returns what it prints."""

    def run(*arguments: str, code: int = 0) -> str:
        ended, printed = run_py_to_its_end(kafka, learner, *arguments)
        assert ended == code, printed
        return printed

    return run


def topics(kafka) -> set[str]:
    return set(AdminClient(client_config(kafka)).list_topics(timeout=20).topics)


def test_a_lab_can_be_done_again_after_a_reset_and_nothing_else_is_touched(kafka, run_py, learner):
    admin = AdminClient(client_config(kafka))
    create(admin, f"{learner}-keys", 4)
    for name in (f"{learner}-null-key", f"{learner}-b-keys"):  # of another lab, and of another learner
        create(admin, name, 1)
    before = topics(kafka)
    printed = run_py("labs", "reset", "4")
    assert f"deletes     the topic {learner}-keys" in printed
    assert f"the likes in {TOPIC} and what the group likes-ui did" in printed
    assert topics(kafka) == before - {f"{learner}-keys"}
    assert "left nothing" in run_py("labs", "reset", "4")
    assert f"{learner}-keys has 3 partitions" in run_py("labs/lab_04_keys/keys.py")


@pytest.mark.slow
def test_the_history_of_a_group_without_commits_is_forgotten_too(kafka, run_py, learner):
    group = f"{learner}-static"
    member = joined(kafka, group, {"auto.offset.reset": "latest"})
    member.close()
    assert history.of(group).generations
    run_py("labs", "reset", "3")
    assert history.of(group) == history.History()


def test_while_a_program_reads_in_its_group_nothing_is_deleted(kafka, run_py, learner):
    idle = Consumer(client_config(kafka) | {"group.id": f"{learner}-replay"})
    idle.commit(offsets=[TopicPartition(TOPIC, 0, 0)], asynchronous=False)
    busy = joined(kafka, f"{learner}-late")
    refused = run_py("labs", "reset", "6", code=1)
    busy.close()
    assert f"a program reads in the group {learner}-late, so nothing is deleted" in refused
    assert idle.committed([TopicPartition(TOPIC, 0)], 20)[0].offset == 0
    idle.close()
    assert "deletes" in run_py("labs", "reset", "6")
