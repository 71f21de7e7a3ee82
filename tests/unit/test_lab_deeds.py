"""A lab's goal is reached by the right action only, and stays reached; otherwise the advice helps. The evidence here is
recorded; tests/labs shows on a real broker that the programs leave it."""

import io
import json
import struct

import fastavro
import pytest

from labs.flow import longest_pause
from labs.internals import history
from labs.internals.history import Commit, Generation, History, Member
from labs.internals.wire import Reader
from labs.lab_01_partitions import check as lab_1
from labs.lab_02_groups import check as lab_2
from labs.lab_03_rebalancing import check as lab_3
from labs.lab_04_keys import check as lab_4
from labs.lab_05_guarantees import check as lab_5
from labs.lab_06_offsets import check as lab_6
from labs.lab_07_errors import check as lab_7
from labs.lab_08_schemas import check as lab_8
from labs.lab_08_schemas import schemas
from labs.lab_09_replication import check as lab_9
from labs.topics import named
from plumbing.offsets import label_of
from settings import GROUP, TOPIC
from tests.unit.deeds import Record, Seen, generations, like

READ = label_of("A")  # metadata that the programs commit with an offset they have read up to


def goal(goals, what: str):
    return next(one for one in goals if one.what == what)


def consumers(*rows: dict[int, tuple], **more) -> list[Generation]:
    """Consecutive generations, each from its consumers (1, 2, 3) and their partitions."""
    return generations(*({f"consumer-{5001 + number}": owned for number, owned in row.items()} for row in rows), **more)


ALONE, TWO, THREE = {1: (0, 1, 2)}, {1: (0, 1), 2: (2,)}, {1: (0,), 2: (1,), 3: (2,)}
FOUR = THREE | {4: ()}
A_START = (ALONE, TWO, THREE)


# Lab 1


def test_lab_1_a_like_with_a_key_in_between_is_named_as_the_reason():
    likes = [*map(like, (1, 2, 3)), like(4, key=b"ann"), *map(like, (5, 6))]
    row = lab_1._round_robin(Seen({TOPIC: likes}))
    assert not row.reached
    assert row.why.startswith("so far 2 in a row: order 4 has a key")
    assert "order 7 has a key" in lab_1._round_robin(Seen({TOPIC: [*map(like, range(2, 7)), like(7, key=b"a")]})).why
    assert lab_1._round_robin(Seen({TOPIC: [*likes, *map(like, range(7, 11))]})).reached


def test_lab_1_a_like_out_of_turn_or_missing_is_named_as_the_reason():
    assert "order 3 went to partition 0" in lab_1._round_robin(Seen({TOPIC: [like(1), like(2), like(3, 0)]})).why
    assert "order 2 is missing" in lab_1._round_robin(Seen({TOPIC: [like(1), like(3)]})).why


def null_keys(run: bytes, partitions: list[int], at_ms: int) -> list[Record]:
    sent = enumerate(partitions)
    return [Record(str(number).encode(), p, at_ms=at_ms, way=b"burst", run=run) for number, p in sent]


@pytest.mark.parametrize("runs", [(b"1", b"2"), ()])
def test_lab_1_its_own_go_on_does_not_undo_the_burst(runs):
    sticky, spread = [0] * 30, [number % 3 for number in range(30)]
    records = null_keys(runs[0] if runs else b"", sticky, 1) + (null_keys(runs[1], spread, 2) if runs else [])
    what = "a burst, the client chooses"
    assert goal(lab_1._three_ways(Seen({named("null-key"): records})), what).reached
    assert not goal(lab_1._three_ways(Seen({named("null-key"): null_keys(b"3", spread, 1)})), what).reached


# Lab 2


