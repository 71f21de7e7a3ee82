"""Lab 13: done by half, in another order, twice, with an edited program. Here the lab's processor runs on a log in
memory; tests/labs shows that it does the same on a broker."""

import json
from types import SimpleNamespace

import pytest

from labs.lab_13_exactly_once import check, likes_per_minute, write_likes
from labs.topics import named
from tests.unit.test_lab_deeds import Record, Seen

LIKES, KILLED, GOES_ON, EQUAL, NONE_LOST = (
    "there are likes, and some come too late",
    "the processor was killed in the middle of a transaction",
    "its successor knew the counts",
    "the counts are those of the source",
    "no like that came too late is lost",
)
ALL = {LIKES, KILLED, GOES_ON, EQUAL, NONE_LOST}
BATCH = 50


class Log(Seen):
    """What the programs of the lab write, with its transactions."""

    def __init__(self):
        super().__init__()
        self.source: list[Record] = []
        self.written: dict[str, list[tuple[Record, bool]]] = {
            named("likes-per-minute"): [],
            named("likes-too-late"): [],
        }
        self.up_to = 0
        self.moves = False
        self.records = self._records

    def _records(self, topic: str, isolation: str = "read_uncommitted") -> list[Record]:
        if topic == named("timed-likes"):
            return self.source
        return [record for record, committed in self.written[topic] if committed or isolation == "read_uncommitted"]

    def committed_for_good(self, group: str, topic: str) -> dict[int, int]:
        assert (group, topic) == (named("per-minute"), named("timed-likes"))
        self.up_to += self.moves
        return {0: self.up_to} if self.up_to else {}

    def counts(self) -> list[Record]:
        return self._records(named("likes-per-minute"), "read_committed")

    def write(self, *clicks: tuple[str, int]) -> "Log":
        """Likes of these keys, clicked at these seconds."""
        for key, second in clicks:
            order = len(self.source) + 1
            like = {"order": order, "clicked_at": "2025-12-20 10:00:00", "ts_ms": 1000 * (60_000_000 + second)}
            self.source.append(Record(json.dumps(like).encode(), offset=order - 1, key=key.encode()))
        return self

    def count(self, transactions: int = 99, dies: bool = False, isolation: str = "read_committed", **edited) -> "Log":
        """What likes_per_minute.py does: so many transactions, and with `dies` another one that is never committed."""
        state = likes_per_minute.State()
        for record in edited.get("state", self._records(named("likes-per-minute"), isolation)):
            count = json.loads(record.value())
            state.likes[record.key().decode()] = count["likes"]
            state.time_ms = max(state.time_ms, count["time_ms"])
        while self.up_to < len(self.source) and (transactions or dies):
            batch = self.source[self.up_to : self.up_to + BATCH]
            committed = bool(transactions)
            likes_per_minute.process(batch, state, SimpleNamespace(produce=self._producer(committed)))
            if not committed:
                break
            self.up_to += len(batch)
            transactions -= 1
        return self

    def _producer(self, committed: bool):
        def produce(topic: str, value: str | bytes, key: str | bytes, partition: int) -> None:
            value, key = (text.encode() if isinstance(text, str) else text for text in (value, key))
            log = self.written[topic]
            log.append((Record(value, partition, len(log), key=key), committed))

        return produce


def four_minutes(since: int = 0) -> list[tuple[str, int]]:
    numbers = range(write_likes.LIKES)
    return [(write_likes.NAMES[n % 3], since + n - write_likes.delay_seconds(n)) for n in numbers]


def reached(log: Log) -> set[str]:
    return {goal.what for goal in check.goals(log) if goal.reached}


def goal(log: Log, what: str):
    return next(one for one in check.goals(log) if one.what == what)


def minute(number: int) -> str:
    return f"1971-11-26 10:{40 + number:02}"  # 60,000,000 s after 1970


def test_a_kill_and_a_second_run_reach_all():
    log = Log().write(*four_minutes()).count(2, dies=True).count()
    assert reached(log) == ALL
    assert goal(log, KILLED).why == "4 of 20 counts were never committed, offsets 6 to 9"
    assert goal(log, GOES_ON).why == f"ann {minute(1)} had 26 likes before the kill, and 39 after it"
    assert goal(log, EQUAL).why == "8 windows, 237 likes, each counted once"
    assert "3 are in" in goal(log, NONE_LOST).why


def test_nothing_done_gives_a_command_for_each_goal():
    assert reached(Log()) == set()
    assert all(one.next.startswith("python run.py labs/lab_13_exactly_once/") for one in check.goals(Log()))
    assert goal(Log(), EQUAL).why == "there is nothing to count yet"


def test_likes_that_nobody_has_counted():
    log = Log().write(*four_minutes())
    assert reached(log) == {LIKES}
    assert goal(log, KILLED).next == check.KILL
    assert goal(log, EQUAL).why == "240 likes are not counted yet"


def test_without_a_kill_there_is_no_crash():
    log = Log().write(*four_minutes()).count()
    assert reached(log) == {LIKES, EQUAL, NONE_LOST}
    assert goal(log, KILLED).next == f"{check.WRITE}, then {check.KILL}", "there have to be likes for it"
    assert goal(log, GOES_ON).why == "it was never killed"


