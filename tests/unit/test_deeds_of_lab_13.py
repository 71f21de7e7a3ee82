"""Labs 13 and 18: done by half, in another order, twice, with an edited program. Here their processor runs on a log in
memory; tests/labs shows that it does the same on a broker."""

import json
from functools import partial
from types import SimpleNamespace

import pytest

from labs.lab_13_exactly_once import check, likes_per_minute, write_likes
from labs.lab_18_event_time import check as check_of_lab_18
from labs.lab_18_event_time import late_likes
from labs.topics import named
from tests.unit.deeds import EACH, Record, Seen, both_tests, expect_words, reached

LIKES, KILLED, GOES_ON, EQUAL, NONE_LOST = (
    "there are likes, and some come too late",
    "the processor was killed in the middle of a transaction",
    "its successor knew the counts",
    "the counts are those of the source",
    "no like that came too late is lost",
)
ALL = {LIKES, KILLED, GOES_ON, EQUAL, NONE_LOST}
COUNTS, TOO_LATE = named("likes-per-minute"), named("likes-too-late")
BOTH = SimpleNamespace(goals=check.of_both_labs)
BATCH = 50


class Log(Seen):
    """What the programs of the lab write, with its transactions."""

    def __init__(self):
        super().__init__()
        self.source: list[Record] = []
        self.written: dict[str, list[tuple[Record, bool]]] = {COUNTS: [], TOO_LATE: []}
        self.up_to, self.moves = 0, False
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
        return self._records(COUNTS, "read_committed")

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
        for record in edited.get("state", self._records(COUNTS, isolation)):
            count = json.loads(record.value())
            state.likes[record.key().decode()] = count["likes"]
            state.time_ms = max(state.time_ms, count["time_ms"])
        while self.up_to < len(self.source) and (transactions or dies):
            batch = self.source[self.up_to : self.up_to + BATCH]
            likes_per_minute.process(batch, state, SimpleNamespace(produce=partial(self._produce, bool(transactions))))
            if not transactions:
                break
            self.up_to += len(batch)
            transactions -= 1
        return self

    def _produce(self, committed: bool, topic: str, value: str | bytes, key: str | bytes, partition: int) -> None:
        value, key = (text.encode() if isinstance(text, str) else text for text in (value, key))
        log = self.written[topic]
        log.append((Record(value, partition, len(log), key=key), committed))

    def but(self, **attributes) -> "Log":
        vars(self).update(attributes)
        return self


def four_minutes(since: int = 0) -> list[tuple[str, int]]:
    numbers = range(write_likes.LIKES)
    return [(write_likes.NAMES[n % 3], since + n - late_likes.delay_seconds(n)) for n in numbers]


def minute(number: int) -> str:
    return f"1971-11-26 10:{40 + number:02}"  # 60,000,000 s after 1970


MINUTES = four_minutes()
NEXT_MINUTES = four_minutes(240)
IN_TIME = [(write_likes.NAMES[n % 3], n) for n in range(write_likes.LIKES)]


def written() -> Log:
    return Log().write(*MINUTES)


def killed(**edited) -> Log:
    """Four minutes, a kill, and a second run."""
    return written().count(2, dies=True).count(**edited)


def with_a_clock_that_starts_again() -> Log:
    """The counts are restored, and the time of the latest click is not: the first like is 80 s behind."""
    log = Log().write(*MINUTES[:100], ("ann", 25), ("ann", 101)).count(2)
    counts = [Record(json.dumps(json.loads(r.value()) | {"time_ms": 0}).encode(), key=r.key()) for r in log.counts()]
    return log.count(state=counts)


def without_a_late_like() -> Log:
    log = killed()
    del log.written[TOO_LATE][1:]
    return log