@pytest.mark.parametrize(
    ("rows", "members"),
    [
        ((*A_START, FOUR, THREE, TWO, ALONE, TWO, THREE), {1, 2, 3, 4}),
        ((*A_START, TWO, ALONE, TWO, THREE), {1, 2, 3}),  # without `start 4`
        ((*A_START, TWO, ALONE, TWO, THREE, FOUR), {1, 2, 3, 4}),  # `start 4` as the last one
        ((*A_START, TWO, THREE), {2}),
        (A_START, set()),
        ((*A_START, {}, *A_START), set()),  # a second session
        ((*A_START, TWO, ALONE, {}, *A_START), {1, 2}),
    ],
)
def test_lab_2_each_generation_counts_by_itself_and_a_start_does_not(rows, members):
    assert lab_2.by_members(Seen(histories={GROUP: History(consumers(*rows))})).keys() == members


def test_lab_2_a_second_run_counts_only_if_there_was_an_offset_to_resume_at():
    what = "it ran again and resumed at its offsets"
    mine, likes = {1: (0, 1, 2)}, [like(order) for order in (1, 2, 3)]

    def reached(*runs_at: int) -> bool:
        runs = [one for at in runs_at for one in consumers(mine, {}, since=at)]
        commits = [Commit(TOPIC, partition, 1, READ, 350) for partition in range(3)]
        seen = Seen({TOPIC: likes}, {named("second"): History(runs, commits)})
        return goal(lab_2.goals(seen), what).reached

    assert not reached(100, 200, 300), "twice in an empty topic, then once with events"
    assert reached(300, 400)


def test_lab_2_in_an_empty_topic_the_advice_starts_with_likes():
    row = goal(lab_2.goals(Seen()), "a second group has read the whole topic")
    assert row.next.startswith("like 3 ")


# Lab 3


def test_lab_3_a_consumer_that_was_killed_has_not_left():
    without = {2: (0, 1), 3: (2,)}
    rows = (THREE, without, without, THREE)  # the others rebalance once more

    def row(committed_at: int, so_far: int = 4):
        commits = [Commit(TOPIC, 0, 5, READ, committed_at), Commit(TOPIC, 1, 5, READ, 19_900)]
        return lab_3._came_back(History(consumers(*rows[:so_far], step=10_000), commits))

    assert row(19_500).reached, "it has committed when it left"
    assert not row(19_500, so_far=3).reached, "it is not back"
    killed = row(14_000)
    assert not killed.reached
    assert "as after a kill" in killed.why


def test_lab_3_a_cooperative_rebalance_may_take_one_more_generation_while_a_member_is_slow():
    def reached(*rows: dict[str, tuple]) -> bool:
        made = generations(*rows, protocol="cooperative-sticky", topic=named("flow"))
        return lab_3._some_kept(made, "").reached

    two = {"1": (0, 2, 4), "2": (1, 3, 5)}
    kept, half, all_given = ({"1": (2, 4), "2": (3, 5), "3": got} for got in ((), (0,), (0, 1)))
    assert reached(two, kept, all_given)
    assert reached(two, kept, half, all_given)
    assert not reached(two, kept, half), "nobody got partition 1"
    assert not reached(two, all_given), "all moved at once, as with range"


def test_lab_3_a_restart_with_a_new_generation_is_not_a_static_one():
    def restarted(number: int, member_id: str) -> Generation:
        members = (("stays", "stays-1", (0, 1)), ("updated", member_id, (2,)))
        owned = (Member(id, name, name, frozenset((TOPIC, p) for p in mine)) for name, id, mine in members)
        return Generation(number, 0, "range", tuple(owned))

    before = restarted(2, "updated-1")
    assert lab_3._static_restart([before, restarted(2, "updated-2")], "").reached
    assert not lab_3._static_restart([before, restarted(3, "updated-2")], "").reached


# Lab 4


def test_lab_4_with_a_fourth_partition_too_early_the_advice_is_a_reset():
    seen = Seen()
    what = "eight keys, one partition each"
    assert goal(lab_4.goals(seen), what).next.startswith("python run.py labs/")
    seen.partitions = lambda _topic: 4
    assert goal(lab_4.goals(seen), what).next.startswith("python run.py labs reset 4, then ")


