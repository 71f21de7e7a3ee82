"""Lab 13 on a real broker: a processor that was killed, two at once, records that are not likes."""

import sys

import pytest
from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from labs.lab_13_exactly_once import likes_per_minute
from plumbing import Problem
from plumbing.kafka import client_config
from tests.programs import wait_until

FOLDER = "labs/lab_13_exactly_once"
WRITE, COUNT = f"{FOLDER}/write_likes.py", f"{FOLDER}/likes_per_minute.py"


@pytest.mark.slow
def test_a_killed_processor_leaves_no_open_transaction_after_a_reset_and_its_successor_starts_at_zero(run_py):
    run_py(WRITE), run_py(COUNT, "--kill"), run_py("labs", "reset", "13"), run_py(WRITE)
    code, printed = run_py(COUNT)
    assert code == 0, printed
    assert "starts at offset 0, with 0 counts" in printed
    assert "all 240 offsets are counted" in printed
    assert "1 of 3" in run_py("check", "13")[1], "without a kill"


@pytest.mark.slow
def test_there_have_to_be_likes(run_py):
    for _ in range(2):
        code, printed = run_py(COUNT, "--kill")
        assert code == 1
        assert "Traceback" not in printed
        assert printed.endswith(f"first: python run.py {WRITE}\n"), printed
        run_py(WRITE), run_py(COUNT)


@pytest.fixture
def processor(kafka, learner, run_py, monkeypatch):
    """The processor in this process, as this learner; its likes are written."""
    run_py(WRITE)
    own = {"SOURCE": "timed-likes", "COUNTS": "likes-per-minute", "TOO_LATE": "likes-too-late", "GROUP": "per-minute"}
    for name, topic in (own | {"TRANSACTIONAL_ID": "per-minute"}).items():
        monkeypatch.setattr(likes_per_minute, name, f"{learner}-{topic}")
    monkeypatch.setattr(sys, "argv", ["likes_per_minute.py"])
    return likes_per_minute


def test_a_processor_that_another_has_replaced_is_refused(processor, run_py, monkeypatch):
    process = processor.process

    def process_slowly(*arguments):
        counts = process(*arguments)
        code, printed = run_py(COUNT)  # another one, while the transaction of this one is open
        assert code == 0, printed
        return counts

    monkeypatch.setattr(processor, "process", process_slowly)
    with pytest.raises(Problem, match="is fenced"):
        processor.main()
    printed = run_py("check", "13")[1]
    assert "done     the counts are those of the source" in printed, printed


@pytest.mark.slow
def test_readers_of_what_is_committed_wait_for_an_open_transaction(kafka, processor, learner, run_py, monkeypatch):
    """Until the broker aborts it: after transaction.timeout.ms, here 6 s, and at the next look, each 10 s."""

    class Dead(Exception):
        pass

    def die(_code):
        raise Dead

    monkeypatch.setattr(processor, "client_config", lambda: client_config(kafka) | {"transaction.timeout.ms": 6000})
    monkeypatch.setattr(processor.os, "_exit", die)
    monkeypatch.setattr(sys, "argv", ["likes_per_minute.py", "--kill"])
    with pytest.raises(Dead):
        processor.main()
    admin, place = AdminClient(client_config(kafka)), TopicPartition(f"{learner}-likes-per-minute", 0)

    def end(level: IsolationLevel) -> int:
        return admin.list_offsets({place: OffsetSpec.latest()}, isolation_level=level)[place].result().offset

    assert end(IsolationLevel.READ_UNCOMMITTED) - end(IsolationLevel.READ_COMMITTED) == 4
    wait_until(
        lambda: end(IsolationLevel.READ_UNCOMMITTED) == end(IsolationLevel.READ_COMMITTED), "the abort of the broker"
    )
    assert "killed in the middle of a transaction: 4 of 10" in run_py("check", "13")[1]