def test_killed_and_not_started_again():
    log = Log().write(*four_minutes()).count(2, dies=True)
    assert reached(log) == {LIKES, KILLED}
    assert goal(log, GOES_ON).next == check.COUNT
    assert goal(log, EQUAL).why == "right up to offset 100; 140 likes are not counted yet"
    assert goal(log, NONE_LOST).next == check.COUNT


def test_after_a_kill_in_the_first_transaction_there_is_nothing_to_continue():
    log = Log().write(*four_minutes()).count(0, dies=True).count()
    assert reached(log) == ALL - {GOES_ON}
    assert goal(log, GOES_ON).why == "no minute was counted both before and after a kill"


def test_counted_first_and_killed_with_the_next_likes():
    log = Log().write(*four_minutes()).count().write(*four_minutes(240)).count(2, dies=True).count()
    assert reached(log) == ALL


def test_everything_twice():
    log = Log().write(*four_minutes()).count(2, dies=True).count()
    log.write(*four_minutes(240)).count(2, dies=True)
    assert reached(log) == {LIKES, KILLED, GOES_ON}
    assert reached(log.count()) == ALL
    assert "474 likes" in goal(log, EQUAL).why


def test_killed_twice_in_a_row():
    log = Log().write(*four_minutes()).count(2, dies=True).count(1, dies=True).count()
    assert reached(log) == ALL


def test_a_state_with_uncommitted_counts_is_seen_at_the_first_window():
    log = Log().write(*four_minutes()).count(2, dies=True).count(isolation="read_uncommitted")
    assert reached(log) == {LIKES, KILLED}, "its clock is ahead of the likes that it reads again"
    assert goal(log, EQUAL).why == f"ann {minute(1)} is 26 in the counts, and 39 in the source"
    assert "labs reset 13" in goal(log, EQUAL).next


def test_a_processor_that_forgets_its_state():
    log = Log().write(*four_minutes()).count(2, dies=True).count(state=())
    assert reached(log) == {LIKES, KILLED, NONE_LOST}
    assert goal(log, GOES_ON).why == f"ann {minute(1)} had 26 likes before the kill, and 13 after it"
    assert "undo" in goal(log, GOES_ON).next
    assert goal(log, EQUAL).why == f"ann {minute(1)} is 13 in the counts, and 39 in the source"


def test_a_clock_that_starts_again_counts_a_like_that_is_too_late():
    """The counts are restored, and the time of the latest click is not: the first like is 80 s behind."""
    late = [*four_minutes()[:106][:100], ("ann", 25), ("ann", 101)]
    log = Log().write(*late).count(2)
    counts = [Record(json.dumps(json.loads(r.value()) | {"time_ms": 0}).encode(), key=r.key()) for r in log.counts()]
    log.count(state=counts)
    assert goal(log, EQUAL).why == f"ann {minute(0)} is 42 in the counts, and 41 in the source"


@pytest.mark.parametrize("grace", [0, 120_000])
def test_another_grace_period_is_a_difference(monkeypatch, grace):
    monkeypatch.setattr(likes_per_minute, "GRACE_MS", grace)
    log = Log().write(*four_minutes()).count(2, dies=True).count()
    assert not {EQUAL, NONE_LOST} & reached(log)
    assert "too late in the source" in goal(log, NONE_LOST).why


def test_a_like_is_taken_out_of_the_late_ones():
    log = Log().write(*four_minutes()).count(2, dies=True).count()
    log.written[named("likes-too-late")] = [log.written[named("likes-too-late")][0]]
    assert reached(log) == ALL - {NONE_LOST}
    assert "is 0 times in" in goal(log, NONE_LOST).why


def test_counts_of_a_source_that_was_deleted():
    log = Log().write(*four_minutes()).count(2, dies=True).count()
    log.source = []
    assert goal(log, EQUAL).why == f"ann {minute(0)} is 41 in the counts, and 0 in the source"


def test_nothing_is_called_wrong_while_it_counts():
    log = Log().write(*four_minutes()).count(2)
    log.moves = True
    assert goal(log, EQUAL).why == "the processor is counting now"
    assert goal(log, NONE_LOST).next.startswith("python run.py check 13")


@pytest.mark.parametrize("value", [b"", b"like", b"[1]", b'{"order": 1}', b'{"likes": 5}', b"\xff", None])
def test_records_that_are_neither_likes_nor_counts_are_ignored(value):
    log = Log().write(*four_minutes())
    log.source.insert(70, Record(value, offset=-1, key=None))
    log.source = [Record(r.value(), offset=n, key=r.key()) for n, r in enumerate(log.source)]
    log.count(2, dies=True).count()
    log.written[named("likes-per-minute")].append((Record(value, offset=99, key=None), True))
    assert reached(log) == ALL


def test_a_year_beyond_the_calendar_is_ignored():
    log = Log().write(*four_minutes()[:70], ("ann", 2**50))
    log.write(*four_minutes()[70:]).count(2, dies=True).count()
    assert reached(log) == ALL