def test_lab_4_likes_and_keys_that_move_later_undo_nothing():
    likes = [like(n, 0, key=b"ann") for n in range(3)] + [like(n, 1, key=b"ben") for n in (3, 4)]
    moved = [like(5, 3, key=b"ann"), like(6, 3, key=b"ben")]
    mine = [Record(b"sent to 3 partitions", n % 3, key=f"{n}".encode()) for n in range(lab_4.KEYS)]
    other = [Record(b"sent to 3 partitions", (n + 1) % 3, key=f"{n}".encode()) for n in range(lab_4.KEYS)]
    first, second, *_ = lab_4.goals(Seen({TOPIC: likes + moved, named("keys"): mine + other}))
    assert first.reached
    assert second.reached
    assert not next(lab_4.goals(Seen({TOPIC: [likes[0], moved[0], likes[1], *likes[3:]]}))).reached


# Lab 5


def test_lab_5_a_later_run_that_was_stopped_undoes_nothing():
    def sent(run: str, count: int) -> list[Record]:
        return [Record(b"x", run=run.encode()) for _ in range(count)]

    whole = sent("0-a", 20) + sent("all-a", 20)
    for more in ([], sent("0-b", 30), sent("0-b", 3)):
        assert lab_5._acks(Seen({named("acks"): whole + more})).reached
    assert not lab_5._acks(Seen({named("acks"): sent("0-a", 30) + sent("all-a", 20)})).reached


@pytest.mark.parametrize(
    ("statuses", "written", "reached"),
    [
        ([201, 503, 201], 3, True),
        ([201, 201, 201], 3, False),  # click.py --count 3 --key outage-me
        ([201, 503, 201], 2, False),  # refused, and not written
        ([503], 1, True),
        ([], 3, False),
    ],
)
def test_lab_5_a_refused_like_takes_a_refusal_and_one_more_like_than_was_confirmed(statuses, written, reached):
    likes = [like(order, key=b"outage-me") for order in range(written)]
    clicks = [{"key": "outage-me", "status": status} for status in statuses] + [{"status": 503}]
    assert lab_5._outage(Seen({TOPIC: likes}, clicks=clicks)).reached is reached


def test_lab_5_its_own_go_on_does_not_undo_a_copy():
    def copy(run: bytes, lost: int, at_ms: int) -> list[Record]:
        return [Record(str(n).encode(), run=run, at_ms=at_ms) for n in range(lost, lab_5.EVENTS)]

    topic = lab_5.target("at-most-once")
    assert lab_5._copied("at-most-once", Seen({topic: copy(b"from-0", 63, 1) + copy(b"from-300", 0, 2)})).reached
    assert not lab_5._copied("at-most-once", Seen({topic: copy(b"from-300", 0, 2)})).reached


@pytest.mark.parametrize(
    ("lost", "duplicated", "way"), [(1, 0, "exactly-once"), (0, 1, "at-most-once"), (1, 1, "at-least-once")]
)
def test_lab_5_a_copy_that_does_not_match_its_name_is_noticed(lost, duplicated, way):
    values = [str(number).encode() for number in range(lost, lab_5.EVENTS)]
    records = [Record(value, run=b"from-0") for value in values + values[:duplicated]]
    row = lab_5._copied(way, Seen({lab_5.target(way): records}))
    assert not row.reached
    assert f"{lost} lost, {duplicated} duplicated" in row.why


# Lab 6


def commits(*requests: dict[int, int | tuple[int, str]], step: int = 1) -> list[Commit]:
    """A request for each: partition -> its offset, or (offset, metadata)."""
    found = []
    for number, request in enumerate(requests, 1):
        for partition, one in request.items():
            offset, metadata = one if isinstance(one, tuple) else (one, READ)
            found.append(Commit(TOPIC, partition, offset, metadata, step * number))
    return found


