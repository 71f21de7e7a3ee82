"""Lab 16: Queues."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from labs import kafka4
from labs.checks import Goal, Leaves
from labs.evidence import Evidence
from labs.topics import named

PROGRAM = "python run.py labs/lab_16_queues/workers.py"
WORKERS, JOBS = 4, 12  # as on the page, whatever workers.py has now
MOST_DELIVERIES = 5
TO_ITS_END = f"{PROGRAM}   (let it run to its end)"
UNCHANGED = f"undo your changes in workers.py, then {PROGRAM}"
LEAVES = Leaves((named("jobs"), named("jobs-log"), f"dlq.{named('jobs')}"), share_groups=(named("jobs"),))


@dataclass(frozen=True)
class Delivery:
    worker: str
    job: str
    offset: int
    number: int  # Kafka's delivery count, from 1
    outcome: str

    @property
    def position(self) -> str:
        return f"{self.job}, offset {self.offset}"


def goals(seen: Evidence) -> Iterator[Goal]:
    if absent := kafka4.missing():
        yield absent
        return
    found: dict[int, dict[int, Delivery]] = {}
    for delivery in _deliveries(seen):  # after the group was deleted and restarted, only the latest count
        found.setdefault(delivery.offset, {})[delivery.number] = delivery
    of_offset = {offset: list(all_of_it.values()) for offset, all_of_it in found.items()}
    yield _shared(seen, of_offset)
    yield _done_after_a_release(of_offset)
    yield _rejected(of_offset)
    poisoned = [offset for offset, all_of_it in of_offset.items() if _is_poisoned(all_of_it)]
    yield _delivered_five_times(of_offset, poisoned)
    yield _given_up(seen, of_offset, poisoned)
    yield _empty(seen)


def _deliveries(seen: Evidence) -> Iterator[Delivery]:
    for record in seen.records(named("jobs-log")):
        text, worker = ((part or b"").decode(errors="replace") for part in (record.value(), record.key()))
        if found := re.fullmatch(r"(.+) \(offset (\d+)\), delivery (\d+): (done|released|rejected)", text):
            job, offset, number, outcome = found.groups()
            yield Delivery(worker, job, int(offset), int(number), outcome)


def _shared(seen: Evidence, of_offset: dict[int, list[Delivery]]) -> Goal:
    what = f"{WORKERS} workers shared one partition"
    got = Counter(one.worker for all_of_it in of_offset.values() for one in all_of_it)
    partitions = seen.partitions(named("jobs"))
    if partitions > 1:
        following = f"python run.py labs reset 16, then {PROGRAM}"
        return Goal(what, False, f"{named('jobs')} has {partitions} partitions", following)
    numbers = ", ".join(f"{worker} got {deliveries}" for worker, deliveries in sorted(got.items()))
    if len(got) >= WORKERS:
        return Goal(what, True, f"of {sum(got.values())} deliveries, {numbers}")
    why = f"of {sum(got.values())} deliveries, {numbers}" if got else "no job was delivered yet"
    return Goal(what, False, why, UNCHANGED if got else TO_ITS_END)


def _done_after_a_release(of_offset: dict[int, list[Delivery]]) -> Goal:
    what = "a job that was released was done by a later delivery"
    for all_of_it in of_offset.values():
        released = {one.number for one in all_of_it if one.outcome == "released"}
        for one in all_of_it:
            if one.outcome == "done" and one.number - 1 in released:
                return Goal(what, True, f"{one.position}: delivery {one.number}, to {one.worker}")
    return Goal(what, False, "there is no such job yet", TO_ITS_END)


def _rejected(of_offset: dict[int, list[Delivery]]) -> Goal:
    what = "a job that was rejected was delivered once"
    missing = "no job was rejected yet"
    for all_of_it in of_offset.values():
        if [one.outcome for one in all_of_it] == ["rejected"]:
            return Goal(what, True, all_of_it[0].position)
        if any(one.outcome == "rejected" for one in all_of_it):
            missing = f"{all_of_it[0].position}, was rejected, but delivered {len(all_of_it)} times"
    return Goal(what, False, missing, TO_ITS_END)


def _is_poisoned(all_of_it: list[Delivery]) -> bool:
    released = {one.number for one in all_of_it if one.outcome == "released"}
    return released >= set(range(1, MOST_DELIVERIES + 1))


def _delivered_five_times(of_offset: dict[int, list[Delivery]], poisoned: list[int]) -> Goal:
    what = f"a job that always fails was delivered {MOST_DELIVERIES} times"
    if poisoned:
        deliveries = of_offset[poisoned[0]]
        workers = ", ".join(one.worker for one in sorted(deliveries, key=lambda one: one.number))
        return Goal(what, True, f"{deliveries[0].position}, to {workers}")
    most = max((one.number for all_of_it in of_offset.values() for one in all_of_it), default=0)
    missing = f"the most deliveries of a job so far: {most}" if most else "no job was delivered yet"
    return Goal(what, False, missing, UNCHANGED if most == 1 else TO_ITS_END)


def _given_up(seen: Evidence, of_offset: dict[int, list[Delivery]], poisoned: list[int]) -> Goal:
    what = "then Kafka gave it up"
    progress = seen.queue(named("jobs"), named("jobs"))
    missing = "there is no such job yet"
    for offset in poisoned:
        deliveries = of_offset[offset]
        end = sum(seen.ends(named("jobs")).values())
        finished = progress is not None and (not progress.lag(end) or progress.start > offset)
        if len(deliveries) == MOST_DELIVERIES and finished:
            return Goal(what, True, f"{deliveries[0].position}, counts as finished, though nobody did it")
        missing = f"{deliveries[0].position}, was delivered {len(deliveries)} times, and may be delivered again"
    return Goal(what, False, missing, TO_ITS_END)


def _empty(seen: Evidence) -> Goal:
    what = f"all of the first {JOBS} jobs are finished"
    progress = seen.queue(named("jobs"), named("jobs"))
    end = sum(seen.ends(named("jobs")).values())
    if progress is None or not end:
        return Goal(what, False, f"the share group {named('jobs')} has had no members yet", TO_ITS_END)
    lag = progress.lag(end)
    why = f"start offset {progress.start}, {progress.complete} finished from there on, end {end}: lag {lag}"
    return Goal(what, end >= JOBS and (lag == 0 or progress.start >= JOBS), why, TO_ITS_END)
