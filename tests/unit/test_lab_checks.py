"""The checks of the labs notice what is missing; tests/labs shows on a real broker that they notice what is reached."""

import struct

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME

import labs
from labs.internals import history
from labs.internals.history import Commit, Generation, History, Member
from labs.internals.wire import Reader
from labs.lab_01_partitions import check as lab_1
from labs.lab_03_rebalancing import check as lab_3
from labs.lab_05_guarantees import check as lab_5
from labs.lab_06_offsets import check as lab_6
from labs.lab_09_replication import check as lab_9
from labs.topics import named
from settings import TOPIC


class Record:
    """What the checks read in a message."""

    def __init__(self, value: bytes, partition: int = 0, offset: int = 0, headers: dict | None = None, at_ms: int = 0):
        self.value, self.partition, self.offset = (lambda: value), (lambda: partition), (lambda: offset)
        self.headers = lambda: list((headers or {}).items())
        self.key = lambda: None
        self.timestamp = lambda: (TIMESTAMP_CREATE_TIME, at_ms)


class Seen:
    """A cluster with these records in every topic."""

    def __init__(self, records: list[Record]):
        self.records = lambda topic, isolation="": records


def member(name: str, *partitions: int, member_id: str = "", topic: str = TOPIC, static: bool = False) -> Member:
    owned = frozenset((topic, partition) for partition in partitions)
    return Member(member_id or f"{name}-1", name, name if static else None, owned)


@pytest.mark.parametrize(
    ("group", "code"),
    # Java's "...".hashCode(): one positive, and one negative, whose sign is dropped
    [("likes-ui", 1103628869), ("labs-static", 470866539)],
)
def test_a_group_is_kept_in_the_partition_of_its_hash(group, code):
    assert history.partition_of(group, 2**31) == code


def test_a_generation_is_read_from_the_bytes_of_the_broker():
    def string(text: str | None) -> bytes:
        return struct.pack(">h", -1) if text is None else struct.pack(">h", len(text)) + text.encode()

    def block(data: bytes) -> bytes:
        return struct.pack(">i", len(data)) + data

    assignment = struct.pack(">hi", 0, 1) + string("likes") + struct.pack(">iii", 2, 0, 2) + block(b"")
    one = string("m-1") + string(None) + string("consumer-5002") + string("/127.0.0.1")
    one += struct.pack(">ii", 300000, 6000) + block(b"") + block(assignment)
    value = struct.pack(">h", 3) + string("consumer") + struct.pack(">i", 7) + string("range") + string("m-1")
    value += struct.pack(">qi", 1734721501000, 1) + one
    owned = frozenset({("likes", 0), ("likes", 2)})
    expected = Generation(7, 1734721501000, "range", (Member("m-1", "consumer-5002", None, owned, 300_000),))
    assert history._generation(Reader(value)) == expected


def test_a_commit_is_read_from_the_bytes_of_either_kafka():
    head, end = struct.pack(">qi", 42, 0), struct.pack(">q", 1734721501000)
    of_3 = struct.pack(">h", 3) + head + struct.pack(">h", 4) + b"hi!\0" + end
    of_4 = struct.pack(">h", 4) + head + b"\x05hi!\0" + end + b"\0"
    expected = Commit("likes", 1, 42, "hi!", 1734721501000)
    assert [history.commit_of("likes", 1, Reader(value)) for value in (of_3, of_4)] == [expected, expected]


def test_five_in_a_row_are_not_six_and_a_gap_starts_over():
    def likes(orders) -> list[Record]:
        return [Record(f'{{"order": {order}}}'.encode(), (order - 1) % 3) for order in orders]

    assert not lab_1._round_robin(Seen(likes(range(1, 6)))).reached
    assert not lab_1._round_robin(Seen(likes([1, 2, 3, 5, 6, 7]))).reached
    assert lab_1._round_robin(Seen(likes(range(1, 7)))).reached


def test_a_restart_with_a_new_generation_is_not_a_static_one():
    before = Generation(2, 0, "range", (member("stays", 0, 1, static=True), member("updated", 2, static=True)))
    back = (member("stays", 0, 1, static=True), member("updated", 2, member_id="updated-2", static=True))
    assert lab_3._static_restart([before, Generation(2, 0, "range", back)], "").reached
    assert not lab_3._static_restart([before, Generation(3, 0, "range", back)], "").reached