def test_lab_6_four_likes_count_after_five_too():
    five, four, rest = {0: 3, 1: 2}, {0: 5, 1: 4}, {0: 6, 1: 6, 2: 6}
    only_five = lab_6._in_two_parts(commits(five, rest), "")
    assert not only_five.reached
    assert "5 + 13 likes" in only_five.why
    assert lab_6._in_two_parts(commits(five, four, rest), "").reached
    to_the_start = dict.fromkeys(range(3), (0, "from start"))
    assert lab_6._in_two_parts(commits(five, rest, to_the_start, {0: 2, 1: 2}, rest), "").reached
    assert not lab_6._in_two_parts(commits({0: (4, "from 4")}, rest), "").reached, "moved, not read"


def test_lab_6_a_new_topic_does_not_take_the_group_back_to_the_beginning():
    def reached(metadata: str) -> bool:
        return lab_6._to_the_beginning(commits({0: 5}, {0: (0, metadata)}), "any").reached

    assert reached("")  # by Kafka's tool
    assert reached("from start")
    assert not reached(label_of("B"))
    assert not reached("reset earliest")


@pytest.mark.parametrize(("written_at", "reached"), [(110_000, True), (50_000, False)])
def test_lab_6_back_to_a_time_takes_an_event_to_read_again(written_at, reached):
    """One like, and 60 s before 120,000."""
    moved = commits({0: (0 if reached else 1, "from 60s")}, step=120_000)
    row = lab_6._to_a_time(Seen({TOPIC: [like(1, at_ms=written_at)]}), moved, "")
    assert row.reached is reached
    assert row.next == "" or row.next.startswith("like 3")


def test_lab_6_one_move_to_a_wrong_offset_does_not_spoil_the_next():
    likes = [like(1, at_ms=10_000), like(4, at_ms=230_000, offset=1)]
    moved = commits({0: (0, "from 60s")}, {0: (1, "from 60s")}, step=120_000)
    assert not lab_6._to_a_time(Seen({TOPIC: likes}), moved[:1], "").reached
    assert lab_6._to_a_time(Seen({TOPIC: likes}), moved, "").reached


def test_lab_6_a_group_starts_at_the_end_only_with_reset_latest():
    def row(*requests):
        return lab_6._from_the_end(Seen(histories={named("late"): History(commits=commits(*requests))}))

    at_the_end = {0: (3, "reset latest")}
    assert row(at_the_end, {0: 3}, {0: 4}).reached
    assert not row(at_the_end, {0: 3}).reached, "nothing came later"
    without = row({0: (0, "reset earliest")}, {0: 3}, {0: 4})
    assert not without.reached
    assert "--delete --group" in without.next, "its offsets are there: --reset latest alone changes nothing"
    assert not row({0: (0, "reset latest")}, {0: 0}, {0: 4}).reached, "the end of an empty topic"
    assert row({0: (0, "reset earliest")}, {0: 3}, at_the_end, {0: 4}).reached, "deleted, and started again"
    assert row(at_the_end, {0: 4}, {0: (0, "from start")}).reached, "moved later"


# Lab 7

REPLAYED = "the dead letters were replayed"
NOT_LOST = "no broken record was lost"
PASSED = f"the group {GROUP} has moved past them"


def letter(offset: int, at_ms: int, origin: str = "likes/0/0", value: bytes = b"?") -> Record:
    headers = {"reason": b"not a like", "origin": origin.encode(), "group": b"labs-errors"}
    return Record(value, 0, offset, at_ms, topic=lab_7.DEAD_LETTERS, **headers)


def test_lab_7_a_later_dead_letter_undoes_nothing():
    def reached(*letters: Record) -> bool:
        replays = [Commit(lab_7.DEAD_LETTERS, 0, offset, READ, 100) for offset in (1, 2)]
        histories = {f"{lab_7.ERRORS_GROUP}-replay": History(commits=replays)}
        return goal(lab_7.goals(Seen({lab_7.DEAD_LETTERS: list(letters)}, histories)), REPLAYED).reached

    two = letter(0, 1), letter(1, 2)
    assert reached(*two)
    assert reached(*two, letter(2, 200))
    assert not reached(*two, letter(2, 3)), "it was there, and was not read"


