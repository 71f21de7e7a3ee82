"""Three brokers: what one of them leads goes on without it."""

import pytest
import requests
from confluent_kafka.admin import AdminClient

from brokers import client_config
from tests.conftest import PARTITIONS, TOPIC, create_topic, local_cluster
from tests.programs import consumer, producer, wait_until


def test_a_leader_dies_and_its_partition_goes_on(tmp_path, start, group):
    cluster = local_cluster(tmp_path)
    with cluster as servers:
        admin = AdminClient(client_config(servers))
        create_topic(admin)

        def partitions():
            topic = admin.list_topics(timeout=20).topics.get(TOPIC)  # not every broker hears of it at once
            return topic.partitions if topic else {}

        replicas = [[0, 1, 2]] * PARTITIONS
        wait_until(lambda: [sorted(p.replicas) for p in partitions().values()] == replicas, "three replicas of each")
        member, api = start(consumer(servers, group)), start(producer(servers))
        api.wait_until_it_answers()
        member.wait_for_status(lambda status: status["assignment"] == list(range(PARTITIONS)))
        assert requests.post(f"{api.url}/like", timeout=20).json()["order"] == 1

        dead = partitions()[1].leader
        cluster.nodes[dead].kill()
        assert not cluster.nodes[dead].running
        wait_until(lambda: partitions()[1].leader not in (dead, -1), "another leader of partition 1")
        like = requests.post(f"{api.url}/like", timeout=20).json()
        assert (like["order"], like["partition"]) == (2, 1)
        member.wait_for_likes({1, 2})

        cluster.nodes[dead].start()
        wait_until(lambda: [len(p.isrs) for p in partitions().values()] == [3] * PARTITIONS, "all replicas in sync")
    assert not any(node.running for node in cluster.nodes)


def test_a_cluster_that_cannot_start_leaves_nothing_behind(tmp_path):
    cluster = local_cluster(tmp_path)
    blocked = tmp_path / "kafka-1" / "data"
    blocked.parent.mkdir(parents=True)
    blocked.write_text("a file where a folder should be")
    with pytest.raises(Exception, match="kafka-1"):
        cluster.start()
    assert not any(node.running for node in cluster.nodes)
