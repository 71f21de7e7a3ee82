"""Lab 16: done by half, differently, in another order, twice. tests/labs shows that programs leave this evidence."""

from labs.internals import queues
from labs.internals.queues import Progress
from labs.lab_16_queues import check
from labs.topics import named
from tests.unit.deeds import EACH, Record, Seen, both_tests

SHARED, AGAIN, REJECTED, FIVE, GIVEN_UP, EMPTY = (
    "4 workers shared one partition",
    "a job that was released was done by a later delivery",
    "a job that was rejected was delivered once",
    "a job that always fails was delivered 5 times",
    "then Kafka gave it up",
    "all of the first 12 jobs are finished",
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
END = 12
AT_THE_END = Progress(5, 7)  # the start offset stays at the poisoned job


class Queue(Seen):
    """A cluster in which workers have written down these deliveries: (worker, job, offset, number, outcome)."""

    def __init__(self, deliveries=(), progress: Progress | None = None, end: int = END, partitions: int = 1, more=()):
        rows = [(by, f"{job} (offset {o}), delivery {n}: {outcome}") for by, job, o, n, outcome in deliveries]
        log = [*map(Record, more), *(Record(text.encode(), key=by.encode()) for by, text in rows)]
        super().__init__({named("jobs-log"): log})
        self.queue = lambda group, topic: progress if group == topic == named("jobs") else None
        self.partitions = lambda _topic: partitions
        self.ends = lambda topic: {0: end} if topic == named("jobs") else {}


SECOND = [(by, job, offset + END, number, outcome) for by, job, offset, number, outcome in A_RUN]
STOPPED_AGAIN = [("worker-1", "job 1", 12, 1, "done"), ("worker-2", "job 6", 17, 1, "released")]
FOREIGN = [b"", b"job 1", b"job 1 (offset x), delivery 1: done", b"\xff\xfe", None]
RELEASED_FIRST = [("worker-1", "job 9", 3, 1, "released"), ("worker-1", "job 9", 3, 2, "rejected")]
CASES = {
    "a whole run": (Queue(A_RUN, AT_THE_END), ALL),
    "nothing": (Queue(), set()),
    "no topic": (Queue(end=0, partitions=0), set()),
    "in another order": (Queue(A_RUN[::-1], AT_THE_END), ALL),
    "twice": (Queue([*A_RUN, *SECOND], Progress(17, 7), end=2 * END), ALL),
    "a second run, stopped": (Queue([*A_RUN, *STOPPED_AGAIN], Progress(13, 0), end=2 * END), ALL),
    "foreign records are ignored": (Queue(A_RUN, AT_THE_END, more=FOREIGN), ALL),
    "a group deleted and recreated: no sixth delivery": (Queue([*A_RUN, *A_RUN], AT_THE_END), ALL),
    "stopped while a job is tried again": (Queue(A_RUN[:-1], Progress(5, 6)), {SHARED, AGAIN, REJECTED}),
    "delivered five times, still in the queue": (Queue(A_RUN, Progress(5, 6)), ALL - {GIVEN_UP, EMPTY}),
    "a delivery whose worker died": (Queue([*A_RUN[:-3], *A_RUN[-2:]], AT_THE_END), ALL - {FIVE, GIVEN_UP}),
    "done in the end": (Queue([*A_RUN, ("worker-1", "job 6", 5, 6, "done")], AT_THE_END), ALL - {GIVEN_UP}),
    "one worker": (Queue([("worker-1", *others) for _, *others in A_RUN], AT_THE_END), ALL - {SHARED}),
    "more partitions": (Queue(A_RUN, AT_THE_END, partitions=4), ALL - {SHARED}),
    "released and not done": (Queue([A_RUN[2], *POISONED], AT_THE_END), ALL - {AGAIN, REJECTED}),
    "done without a release": (Queue([("worker-3", "job 3", 2, 2, "done")], AT_THE_END), {EMPTY}),
    "released before it was rejected": (Queue(RELEASED_FIRST, AT_THE_END), {EMPTY}),
}
SAID = [
    ("nothing", EACH, f"-> …{check.PROGRAM}…"),
    ("no topic", EACH, f"-> …{check.PROGRAM}…"),
    ("stopped while a job is tried again", FIVE, "the most deliveries of a job so far: 4"),
    ("stopped while a job is tried again", EMPTY, "…lag 1"),
    ("delivered five times, still in the queue", GIVEN_UP, "…may be delivered again…"),
    ("one worker", SHARED, "-> undo your changes…"),
    ("more partitions", SHARED, "-> …labs reset 16…"),
    ("released before it was rejected", REJECTED, "…delivered 2 times…"),
]
test_goals, test_words = both_tests(check, CASES, SAID)


# As Kafka 4.4 wrote them.
SNAPSHOT = "0000 00000000 00000002 00000000 ffffffffffffffff 000001a2181fc5f6 000001a2181fc5f6 01 00"
UPDATE = "0000 00000000 00000000 0000000000000005 02 0000000000000005 0000000000000005 04 0005 00 01 00 04 00000007"


def test_the_records_of_a_broker_are_read():
    first = queues.progress(queues.SNAPSHOT, bytes.fromhex(SNAPSHOT), None)
    assert first == Progress(0, 0)
    assert queues.progress(queues.UPDATE, bytes.fromhex(UPDATE), first) == Progress(5, 7)
    unchanged = bytes.fromhex(UPDATE.replace("0000000000000005 02", "ffffffffffffffff 02"))
    assert queues.progress(queues.UPDATE, unchanged, Progress(3, 0)) == Progress(3, 7)
    assert [Progress(5, 7).lag(end) for end in (12, 14, 0)] == [0, 2, 0], "what is not finished"