def test_lab_7_a_record_that_the_group_was_moved_past_is_not_lost():
    broken = [Record(b"?", 0, offset) for offset in (0, 1, 2)]
    letters = [letter(0, 1, "likes/0/0"), letter(1, 2, "likes/0/2")]

    def row(*made: tuple[int, str]):
        mine = History(commits=[Commit(TOPIC, 0, offset, metadata, at) for at, (offset, metadata) in enumerate(made)])
        seen = Seen({TOPIC: broken, lab_7.DEAD_LETTERS: letters}, {lab_7.ERRORS_GROUP: mine})
        return goal(lab_7.goals(seen), NOT_LOST)

    assert row((0, ""), (1, READ), (2, ""), (3, READ)).reached, "moved past the second one by --reset-offsets"
    assert not row((0, ""), (1, READ), (2, READ), (3, READ)).reached, "the second one was read, and is nowhere"


def test_lab_7_stopped_consumers_are_started_and_a_later_record_undoes_nothing():
    def row(broken: int, *committed: int, label: str = READ):
        records = [Record(b"?", 0, offset) for offset in range(broken)]
        mine = History(commits=[Commit(TOPIC, 0, offset, label, at) for at, offset in enumerate(committed)])
        mine.commits += [Commit(TOPIC, 0, committed[-1], READ, 9)]
        return goal(lab_7.goals(Seen({TOPIC: records}, {GROUP: mine})), PASSED)

    assert row(3, 3).reached
    assert row(4, 3).reached
    assert row(3, 3, 0).reached, "and was moved back"
    assert not row(3, 3, 0, label=label_of("of a deleted topic")).reached
    stopped = row(3, 0)
    assert not stopped.reached
    assert stopped.next.startswith("start 1 ")


# Lab 8


def test_lab_8_stopped_consumers_have_to_read_first():
    extra = Record(b'{"order": 0, "clicked_at": "2025-12-20 21:45:01", "ts_ms": 1734721501000, "country": "de"}')
    assert "add_field.py" in lab_8._extra_and_missing(Seen()).next
    assert lab_8._extra_and_missing(Seen({TOPIC: [extra]})).next.startswith("start 1 ")


def test_lab_8_its_own_go_on_does_not_undo_avro(monkeypatch):
    records = []
    for version in (1, 2, 3):
        out = io.BytesIO(b"\x00" * lab_8.PREFIX)
        out.seek(0, io.SEEK_END)
        fastavro.schemaless_writer(out, json.loads(schemas.avro_schema(version)), schemas.like(1, version))
        records.append(Record(out.getvalue(), version=b"%d" % version))
    seen = Seen({named("likes-avro"): records})
    without = schemas.avro_schema(2).replace(', "default": "??"', "")
    assert "default" not in without
    for schema in (schemas.avro_schema, lambda version: without if version == 2 else schemas.avro_schema(version)):
        monkeypatch.setattr(lab_8, "avro_schema", schema)
        assert lab_8._versions("avro", seen, lab_8.read_avro, lab_8.REJECTS).reached


def run_of_lab_8(run: bytes, at_ms: int, schema: int, *versions: bytes) -> list[Record]:
    value = b"\x00" + schema.to_bytes(4, "big")
    return [Record(value, at_ms=at_ms, run=run, version=version) for version in versions]


@pytest.mark.parametrize(
    ("url", "first"),
    [("", "end the registry (Ctrl+C in its terminal)"), ("http://localhost:8081", "unset SCHEMA_REGISTRY_URL")],
)
def test_lab_8_an_event_that_a_registry_rejects_is_explained(monkeypatch, url, first):
    monkeypatch.setattr(lab_8, "SCHEMA_REGISTRY_URL", url)
    seen = Seen({named("likes-avro"): run_of_lab_8(b"a", 1, 1, b"1", b"2")})
    row = lab_8._versions("avro", seen, lab_8.read_avro, lab_8.REJECTS)
    assert row.why == "no event of version 3, which a registry rejects"
    assert row.next == f"{first}, then: python run.py labs/lab_08_schemas/schemas.py"


