"""Lab 16: done by half, differently, in another order, twice. tests/labs shows that its program leaves the evidence
recorded here."""

import pytest

from labs import kafka4
from labs.internals import queues
from labs.internals.queues import Progress
from labs.lab_16_queues import check
from labs.topics import named
from tests.unit.test_lab_deeds import Record, Seen

SHARED, AGAIN, REJECTED, FIVE, GIVEN_UP, EMPTY = (
    "4 workers shared one partition",
    "a job that was released was done by a later delivery",
    "a job that was rejected was delivered once",
    "a job that always fails was delivered 5 times",
    "then Kafka gave it up",
    "nothing is left in the queue",
)
ALL = {SHARED, AGAIN, REJECTED, FIVE, GIVEN_UP, EMPTY}
POISONED = [(f"worker-{1 + number % 4}", "job 6", 5, number, "released") for number in range(1, 6)]
A_RUN = [
    ("worker-1", "job 1", 0, 1, "done"),
    ("worker-2", "job 2", 1, 1, "done"),
    ("worker-3", "job 3", 2, 1, "released"),
    ("worker-4", "job 3", 2, 2, "done"),
    ("worker-1", "job 9", 3, 1, "rejected"),
    ("worker-2", "job 4", 4, 1, "done"),
    *POISONED,
]
END = 6
AT_THE_END = Progress(5, 1)  # the start offset stays where the poisoned job is


@pytest.fixture(autouse=True)
def kafka_4(monkeypatch):
    monkeypatch.setattr(kafka4, "is_kafka_4", lambda: True)


class Queue(Seen):
    """A cluster in which workers have written down these deliveries: (worker, job, offset, number, outcome)."""

    def __init__(self, deliveries=(), progress: Progress | None = None, end: int = END, partitions: int = 1):
        rows = [(by, f"{job} (offset {o}), delivery {n}: {outcome}") for by, job, o, n, outcome in deliveries]
        super().__init__({named("jobs-log"): [Record(text.encode(), key=by.encode()) for by, text in rows]})
        self.queue = lambda group, topic: progress if group == topic == named("jobs") else None
        self.partitions = lambda _topic: partitions
        self.ends = lambda topic: {0: end} if topic == named("jobs") else {}


def reached(evidence: Queue) -> set[str]:
    return {goal.what for goal in check.goals(evidence) if goal.reached}


def goal(evidence: Queue, what: str):
    return next(one for one in check.goals(evidence) if one.what == what)


def test_a_whole_run_reaches_all():
    assert reached(Queue(A_RUN, AT_THE_END)) == ALL


def test_nothing_done_gives_the_command_for_each_goal():
    for evidence in (Queue(end=0, partitions=0), Queue()):
        assert [one.reached for one in check.goals(evidence)] == [False] * len(ALL)
        assert all(check.PROGRAM in one.next for one in check.goals(evidence))


def test_on_an_old_kafka_there_is_one_goal_and_it_says_what_to_start(monkeypatch):
    monkeypatch.setattr(kafka4, "is_kafka_4", lambda: False)
    [only] = check.goals(Queue(A_RUN, AT_THE_END))
    assert not only.reached
    assert kafka4.START in only.next


def test_it_may_run_in_another_order_and_twice():
    assert reached(Queue(A_RUN[::-1], AT_THE_END)) == ALL
    second = [(by, job, offset + END, number, outcome) for by, job, offset, number, outcome in A_RUN]
    assert reached(Queue([*A_RUN, *second], Progress(11, 1), end=2 * END)) == ALL


def test_a_second_run_that_was_stopped_undoes_only_the_empty_queue():
    second = [("worker-1", "job 1", 6, 1, "done"), ("worker-2", "job 6", 11, 1, "released")]
    assert reached(Queue([*A_RUN, *second], Progress(7, 0), end=2 * END)) == ALL - {EMPTY}


def test_a_group_that_was_deleted_and_recreated_does_not_count_as_a_sixth_delivery():
    assert reached(Queue([*A_RUN, *A_RUN], AT_THE_END)) == ALL