def generations(protocol: str, *rows: dict[str, tuple], topic: str = TOPIC) -> list[Generation]:
    """Consecutive generations, each from its members' partitions."""
    members = (tuple(member(name, *owned, topic=topic) for name, owned in row.items()) for row in rows)
    return [Generation(number, 0, protocol, one) for number, one in enumerate(members, 1)]


def test_a_consumer_that_left_and_came_back_is_noticed_despite_a_rebalance_among_the_others():
    with_it = {"consumer-5002": (0,), "consumer-5003": (1,), "consumer-5004": (2,)}
    without = {"consumer-5003": (0, 1), "consumer-5004": (2,)}
    commits = [Commit(TOPIC, 0, 7, "", 0)]
    assert not lab_3._came_back(History(generations("range", with_it, without, without), commits)).reached
    assert lab_3._came_back(History(generations("range", with_it, without, without, with_it), commits)).reached


def test_a_cooperative_rebalance_may_take_one_more_generation_while_a_member_is_slow():
    def reached(*rows: dict[str, tuple]) -> bool:
        return lab_3._some_kept(generations("cooperative-sticky", *rows, topic=named("flow")), "").reached

    two = {"1": (0, 2, 4), "2": (1, 3, 5)}
    kept, half, all_given = ({"1": (2, 4), "2": (3, 5), "3": got} for got in ((), (0,), (0, 1)))
    assert reached(two, kept, all_given)
    assert reached(two, kept, half, all_given)
    assert not reached(two, kept, half), "nobody got partition 1"
    assert not reached(two, all_given), "all moved at once, as with range"


@pytest.mark.parametrize(
    ("lost", "duplicated", "way"), [(1, 0, "exactly-once"), (0, 1, "at-most-once"), (1, 1, "at-least-once")]
)
def test_a_copy_that_does_not_match_its_name_is_noticed(lost, duplicated, way):
    values = [str(number).encode() for number in range(lost, lab_5.EVENTS)]
    records = [Record(value, headers={"run": b"from-0"}) for value in values + values[:duplicated]]
    goal = lab_5._copied(way, Seen(records))
    assert not goal.reached
    assert f"{lost} lost, {duplicated} duplicated" in goal.why


def test_all_at_once_is_not_four_and_then_the_rest():
    def commits(*requests: dict[int, int]) -> list[Commit]:
        return [Commit(TOPIC, p, offset, "", at) for at, one in enumerate(requests) for p, offset in one.items()]

    assert lab_6._in_two_parts(commits({0: 3, 1: 1}, {0: 5, 1: 4, 2: 4}), "").reached
    assert not lab_6._in_two_parts(commits({0: 4, 1: 4, 2: 4}), "").reached


@pytest.mark.parametrize(
    ("statuses", "count"),
    [([201, 503, 503, 201, 201], 2), ([503, 201, 503], 1), ([201, 503], 0), ([201, 201], 0), ([], 0)],
)
def test_clicks_after_a_refusal_are_ordered_without_the_clock_and_a_later_refusal_undoes_nothing(statuses, count):
    answers = [{"status": status, "brokers": 1, "at_ms": -at} for at, status in enumerate(statuses)]
    assert lab_9.confirmed_after_a_refusal(answers) == count


@pytest.mark.parametrize(
    ("brokers", "count"),
    [((1, 1, 1), 3), ((2, 2, 2), 0), ((2, 1, 1), 2), ((None, None, None), 0)],
    ids=["two down", "a leader is being elected", "the second is killed meanwhile", "the first does not answer"],
)
def test_refusals_count_only_while_two_brokers_are_down(brokers, count):
    answers = [{"status": 503, "brokers": number} for number in brokers] + [{"status": 201}, {"status": 503}]
    assert lab_9.refused_by_the_last_broker(answers) == count


def test_lab_programs_are_listed_with_their_modules():
    programs = labs.programs()
    assert programs["labs/click.py"] == "click"
    assert programs["labs/lab_01_partitions/null_key.py"] == "lab_01_partitions.null_key"
    assert not [path for path in programs if path.endswith(("__.py", "/check.py", "/topics.py"))]