@pytest.mark.parametrize(
    ("runs", "starts", "reached"),
    [
        (run_of_lab_8(b"a", 5, 1, b"1", b"2", b"3"), [1], [False, False]),  # the mock
        (run_of_lab_8(b"a", 5, 1, b"1", b"2"), [1], [True, False]),
        (run_of_lab_8(b"a", 5, 1, b"1", b"2") + run_of_lab_8(b"b", 6, 1, b"1", b"2"), [1], [True, False]),
        (run_of_lab_8(b"a", 2, 1, b"1", b"2") + run_of_lab_8(b"b", 6, 7, b"1", b"2"), [1, 4], [True, False]),
        (run_of_lab_8(b"a", 2, 1, b"1", b"2") + run_of_lab_8(b"b", 6, 1, b"1", b"2"), [1, 4], [True, True]),
    ],
    ids=["mock", "one run", "no restart", "another id", "the same id"],
)
def test_lab_8_a_registry_is_known_by_what_it_rejects_and_its_restarts_by_its_topic(runs, starts, reached):
    began = [Record(None, key=b'{"messageType":"Bootstrap"}', at_ms=start) for start in starts]
    seen = Seen({named("likes-avro"): runs, lab_8.registry.SCHEMAS: began})
    rejected = lab_8._runs_with_a_registry(seen)
    assert [bool(rejected), lab_8._ids_survive(rejected, seen).reached] == reached


# Lab 9


@pytest.mark.parametrize(
    ("statuses", "count"),
    [([201, 503, 503, 201, 201], 2), ([503, 201, 503], 1), ([201, 503], 0), ([201, 201], 0), ([], 0)],
)
def test_lab_9_clicks_after_a_refusal_go_by_their_order_and_a_later_refusal_undoes_nothing(statuses, count):
    answers = [{"status": status, "brokers": 1, "at_ms": -at} for at, status in enumerate(statuses)]
    assert lab_9.confirmed_after_a_refusal(answers) == count


@pytest.mark.parametrize(
    ("brokers", "count"),
    [((1, 1, 1), 3), ((2, 2, 2), 0), ((2, 1, 1), 2), ((None, None, None), 0)],
    ids=["two down", "a leader is being elected", "the second is killed meanwhile", "the first does not answer"],
)
def test_lab_9_refusals_count_only_while_two_brokers_are_down(brokers, count):
    answers = [{"status": 503, "brokers": number} for number in brokers] + [{"status": 201}, {"status": 503}]
    assert lab_9.refused_by_the_last_broker(answers) == count


@pytest.mark.parametrize(
    ("read_at", "seconds"),
    [
        ([10.1, 10.2, 13.2, 13.3, 14.9], 3.0),
        ([9.9, 13.5, 13.6, 14.9], 3.5),  # nobody read from the join on
        ([10.1, 10.2], 4.8),  # nor later
        ([], 5.0),
    ],
)
def test_the_longest_pause_begins_with_the_join_and_ends_with_the_observation(read_at, seconds):
    assert longest_pause(read_at, 10.0, 15.0) == pytest.approx(seconds)


# What the broker keeps of a group


@pytest.mark.parametrize(
    ("group", "code"),
    # Java's "...".hashCode(): one positive, and one negative, whose sign is dropped
    [("likes-ui", 1103628869), ("labs-static", 470866539)],
)
def test_a_group_is_kept_in_the_partition_of_its_hash(group, code):
    assert history.partition_of(group, 2**31) == code


def test_a_commit_is_read_from_the_bytes_of_either_kafka():
    head, end = struct.pack(">qi", 42, 0), struct.pack(">q", 1734721501000)
    of_3 = struct.pack(">h", 3) + head + struct.pack(">h", 4) + b"hi!\0" + end
    of_4 = struct.pack(">h", 4) + head + b"\x05hi!\0" + end + b"\0"
    expected = Commit("likes", 1, 42, "hi!", 1734721501000)
    assert [history.commit_of("likes", 1, Reader(value)) for value in (of_3, of_4)] == [expected, expected]