def test_stopped_while_a_job_is_tried_again_it_is_not_given_up():
    evidence = Queue(A_RUN[:-1], Progress(5, 0))
    assert reached(evidence) == {SHARED, AGAIN, REJECTED}
    assert goal(evidence, FIVE).why == "the most deliveries of a job so far: 4"
    assert goal(evidence, EMPTY).why.endswith("lag 1")


def test_delivered_five_times_but_still_in_the_queue():
    evidence = Queue(A_RUN, Progress(5, 0))
    assert reached(evidence) == ALL - {GIVEN_UP, EMPTY}
    assert "may be delivered again" in goal(evidence, GIVEN_UP).why


def test_a_delivery_whose_worker_died_is_noticed():
    assert FIVE not in reached(Queue([*A_RUN[:-3], *A_RUN[-2:]], AT_THE_END))


def test_a_sixth_delivery_is_not_given_up():
    """With a higher limit of the broker."""
    sixth = ("worker-1", "job 6", 5, 6, "released")
    assert GIVEN_UP not in reached(Queue([*A_RUN, sixth], AT_THE_END))


def test_a_poisoned_job_that_was_done_in_the_end_is_not_given_up():
    assert GIVEN_UP not in reached(Queue([*A_RUN, ("worker-1", "job 6", 5, 6, "done")], AT_THE_END))


def test_one_worker_does_not_count_as_four():
    alone = [("worker-1", *others) for _, *others in A_RUN]
    evidence = Queue(alone, AT_THE_END)
    assert reached(evidence) == ALL - {SHARED}
    assert goal(evidence, SHARED).next.startswith("undo your changes")


def test_more_partitions_are_another_lesson():
    evidence = Queue(A_RUN, AT_THE_END, partitions=4)
    assert SHARED not in reached(evidence)
    assert "labs reset 16" in goal(evidence, SHARED).next


def test_released_and_not_done_is_not_enough():
    assert AGAIN not in reached(Queue([("worker-3", "job 3", 2, 1, "released"), *POISONED], AT_THE_END))
    assert AGAIN not in reached(Queue([("worker-3", "job 3", 2, 2, "done")], AT_THE_END))


def test_released_before_it_was_rejected_is_not_delivered_once():
    rows = [("worker-1", "job 9", 3, 1, "released"), ("worker-1", "job 9", 3, 2, "rejected")]
    assert "delivered 2 times" in goal(Queue(rows, AT_THE_END), REJECTED).why


@pytest.mark.parametrize("text", [b"", b"job 1", b"job 1 (offset x), delivery 1: done", b"\xff\xfe", None])
def test_foreign_records_in_the_log_are_ignored(text):
    evidence = Queue(A_RUN, AT_THE_END)
    records = evidence.records(named("jobs-log"))
    evidence.records = lambda _topic: [Record(text), *records]
    assert reached(evidence) == ALL


SNAPSHOT = (
    "0000 00000000 00000002 00000000 ffffffffffffffff 000001a2181fc5f6 000001a2181fc5f6 01 00"  # as Kafka 4.4 wrote it
)
UPDATE = "0000 00000000 00000000 0000000000000005 02 0000000000000005 0000000000000005 04 0005 00 01 00 04 00000007"


def test_the_records_of_a_broker_are_read():
    first = queues.progress(queues.SNAPSHOT, bytes.fromhex(SNAPSHOT), None)
    assert first == Progress(0, 0)
    assert queues.progress(queues.UPDATE, bytes.fromhex(UPDATE), first) == Progress(5, 7)
    unchanged = bytes.fromhex(UPDATE.replace("0000000000000005 02", "ffffffffffffffff 02"))
    assert queues.progress(queues.UPDATE, unchanged, Progress(3, 0)) == Progress(3, 7)


@pytest.mark.parametrize(("end", "lag"), [(12, 0), (14, 2), (0, 0)])
def test_the_lag_is_what_is_not_finished(end, lag):
    assert Progress(5, 7).lag(end) == lag
