"""What keeps a program from Kafka for good: it says so, and what to type, instead of waiting without a reason."""

import pytest
import requests
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewPartitions

from brokers.local import LocalBroker
from brokers.ports import free_ports
from plumbing import topic
from plumbing.kafka import client_config
from plumbing.orders import Orders
from tests.brokers import TOPIC, listeners, with_topic
from tests.programs import Program, consumer, producer
from tests.reliability.test_bad_input import like

LATE = "late"  # a topic that accepts no event of another time than now, as if this computer's clock were wrong


class StrictBroker(LocalBroker):
    def settings(self) -> dict[str, str]:
        return super().settings() | {"group.min.session.timeout.ms": "10000", "group.max.size": "2"}


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    with StrictBroker(tmp_path_factory.mktemp("strict"), listeners(free_ports(3))) as servers:
        admin = AdminClient(client_config(with_topic(servers)))
        no_time = {"message.timestamp.before.max.ms": "0", "message.timestamp.after.max.ms": "0"}
        topic.create(admin, LATE, 3, no_time)
        yield servers


@pytest.fixture
def member(start, group):
    """Start consumer.py with these settings in its CONFIG."""

    def start_member(servers: str, **settings) -> Program:
        own = {name.replace("_", "."): value for name, value in settings.items()}
        return start(consumer(servers, group, code=f"import consumer; consumer.CONFIG.update({own}); consumer.main()"))

    return start_member


def test_a_consumer_whose_instance_id_another_one_takes_ends_with_the_reason(kafka, member, group):
    first = member(kafka, group_instance_id="class")
    first.wait_for("^Assigned: ")
    second = member(kafka, group_instance_id="class")
    assert first.wait() == 1
    assert first.lines[-1] == (
        f"Another consumer has joined the group {group} with the same group.instance.id. "
        "Give each consumer its own, in CONFIG of consumer.py, then start this one again."
    )
    second.wait_for(r"^Assigned: partitions=\[0, 1, 2\]")
    assert second.interrupt() == 0


def test_a_session_timeout_that_the_broker_refuses_is_named_with_its_limits(strict, start, group):
    refused = start(consumer(strict, group))
    refused.wait_for("session.timeout.ms=6000, the broker accepts 10000 to 1800000 .*CONFIG in consumer.py")
    assert "session.timeout.ms=6000" in refused.problem()


def test_a_full_group_is_named_with_its_size(strict, member, group):
    inside = [member(strict, session_timeout_ms=10_000) for _ in range(2)]
    for one in inside:
        one.wait_for("^Assigned: ")
    outside = member(strict, session_timeout_ms=10_000)
    outside.wait_for(f"^The group {group} is full: the broker accepts 2 members .*Stop another consumer of the group")
    assert "is full" in outside.problem()
    inside[0].interrupt()
    outside.wait_for("^Assigned: ")
    outside.wait_for("^Kafka answers again")


def test_a_clock_that_is_wrong_is_named_in_the_answer(strict, start):
    late = start(producer(strict, code=f"import producer; producer.TOPIC = {LATE!r}; producer.main()"))
    late.wait_until_it_answers()
    answer = requests.post(f"{late.url}/like", timeout=20)
    assert answer.status_code == 503
    assert "clock" in answer.json()["error"]
    assert "set the clock" in answer.json()["hint"]


def test_a_partition_that_is_added_has_a_lag_at_once(strict, member):
    reader = member(strict, session_timeout_ms=10_000)
    reader.wait_for(r"^Assigned: partitions=\[0, 1, 2\]")
    admin = AdminClient(client_config(strict))
    admin.create_partitions([NewPartitions(TOPIC, 5)])[TOPIC].result()
    reader.wait_for(r"^Assigned: partitions=\[0, 1, 2, 3, 4\]")
    assert reader.status()["lag"] == dict.fromkeys("01234", 0)


def test_no_order_is_given_again_behind_an_open_transaction(kafka, group):
    name = f"open-{group}"
    topic.create(AdminClient(client_config(kafka)), name, 3)
    foreign = Producer(client_config(kafka) | {"transactional.id": group})
    foreign.init_transactions()
    foreign.begin_transaction()
    likes = Producer(client_config(kafka))
    for partition in range(3):
        foreign.produce(name, b"junk", partition=partition)
    foreign.flush()
    for order in range(1, 7):
        likes.produce(name, like(order=order), partition=(order - 1) % 3)
    likes.flush()
    assert Orders(name, {"bootstrap.servers": kafka, "client.id": group}).take(1, 3) == range(7, 8)
    foreign.abort_transaction()


@pytest.mark.slow
def test_no_order_is_given_again_behind_a_record_that_cannot_be_read(kafka, group):
    """A few hundred kB on the wire, and too much for a client to unpack in time."""
    name = f"poison-{group}"
    topic.create(AdminClient(client_config(kafka)), name, 1)
    poison = Producer(client_config(kafka) | {"compression.type": "gzip", "message.max.bytes": 10**9})
    poison.produce(name, bytes(300_000_000))
    assert poison.flush(120) == 0
    likes = Producer(client_config(kafka))
    for order in range(1, 4):
        likes.produce(name, like(order=order))
    likes.flush()
    [order] = Orders(name, {"bootstrap.servers": kafka, "client.id": group}).take(1, 1)
    assert order > 3
