"""Judges exercise 2: the exit code says whether all orders have arrived."""

import json
import random
import re
import string
from collections.abc import Collection, Iterator
from pathlib import Path

from brokers.ports import free_ports
from exercises.referee import Trial, some
from labs.checks import Goal

ORDERS = 12
MOST_BYTES = 2000  # that the topic takes at once
ALONE = {"Producer": {"batch.num.messages": 1}}  # the broker refuses a whole batch: each order has its own
WITHOUT_BROKER_SECONDS = 5  # as the task says; Python starts in some of them
PATIENCE = 3


def goals(trial: Trial) -> Iterator[Goal]:
    topic = trial.topic(config={"max.message.bytes": str(MOST_BYTES)})
    trial.defaults = ALONE
    first = random.randint(100, 900)
    good, more = (range(start, start + ORDERS) for start in (first, first + ORDERS))
    refused = set(random.sample(more[2:-2], 2))
    both = some(refused)
    without = trial.start(  # it waits while the others run
        TOPIC=topic,
        ORDERS=_file(trial.folder / "tonight.jsonl", good),
        KAFKA_BOOTSTRAP_SERVERS=f"127.0.0.1:{free_ports(1)[0]}",
    )

    program, code = trial.run(TOPIC=topic, ORDERS=_file(trial.folder / "good.jsonl", good))
    yield trial.goal(True, f"it has ended, with exit code {code}")
    trial.look("twelve good orders: all arrive, exit code 0", "exit code 0 says that every order is confirmed")
    arrived = _orders(trial, topic)
    lost = set(good) - set(arrived)
    why = f"{len(set(arrived))} of {ORDERS} are in the topic, exit code {code}"
    yield trial.goal(not lost and code == 0, why + ("" if code == 0 else f": {program.last_words}"))
    usual = {_without_numbers(line) for line in program.lines}

    program, code = trial.run(TOPIC=topic, ORDERS=_file(trial.folder / "more.jsonl", more, refused))
    trial.look(f"the broker refuses orders {both}: exit code 1", "the error is in the delivery report")
    yield trial.goal(code not in (0, 130), f"exit code {code}")
    trial.look(f"and it names orders {both}", "print the order in the report when there is an error")
    lines = [_numbers(line) for line in program.lines if _without_numbers(line) not in usual]
    named = set().union(*(numbers for numbers in lines if numbers & refused))
    others = set(more) - refused
    why = "it names both, and no others"
    if unnamed := refused - named:
        why = f"no line distinguishes order {min(unnamed)} from those that arrived"
    elif blamed := named & others:
        why = f"it also names {min(blamed)}, which did arrive"
    yield trial.goal(named & set(more) == refused, why)
    trial.look("and the others arrive", "a refused order is no reason to stop: send the others")
    there = others & set(_orders(trial, topic))
    yield trial.goal(there == others, f"{len(there)} of the other {len(others)} are in the topic")

    trial.look("no broker: exit code 1 within 5 s", "message.timeout.ms is 5 minutes unless you set it")
    code = trial.end_of(without, WITHOUT_BROKER_SECONDS + PATIENCE)
    yield trial.goal(code not in (0, 130), f"exit code {code}")


def _file(file: Path, orders: range, too_large: Collection[int] = ()) -> str:
    """The path of a file with these orders, of which some are larger than the topic takes, even when compressed."""
    sizes = {order: 8 * MOST_BYTES if order in too_large else 50 for order in orders}
    lines = [{"order": order, "text": "".join(random.choices(string.ascii_letters, k=k))} for order, k in sizes.items()]
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return str(file)


def _orders(trial: Trial, topic: str) -> list[int]:
    """Those in the topic."""
    found = []
    for record in trial.read(topic):
        try:
            found.append(json.loads(record.value())["order"])
        except (ValueError, TypeError, KeyError):
            continue
    return found


def _numbers(line: str) -> set[int]:
    return set(map(int, re.findall(r"\d+", line)))


def _without_numbers(line: str) -> str:
    return re.sub(r"\d+", "#", line)
