"""Judges exercise 7: the lag of a group, also where it has committed nothing, and where records are deleted."""

import random
import re
from collections.abc import Iterator

from confluent_kafka import TopicPartition

from exercises.referee import Trial, insist
from labs.checks import Goal

PARTITIONS = 5
AT_END, NOT_COMMITTED, DELETED, EMPTY = 1, 2, 3, 4  # in partition 0 it is somewhere in between


def goals(trial: Trial) -> Iterator[Goal]:
    topic = trial.topic(PARTITIONS)
    ends = {partition: random.randint(30, 60) for partition in range(PARTITIONS)} | {EMPTY: 0}
    _fill(trial, topic, ends)
    committed = {0: random.randint(5, 20), AT_END: ends[AT_END], DELETED: random.randint(2, 8)}
    trial.commit(topic, committed)
    lows = {DELETED: random.randint(12, 25), NOT_COMMITTED: random.randint(3, 9)}
    places = [TopicPartition(topic, partition, offset) for partition, offset in lows.items()]
    for future in insist(lambda: trial.admin.delete_records(places)).values():
        future.result()

    program, code = trial.run(TOPIC=topic, GROUP=trial.real_group)
    yield trial.goal(code == 0, f"exit code {code}" + ("" if code == 0 else f": {program.last_words}"))
    if code:
        return
    if trial.members():  # the judge cannot move its group any more
        yield _left_alone(trial, topic, committed)
        return
    found = _lags(program.lines)
    lag = {partition: ends[partition] - max(committed.get(partition, 0), lows.get(partition, 0)) for partition in ends}
    for what, partitions, following in (
        ("the lag where the group has committed", (0, AT_END), "the end of the log minus the committed offset"),
        ("where it has committed nothing", (NOT_COMMITTED, EMPTY), "then it is all that is in the log: high - low"),
        ("where the next record is deleted", (DELETED,), "what is before the beginning of the log cannot be read"),
    ):
        trial.look(what, following)
        yield trial.goal(*_compared(found, {partition: lag[partition] for partition in partitions}))

    trial.look("a second time, when the group has moved", "ask the broker each time")
    more = {partition: random.randint(3, 9) for partition in ends}
    _fill(trial, topic, more)
    trial.commit(topic, {0: ends[0], NOT_COMMITTED: ends[NOT_COMMITTED]})
    committed |= {0: ends[0], NOT_COMMITTED: ends[NOT_COMMITTED]}
    program, _ = trial.run(TOPIC=topic, GROUP=trial.real_group)
    right = [p for p in ends if found.get(p) == lag[p]]  # the others were reported already
    lag = {p: ends[p] + more[p] - max(committed.get(p, 0), lows.get(p, 0)) for p in right}
    yield trial.goal(*_compared(_lags(program.lines), lag))

    yield _left_alone(trial, topic, committed)


def _left_alone(trial: Trial, topic: str, committed: dict[int, int]) -> Goal:
    trial.look("the group is left alone", "no subscribe(), no commit(): ask for the offsets only")
    now = {partition: offset for partition, offset in trial.committed(topic).items() if offset}
    members = len(trial.members())
    why = f"{members} members, committed {now}" if now != committed or members else "no member, no commit"
    return trial.goal(now == committed and not members, why)


def _fill(trial: Trial, topic: str, numbers: dict[int, int]) -> None:
    for partition, number in numbers.items():
        for _ in range(number):
            trial.produce(topic, "{}", partition=partition)
    trial.flush()


def _lags(lines: list[str]) -> dict[int, int]:
    found = re.findall(r"partition\W{0,3}(\d+)\W+lag\W{0,3}?(-?\d+)", "\n".join(lines), re.IGNORECASE)
    return {int(partition): int(lag) for partition, lag in found}


def _compared(found: dict[int, int], lag: dict[int, int]) -> tuple[bool, str]:
    wrong = {partition: number for partition, number in lag.items() if found.get(partition) != number}
    told = [f"partition {p}: {found.get(p, 'nothing')}, it is {number}" for p, number in (wrong or lag).items()]
    return not wrong, "; ".join(told) if wrong else ", ".join(f"partition {p}: {n}" for p, n in lag.items())
