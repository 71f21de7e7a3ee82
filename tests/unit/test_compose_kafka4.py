"""docker-compose.kafka4.yml: the broker of docker-compose.yml in a newer version, with data of its own."""

import base64

import pytest
import yaml

from brokers import containers, jars
from brokers.compose import SINGLE, SINGLE_OF_4, cluster, server_properties
from brokers.jars import CURRENT, LESSONS
from tests.unit.test_compose import seconds

COMPOSE = yaml.safe_load(SINGLE_OF_4.file.read_text(encoding="utf-8"))
OLD = yaml.safe_load(SINGLE.file.read_text(encoding="utf-8"))
KAFKA = COMPOSE["services"]["kafka"]
ONLY_OF_4 = ("group.consumer.", "group.share.", "share.coordinator.")


def test_the_image_is_of_the_version_of_the_jars():
    assert KAFKA["image"] == SINGLE_OF_4.image == f"apache/kafka:{jars.kafka_version(CURRENT)}"


def test_the_variable_for_the_other_image_does_not_choose_this_one(monkeypatch):
    monkeypatch.setattr("settings.KAFKA_IMAGE", "mine/kafka:3.7")
    assert SINGLE.image == "mine/kafka:3.7"
    assert SINGLE_OF_4.image == KAFKA["image"]


def test_names_and_ports_are_the_same():
    old = OLD["services"]["kafka"]
    assert set(COMPOSE["services"]) == {"kafka", "kafdrop"}  # the programs in containers are beside the faithful 3.7
    assert (KAFKA["container_name"], KAFKA["ports"]) == (old["container_name"], old["ports"])
    assert KAFKA["ports"] == ["127.0.0.1:9092:9092"]
    assert SINGLE_OF_4.ports == SINGLE.ports
    assert COMPOSE["services"]["kafdrop"] == OLD["services"]["kafdrop"]


def test_the_settings_are_the_same_except_for_new_ones():
    new = {name: value for name, value in SINGLE_OF_4.settings.items() if not name.startswith(ONLY_OF_4)}
    assert new.pop("log.dirs") == "/var/lib/kafka/data"
    assert "cluster.id" not in new
    assert new == SINGLE.settings


@pytest.mark.parametrize("kind", ["consumer", "share"])
def test_a_silent_member_is_removed_as_soon_as_with_the_old_protocol(kind):
    settings = SINGLE_OF_4.settings
    for name, value in {"session.timeout": "6000", "heartbeat.interval": "500"}.items():
        # Kafka refuses to start with a value below its own minimum.
        assert settings[f"group.{kind}.{name}.ms"] == settings[f"group.{kind}.min.{name}.ms"] == value


def test_the_topic_of_share_groups_fits_on_one_broker():
    settings = SINGLE_OF_4.settings
    assert settings["share.coordinator.state.topic.replication.factor"] == "1"
    assert settings["share.coordinator.state.topic.min.isr"] == "1"


def test_the_data_is_in_a_volume_of_a_separate_project():
    assert containers.PROJECTS[SINGLE_OF_4.file.name] == COMPOSE["name"]
    assert len({*containers.PROJECTS.values()}) == len(containers.PROJECTS)
    (volume,) = KAFKA["volumes"]
    name, _, path = volume.partition(":")
    assert name in COMPOSE["volumes"]
    assert path == SINGLE_OF_4.settings["log.dirs"]


def test_no_cluster_id_is_used_twice():
    of_3, of_4 = ({SINGLE.cluster_id, *(one.cluster_id for one in cluster(LESSONS))}, {SINGLE_OF_4.cluster_id})
    of_4 |= {one.cluster_id for one in cluster(CURRENT)}
    assert not of_3 & of_4
    for cluster_id in of_4:  # Kafka takes 16 bytes, in URL-safe Base64
        assert base64.urlsafe_b64encode(base64.urlsafe_b64decode(f"{cluster_id}==")).decode() == f"{cluster_id}=="
        assert len(cluster_id) == 22


def test_health_is_the_brokers_own_answer_and_the_check_is_patient():
    check = KAFKA["healthcheck"]
    assert "/opt/kafka/bin/kafka-topics.sh --bootstrap-server localhost:9092" in check["test"][-1]
    assert seconds(check["timeout"]) >= 10
    assert seconds(check["start_period"]) + check["retries"] * seconds(check["interval"]) >= 120


def test_environment_is_a_mapping_of_strings():
    assert all(isinstance(value, str) for value in KAFKA["environment"].values())


def test_the_local_brokers_have_these_settings_on_loopback(tmp_path):
    properties = server_properties(tmp_path, service=SINGLE_OF_4)
    assert properties["listeners"].startswith("INTERNAL://127.0.0.1:29092,EXTERNAL://127.0.0.1:9092")
    assert properties["log.dirs"] == tmp_path.as_posix()
    assert not {name for name in properties if "heap" in name or name.startswith("cluster")}
    for service in cluster(CURRENT):
        node = server_properties(tmp_path, service=service)
        assert node["group.consumer.session.timeout.ms"] == "6000"
        assert node["default.replication.factor"] == "3"
        assert not any(name.startswith("share.coordinator") for name in node), "three copies, as by default"
