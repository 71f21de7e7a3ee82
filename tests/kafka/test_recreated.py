"""The topic is deleted and recreated immediately while the programs run: nothing in the new one is skipped."""

import pytest
import requests

from brokers.ports import free_ports
from plumbing import waiting
from tests.brokers import recreate
from tests.programs import PATIENCE, Program, consumer, producer, wait_until
from tests.scheduling import rest_repeats

LIKES = 300


def burst(api: Program) -> set[int]:
    """The orders of a burst, all of them confirmed."""

    def confirmed() -> dict | None:
        answer = requests.post(f"{api.url}/likes", json={"count": LIKES}, timeout=60)
        return answer.json() if answer.status_code == 201 else None

    answer = wait_until(confirmed, "a burst")
    return set(range(answer["first_order"], answer["last_order"] + 1))


def wait_until_read(members: list[Program], orders: set[int]) -> None:
    def missing() -> set[int]:
        return orders - {order for member in members for order in member.likes()}

    if not waiting.wait_until(lambda: not missing(), PATIENCE):
        lines = [line for member in members for line in member.lines if not line.startswith("Consumed")]
        lines += [f"{len(member.likes())} likes, {member.status()}" for member in members]
        pytest.fail("\n".join([f"{len(missing())} of {len(orders)} likes were not read", *lines]))


@pytest.mark.parametrize("partitions", rest_repeats([3, 6]))
def test_nothing_is_skipped_in_a_topic_that_was_recreated_at_once(new_likes, start, group, partitions):
    api = start(producer(new_likes))
    api.wait_until_it_answers()
    members = [start(consumer(new_likes, group, port)) for port in sorted(free_ports(3))]
    wait_until_read(members, burst(api))
    recreate(new_likes, partitions)
    wait_until_read(members, burst(api))
    for member in members:
        assert member.wait_for_status(lambda status: not status["problem"])
        assert member.interrupt() == 0
    # And it is as true for members that start later, with what the old ones have committed.
    recreate(new_likes)
    orders = burst(api)
    later = [start(consumer(new_likes, group))]
    wait_until_read(later, orders)