CASES = {
    "a kill and a second run": (killed, ALL),
    "nothing": (Log, set()),
    "likes that nobody has counted": (written, {LIKES}),
    "without a kill": (lambda: written().count(), {LIKES, EQUAL, NONE_LOST}),
    "killed and not started again": (lambda: written().count(2, dies=True), {LIKES, KILLED}),
    "killed in the first transaction": (lambda: written().count(0, dies=True).count(), ALL - {GOES_ON}),
    "killed later": (lambda: written().count().write(*NEXT_MINUTES).count(2, dies=True).count(), ALL),
    "killed a second time": (lambda: killed().write(*NEXT_MINUTES).count(2, dies=True), ALL),
    "more likes were written": (lambda: killed().write(*NEXT_MINUTES), ALL),
    "everything twice": (lambda: killed().write(*NEXT_MINUTES).count(2, dies=True).count(), ALL),
    "killed twice in a row": (lambda: written().count(2, dies=True).count(1, dies=True).count(), ALL),
    # Its clock is ahead of the likes that it reads again.
    "its state is uncommitted": (lambda: killed(isolation="read_uncommitted"), {LIKES, KILLED}),
    "its state is forgotten": (lambda: killed(state=()), {LIKES, KILLED, NONE_LOST}),
    "a clock that starts again": (with_a_clock_that_starts_again, {LIKES}),
    "a like is taken out of the late ones": (without_a_late_like, ALL - {NONE_LOST}),
    "the source was deleted": (lambda: killed().but(source=[]), {KILLED, GOES_ON}),
    "it counts now": (lambda: written().count(2).but(moves=True), {LIKES}),
    "no late likes": (lambda: Log().write(*IN_TIME).count(2, dies=True).count(), {KILLED, GOES_ON, EQUAL}),
    "a year beyond the calendar": (
        lambda: Log().write(*MINUTES[:70], ("ann", 2**50), *MINUTES[70:]).count(2, dies=True).count(),
        ALL,
    ),
}
SAID = [
    ("a kill and a second run", KILLED, "4 of 20 counts were never committed, offsets 6 to 9"),
    ("a kill and a second run", GOES_ON, f"ann {minute(1)} had 26 likes before the kill, and 39 after it"),
    ("a kill and a second run", EQUAL, "8 counts, 237 likes, each counted once"),
    ("a kill and a second run", NONE_LOST, "…3 are in…"),
    ("nothing", EACH, "-> python run.py labs/lab_1…"),
    ("nothing", EQUAL, "there is nothing to count yet"),
    ("likes that nobody has counted", KILLED, f"-> {check.KILL}"),
    ("likes that nobody has counted", EQUAL, "240 likes are not counted yet"),
    ("without a kill", KILLED, f"-> {check.WRITE}, then {check.KILL}"),
    ("without a kill", GOES_ON, "it was never killed"),
    ("killed and not started again", GOES_ON, f"-> {check.COUNT}"),
    ("killed and not started again", EQUAL, "right up to offset 100; 140 likes are not counted yet"),
    ("killed and not started again", NONE_LOST, f"-> {check.COUNT}"),
    ("killed in the first transaction", GOES_ON, "no minute was counted both before and after a kill"),
    ("everything twice", EQUAL, "…474 likes…"),
    ("more likes were written", EQUAL, "8 counts, 237 likes, each counted once; 240 more are not counted yet"),
    ("its state is uncommitted", EQUAL, f"ann {minute(1)} is 26 in the counts, and 39 in the source -> …reset 13…"),
    ("its state is forgotten", GOES_ON, f"ann {minute(1)} had 26 likes before the kill, and 13 after it -> …undo…"),
    ("its state is forgotten", EQUAL, f"ann {minute(1)} is 13 in the counts, and 39 in the source"),
    ("a clock that starts again", EQUAL, f"ann {minute(0)} is 42 in the counts, and 41 in the source"),
    ("a like is taken out of the late ones", NONE_LOST, "…is 0 times in…"),
    ("the source was deleted", EQUAL, f"ann {minute(0)} is 41 in the counts, and 0 in the source"),
    ("it counts now", EQUAL, "the processor is counting now"),
    ("it counts now", NONE_LOST, "-> check again when it is done"),
    ("no late likes", NONE_LOST, f"none came too late -> {check.LATE}"),
]
test_goals, test_words = both_tests(BOTH, CASES, SAID)


@pytest.mark.parametrize("grace", [0, 120_000])
def test_another_grace_period_is_a_difference(monkeypatch, grace):
    monkeypatch.setattr(likes_per_minute, "GRACE_MS", grace)
    evidence = killed()
    assert reached(BOTH, evidence) == ALL - {EQUAL, NONE_LOST}
    expect_words(BOTH, evidence, NONE_LOST, "…too late in the source…")


@pytest.mark.parametrize("value", [b"", b"like", b"[1]", b'{"order": 1}', b'{"likes": 5}', b"\xff", None])
def test_records_that_are_neither_likes_nor_counts_are_ignored(value):
    log = written()
    log.source.insert(70, Record(value, offset=-1, key=None))
    log.source = [Record(r.value(), offset=n, key=r.key()) for n, r in enumerate(log.source)]
    log.count(2, dies=True).count()
    log.written[COUNTS].append((Record(value, offset=99, key=None), True))
    assert reached(BOTH, log) == ALL


def test_counts_are_restored_whatever_else_is_in_their_topic(monkeypatch):
    others = ((b"hello", b"ann"), (b"{}", None), (b"[1]", b"ann"), (b'{"likes": "x"}', b"ann"), (None, b"ann"))
    records = [Record(b'{"likes": 2, "time_ms": 5}', key=b"ann 2025"), *(Record(v, key=key) for v, key in others)]
    monkeypatch.setattr(likes_per_minute, "read", lambda *_, **__: records)
    state = likes_per_minute.State()
    state.restore()
    assert (state.likes, state.time_ms) == ({"ann 2025": 2}, 5)


def test_each_lab_has_its_goals_and_a_finished_one_of_before_the_split_stays_finished():
    log = killed()
    for lab, its_goals in ((check, {KILLED, GOES_ON, EQUAL}), (check_of_lab_18, {LIKES, EQUAL, NONE_LOST})):
        assert reached(lab, log) == {goal.what for goal in lab.goals(log)} == its_goals
