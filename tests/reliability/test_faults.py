"""Faults while people click: no acknowledged like is missing, and each one that was logged twice is explained."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time

import psutil
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from brokers.failures import Failure
from plumbing.kafka import client_config
from tests.brokers import create_topic, local_cluster
from tests.programs import producer, wait_until
from tests.reliability.trial import TOPIC, Clicks, Trial

SESSION_TIMEOUT = 6.0
NAMED_SECONDS = 12  # the other brokers may list a dead one for this long
WATCHED_SECONDS = 5


def test_nothing_goes_wrong(trial):
    trial.clicks.wait_for_more(200)
    tally = trial.finish(twice=False)
    assert tally.refused == 0


def test_consumers_are_killed(trial, long):
    for _ in range(20 if long else 3):
        number = random.choice(list(trial.members))
        trial.clicks.wait_for_more(random.randint(1, 80))
        trial.kill_member(number)
        trial.start_member(number)
    tally = trial.finish()
    assert tally.refused == 0


def test_consumers_leave_and_come_back(trial, long):
    for _ in range(20 if long else 3):
        number = random.choice(list(trial.members))
        trial.clicks.wait_for_more(random.randint(1, 60))
        trial.stop_member(number)
        trial.clicks.wait_for_more(random.randint(1, 60))
        trial.start_member(number)
    tally = trial.finish(twice=False)  # a member that leaves commits first: nothing is read again
    assert tally.refused == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot pause a process with a signal")
def test_a_consumer_hangs_past_its_session_and_continues(trial):
    trial.clicks.wait_for_more(20)
    trial.faults += 1
    os.kill(trial.members[1].process.pid, signal.SIGSTOP)
    try:
        wait_until(lambda: 1 in trial.members[0].status()["assignment"], "the others own partition 1")
        trial.clicks.wait_for_more(50)
    finally:
        os.kill(trial.members[1].process.pid, signal.SIGCONT)
    trial.members[1].wait_for_status(lambda status: status["assignment"] == [1])
    trial.clicks.wait_for_more(20)
    trial.finish()


def test_the_producer_is_killed(trial, long):
    for _ in range(10 if long else 3):
        trial.clicks.wait_for_more(random.randint(1, 80))
        trial.kill_producer()
        trial.start_producer()
    trial.clicks.wait_for_more(20)
    trial.finish(twice=False)


def test_the_producer_gets_ctrl_c(trial, long):
    for _ in range(50 if long else 3):
        trial.clicks.wait_for_more(random.randint(1, 50))
        trial.faults += 1
        assert trial.producer.interrupt() == 0
        assert trial.producer.lines[-1] == "Producer stopped, 0 likes not delivered"
        trial.start_producer()
    trial.clicks.wait_for_more(50)
    trial.finish(twice=False)


@pytest.mark.parametrize("seconds", [3, pytest.param(30, marks=pytest.mark.long)])
def test_the_broker_is_stopped_for_a_few_seconds(trial, broker, seconds):
    trial.clicks.wait_for_more(50)
    trial.faults += 1
    broker.stop()
    time.sleep(seconds)
    broker.start()
    trial.clicks.wait_for_more(50)
    trial.finish()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot pause a process with a signal")
def test_the_broker_hangs_past_every_session_and_continues(trial, broker, long, all_cases):
    for _ in range(8 if long else 2 if all_cases else 1):
        trial.clicks.wait_for_more(50)
        trial.faults += 1
        hang(broker.process, SESSION_TIMEOUT + 1.5 * random.random())
        for number, member in trial.members.items():
            member.wait_for_status(lambda status, number=number: status["assignment"] == [number])
    trial.clicks.wait_for_more(50)
    trial.finish()


def hang(process: subprocess.Popen, seconds: float) -> None:
    process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    process.send_signal(signal.SIGCONT)


def test_the_broker_is_killed(trial, broker, monkeypatch):
    ends = []
    monkeypatch.setattr(broker, "on_crash", lambda *end: ends.append(end))
    trial.clicks.wait_for_more(50)
    trial.faults += 1
    broker.kill()
    broker.start()
    trial.clicks.wait_for_more(50)
    trial.finish()
    assert not ends  # by us, so it is not reported


def test_the_topic_is_deleted_and_recreated(trial, broker):
    """What was in it is gone, as requested; what is acknowledged afterwards is not."""
    trial.clicks.wait_for_more(50)
    trial.clicks.stop()
    trial.faults += 1
    admin = AdminClient(client_config(broker.bootstrap_servers))
    admin.delete_topics([TOPIC])[TOPIC].result()
    for member in trial.members.values():  # one recreated before they look would be the same to them
        member.wait_for("^The topic likes is missing")
    create_topic(admin)
    trial.clicks = Clicks(trial.producer.url)
    trial.clicks.wait_for_more(100)
    trial.finish()


SKEWED = """
import runpy, time
now = time.time
time.time = lambda: now() - 3 * 86400
runpy.run_path("producer.py", run_name="__main__")
"""


def test_a_clock_that_is_days_behind_changes_only_the_times(trial):
    trial.clicks.wait_for_more(20)
    before = max(like["order"] for like in trial.clicks.acknowledged)
    trial.kill_producer()
    trial.producer = producer(trial.servers, trial.producer_port, SKEWED)
    trial.processes.append(trial.producer)
    trial.clicks.wait_for_more(20)
    trial.finish()
    behind = [like for like in trial.clicks.acknowledged if time.time() - like["ts_ms"] / 1000 > 2 * 86400]
    assert len(behind) >= 20
    assert min(like["order"] for like in behind) > before
    trial.kill_producer()  # for the next test, one with the right time


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the size of a running program's files: Linux only")
def test_the_disk_is_full(trial, broker, monkeypatch):
    """The broker cannot write any more (a limit on its file size), and ends; why is found in its log. With room again,
    it continues."""
    import resource

    ends = []
    monkeypatch.setattr(broker, "on_crash", lambda _broker, failure: ends.append(failure))
    trial.clicks.wait_for_more(50)
    trial.faults += 1
    full = (2 * 2**20, 2 * 2**20)
    resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE, full)
    other = Producer(client_config(broker.bootstrap_servers) | {"message.timeout.ms": 1000})

    def given_up() -> bool:
        other.produce(TOPIC, b" " * 900_000, partition=0)
        other.flush(1)
        return bool(ends)

    wait_until(given_up, "the broker gives up")
    assert ends == [Failure("java.io.IOException: File too large")]
    broker.start()
    trial.clicks.wait_for_more(50)
    trial.finish()


def test_three_brokers_are_restarted_one_after_the_other_and_a_leader_dies(tmp_path, request, long, all_cases):
    cluster = local_cluster(tmp_path)
    with cluster as servers, contextlib.ExitStack() as stack:
        admin = AdminClient(client_config(servers))
        create_topic(admin)
        trial = Trial(servers, request.node.name)
        stack.callback(trial.close)

        def in_sync() -> bool:
            partitions = admin.list_topics(timeout=20).topics[TOPIC].partitions.values()
            return all(len(partition.isrs) == 3 for partition in partitions)

        for node in cluster.nodes if long else cluster.nodes[: int(all_cases)]:
            trial.clicks.wait_for_more(20)
            trial.faults += 1
            node.stop()
            trial.clicks.wait_for_more(20)
            node.start()
            wait_until(in_sync, "all replicas in sync")
        leader = admin.list_topics(timeout=20).topics[TOPIC].partitions[0].leader
        trial.faults += 1
        cluster.nodes[leader].kill()
        trial.clicks.wait_for_more(100)
        trial.finish()
        if all_cases:  # two threads of a client are busy while it waits for a dead controller
            time.sleep(NAMED_SECONDS)
            consumers = [psutil.Process(member.process.pid) for member in trial.members.values()]
            for consumer in consumers:
                consumer.cpu_percent()
            time.sleep(WATCHED_SECONDS)
            assert max(consumer.cpu_percent() for consumer in consumers) < 20


@pytest.mark.slow
def test_chaos(trial, broker, long, all_cases):
    """Random faults, one after the other. The seed is printed: CHAOS_SEED=... replays them."""
    seed = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(10**6))
    print(f"CHAOS_SEED={seed}")
    dice = random.Random(seed)
    until = time.monotonic() + (600 if long else 30 if all_cases else 12)

    def kill_member():
        number = dice.choice(list(trial.members))
        trial.kill_member(number)
        trial.start_member(number)

    def stop_member():
        number = dice.choice(list(trial.members))
        trial.stop_member(number)
        time.sleep(dice.random() * 2)
        trial.start_member(number)

    def hang_one():
        trial.faults += 1
        members = [member.process for member in trial.members.values()]
        hang(dice.choice([*members, trial.producer.process, broker.process]), dice.random() * 1.5 * SESSION_TIMEOUT)

    def kill_producer():
        trial.kill_producer()
        trial.start_producer()

    def kill_broker():
        trial.faults += 1
        broker.kill()
        time.sleep(dice.random() * 3)
        broker.start()

    def stop_broker():
        trial.faults += 1
        broker.stop()
        time.sleep(dice.random() * 3)
        broker.start()

    faults = [kill_member, stop_member, kill_producer, kill_broker, stop_broker]
    if sys.platform != "win32":
        faults.append(hang_one)
    while time.monotonic() < until:
        trial.clicks.wait_for_more(dice.randint(1, 60))
        fault = dice.choice(faults)
        print(fault.__name__)
        fault()
    trial.clicks.wait_for_more(20)
    trial.finish()
