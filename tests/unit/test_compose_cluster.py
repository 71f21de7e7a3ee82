"""docker-compose.cluster.yml: three brokers alike, told apart by their ports, that hold copies of everything."""

import pytest
import yaml

from brokers import cluster, compose
from tests.unit.test_compose import listeners, seconds

COMPOSE = yaml.safe_load(cluster.COMPOSE_FILE.read_text(encoding="utf-8"))
BROKERS = ("kafka-0", "kafka-1", "kafka-2")


@pytest.fixture(params=BROKERS)
def broker(request) -> dict:
    return COMPOSE["services"][request.param]


def test_three_brokers_and_kafdrop():
    assert set(COMPOSE["services"]) == {*BROKERS, "kafdrop"}
    assert [service.name for service in cluster.services()] == list(BROKERS)


def test_the_images_are_those_of_the_single_broker(broker):
    single = yaml.safe_load(compose.COMPOSE_FILE.read_text(encoding="utf-8"))["services"]
    assert broker["image"] == single["kafka"]["image"]
    assert COMPOSE["services"]["kafdrop"]["image"] == single["kafdrop"]["image"]


def test_each_broker_has_its_own_ports_open_to_this_computer_only(broker):
    mine = broker["environment"]
    external = listeners(mine["KAFKA_CFG_ADVERTISED_LISTENERS"])["EXTERNAL"]
    port = external.removeprefix("localhost:")
    assert broker["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert f"localhost/{port}" in broker["healthcheck"]["test"][-1]
    # Inside a container, localhost is where the other brokers are not.
    internal = listeners(mine["KAFKA_CFG_ADVERTISED_LISTENERS"])["INTERNAL"]
    assert internal.startswith(f"{broker['container_name']}:")
    assert f"--bootstrap-server {internal} " in broker["healthcheck"]["test"][-1]
    ports = [port for service in cluster.services() for port in service.ports.values()]
    assert len(ports) == len(set(ports)) == 9


def test_each_is_a_voter_at_its_controller_listener(broker):
    mine = broker["environment"]
    node = mine["KAFKA_CFG_NODE_ID"]
    port = listeners(mine["KAFKA_CFG_LISTENERS"])["CONTROLLER"]
    assert broker["container_name"] == f"kafka-{node}"
    assert f"{node}@kafka-{node}{port}" in mine["KAFKA_CFG_CONTROLLER_QUORUM_VOTERS"].split(",")


def test_one_broker_can_be_lost(broker):
    mine = broker["environment"]
    assert mine["KAFKA_CFG_DEFAULT_REPLICATION_FACTOR"] == "3"
    assert mine["KAFKA_CFG_OFFSETS_TOPIC_REPLICATION_FACTOR"] == "3"
    assert mine["KAFKA_CFG_MIN_INSYNC_REPLICAS"] == "2"
    assert all(isinstance(value, str) for value in mine.values())


def test_volumes_are_named_and_not_shared():
    volumes = [COMPOSE["services"][name]["volumes"] for name in BROKERS]
    assert volumes == [[f"{name}-data:/bitnami/kafka"] for name in BROKERS]
    assert set(COMPOSE["volumes"]) == {f"{name}-data" for name in BROKERS}


def test_health_checks_are_patient(broker):
    check = broker["healthcheck"]
    assert seconds(check["start_period"]) + check["retries"] * seconds(check["interval"]) >= 120


def test_the_local_cluster_has_its_settings_on_loopback(tmp_path):
    ports = [{"EXTERNAL": n, "INTERNAL": n + 1, "CONTROLLER": n + 2} for n in (10, 20, 30)]
    node = cluster.LocalCluster(tmp_path, ports).nodes[1]
    settings = node.settings()
    assert settings["node.id"] == "1"
    assert settings["listeners"] == "INTERNAL://127.0.0.1:21,EXTERNAL://127.0.0.1:20,CONTROLLER://127.0.0.1:22"
    assert settings["advertised.listeners"] == "INTERNAL://127.0.0.1:21,EXTERNAL://localhost:20"
    assert settings["controller.quorum.voters"] == "0@127.0.0.1:12,1@127.0.0.1:22,2@127.0.0.1:32"
    assert settings["log.dirs"] == (tmp_path / "kafka-1" / "data").as_posix()
