"""What a lab's check is given here instead of a broker's answers, and what it must say.

Each lab has a table of deeds: evidence -> the goals that it reaches; and one of what is said about some goals.
"""

import json
import re

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME

from labs import kafka4
from labs.evidence import Evidence
from labs.internals.history import Generation, History, Member
from labs.lab_12_retention import cleaner
from settings import TOPIC

PARTITIONS = 3
EACH = "each goal that is not reached"


class Record:
    """What the checks read in a message."""

    def __init__(self, value: bytes, partition=0, offset=0, at_ms=0, key=None, topic=TOPIC, **headers):
        self.value, self.partition, self.offset = (lambda: value), (lambda: partition), (lambda: offset)
        self.key, self.topic, self.headers = (lambda: key), (lambda: topic), (lambda: list(headers.items()))
        self.timestamp = lambda: (TIMESTAMP_CREATE_TIME, at_ms)


class Seen(Evidence):
    """A cluster with these records and histories, and these answers to clicks."""

    def __init__(self, records: dict | None = None, histories: dict | None = None, clicks: list | None = None):
        records, histories = records or {}, histories or {}
        self.records = lambda topic, _isolation="": records.get(topic, [])
        self.history = lambda group: histories.get(group, History())
        self.clicks = lambda: clicks or []
        self.partitions = lambda _topic: PARTITIONS

    def ends(self, topic: str) -> dict[int, int]:
        return {p: sum(record.partition() == p for record in self.records(topic)) for p in range(PARTITIONS)}


def like(order: int, partition: int | None = None, **more) -> Record:
    value = {"order": order, "clicked_at": "2025-12-20 21:45:01", "ts_ms": 1734721501000}
    return Record(json.dumps(value).encode(), (order - 1) % PARTITIONS if partition is None else partition, **more)


def generations(
    *rows: dict, topic: str = TOPIC, protocol="range", run="x", since=0, step=1, max_poll_ms=0
) -> list[Generation]:
    """Consecutive ones, `step` ms each, from their members' partitions: {client id: (0, 1), ...}."""

    def member(name: str, owned: tuple) -> Member:
        partitions = frozenset((topic, partition) for partition in owned)
        return Member(f"{name}-{run}", name, None, partitions, max_poll_ms)

    members = (tuple(member(name, owned) for name, owned in row.items()) for row in rows)
    return [Generation(since + n, step * (since + n), protocol, one) for n, one in enumerate(members, 1)]


def reached(check, evidence: Evidence) -> set[str]:
    return {goal.what for goal in check.goals(evidence) if goal.reached}


def expect_words(check, evidence: Evidence, what: str, words: str) -> None:
    """Fails unless the check says this about the goal, or about EACH: `words` are its evidence, or after `->` what to
    do, or both; `…` stands for anything."""
    goals = [one for one in check.goals(evidence) if one.what == what or (what == EACH and not one.reached)]
    why, arrow, following = words.partition("-> ")
    text = f"{why or '…'}-> {following}" if arrow else f"{why} -> …"
    pattern = ".*".join(map(re.escape, text.split("…")))
    assert goals, f"there is no {what}"
    for goal in goals:
        assert re.fullmatch(pattern, f"{goal.why} -> {goal.next}"), f"{goal}\nis not: {words}"


def both_tests(check, cases: dict, said: list[tuple]) -> tuple:
    """The tests of a lab's tables. `cases`: name -> evidence, or what makes it, and the goals that it reaches; `said`:
    a case, a goal, and the words of `expect_words`."""

    def evidence_of(case: str, monkeypatch) -> Evidence:
        """On a broker of Kafka 4, whose log cleaner runs."""
        monkeypatch.setattr(kafka4, "is_kafka_4", lambda: True)
        monkeypatch.setattr(cleaner, "runs", lambda: True)
        evidence = cases[case][0]
        return evidence if isinstance(evidence, Evidence) else evidence()

    @pytest.mark.parametrize("case", cases)
    def test_a_deed_reaches_its_goals_and_no_others(case, monkeypatch):
        found, expected = reached(check, evidence_of(case, monkeypatch)), cases[case][1]
        assert found == expected, f"too many: {found - expected}; missing: {expected - found}"

    @pytest.mark.parametrize(("case", "goal", "words"), said)
    def test_what_is_missing_or_done_is_said(case, goal, words, monkeypatch):
        expect_words(check, evidence_of(case, monkeypatch), goal, words)

    return test_a_deed_reaches_its_goals_and_no_others, test_what_is_missing_or_done_is_said
