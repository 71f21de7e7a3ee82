"""docker-compose.yml holds what the lessons rely on: names, ports, listeners, volume, health checks."""

import base64
import re
from pathlib import Path

import pytest
import yaml

FILE = Path(__file__).parents[2] / "docker-compose.yml"


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def kafka(compose):
    return compose["services"]["kafka"]


@pytest.fixture(scope="module")
def kafdrop(compose):
    return compose["services"]["kafdrop"]


@pytest.fixture(scope="module")
def settings(kafka):
    """The broker's server.properties, by Bitnami's rule: KAFKA_CFG_X_Y becomes x.y."""
    prefix = "KAFKA_CFG_"
    environment = kafka["environment"].items()
    return {k[len(prefix) :].lower().replace("_", "."): v for k, v in environment if k.startswith(prefix)}


def seconds(duration: str) -> int:
    return int(re.fullmatch(r"(\d+)s", duration)[1])


def with_defaults(value: str) -> str:
    """The text with what it says where no variable is set: `9000` for `${KAFDROP_PORT:-9000}`."""
    return re.sub(r"\$\{\w+:-(.*?)\}", r"\1", value)


def listeners(value: str) -> dict[str, str]:
    """{"EXTERNAL": "localhost:9092", ...} from Kafka's way to write it."""
    return dict(listener.split("://") for listener in value.split(","))


def test_without_a_profile_file_has_two_services(compose):
    assert {name for name, service in compose["services"].items() if "profiles" not in service} == {"kafka", "kafdrop"}


def test_file_has_no_version(compose):
    assert "version" not in compose  # Compose 2 warns about it


def test_image_is_bitnamis_kafka_3_7_and_can_be_replaced(kafka):
    assert kafka["image"] == "${KAFKA_IMAGE:-bitnamilegacy/kafka:3.7}"


@pytest.mark.parametrize("name", ["kafka", "kafdrop"])
def test_containers_have_the_names_that_docker_exec_uses(compose, name):
    assert compose["services"][name]["container_name"] == name


def test_kafdrop_is_pinned_and_asks_the_internal_listener(kafdrop):
    assert kafdrop["image"] == "obsidiandynamics/kafdrop:4.2.0"
    assert kafdrop["environment"]["KAFKA_BROKERCONNECT"] == "kafka:29092"


@pytest.mark.parametrize("file", sorted(FILE.parent.glob("docker-compose*.yml")), ids=lambda file: file.name)
def test_kafdrop_is_for_its_own_page_only_and_changes_no_topic(file):
    # By default it lets every website read and delete: Access-Control-Allow-Origin: *
    kafdrop = yaml.safe_load(file.read_text(encoding="utf-8"))["services"]["kafdrop"]
    (port,) = kafdrop["ports"]
    origin = f"http://localhost:{port.removeprefix('127.0.0.1:').removesuffix(':9000')}"
    options = ["--topic.deleteEnabled=false", "--topic.createEnabled=false", f"--cors.allowOrigins={origin}"]
    assert kafdrop["environment"]["CMD_ARGS"].split() == options
    assert with_defaults(origin) == "http://localhost:9000"


@pytest.mark.parametrize(("name", "ports"), [("kafka", [9092]), ("kafdrop", [9000])])
def test_ports_are_open_to_this_computer_only(compose, name, ports):
    # Equal inside and outside: a broker's clients come back to the address that it advertises.
    published = [with_defaults(port) for port in compose["services"][name]["ports"]]
    assert published == [f"127.0.0.1:{port}:{port}" for port in ports]


def test_one_node_is_broker_and_controller(settings):
    assert settings["node.id"] == "0"
    assert set(settings["process.roles"].split(",")) == {"broker", "controller"}
    assert settings["controller.quorum.voters"] == "0@kafka:9093"


def test_listeners(settings):
    assert listeners(settings["listeners"]) == {
        "INTERNAL": ":29092",
        "EXTERNAL": ":9092",
        "CONTROLLER": ":9093",
    }
    # Kafka refuses to start when the controller's listener is advertised.
    assert listeners(settings["advertised.listeners"]) == {
        "INTERNAL": "kafka:29092",
        "EXTERNAL": "localhost:9092",
    }
    assert settings["inter.broker.listener.name"] == "INTERNAL"
    assert settings["controller.listener.names"] == "CONTROLLER"


def test_every_listener_has_a_protocol(settings):
    protocols = dict(pair.split(":") for pair in settings["listener.security.protocol.map"].split(","))
    assert protocols == dict.fromkeys(listeners(settings["listeners"]), "PLAINTEXT")


def test_cluster_id_is_16_bytes(kafka):
    cluster_id = kafka["environment"]["KAFKA_KRAFT_CLUSTER_ID"]
    assert len(cluster_id) == 22
    uuid = base64.urlsafe_b64decode(cluster_id + "==")
    assert base64.urlsafe_b64encode(uuid).decode() == cluster_id + "=="


def test_topics_are_not_created_by_accident(settings):
    assert settings["auto.create.topics.enable"] == "false"


@pytest.mark.parametrize(
    "name",
    [
        "offsets.topic.replication.factor",
        "transaction.state.log.replication.factor",
        "transaction.state.log.min.isr",
    ],
)
def test_kafkas_own_topics_fit_on_one_broker(settings, name):
    assert settings[name] == "1"


def test_the_first_assignment_does_not_wait(settings):
    assert settings["group.initial.rebalance.delay.ms"] == "0"


@pytest.mark.parametrize("name", ["kafka", "kafdrop"])
def test_environment_is_a_mapping_of_strings(compose, name):
    # brokers/local.py reads it, and YAML's own booleans and numbers would change on the way (false -> False).
    environment = compose["services"][name]["environment"]
    assert all(isinstance(value, str) for value in environment.values())


def test_events_are_in_a_named_volume(compose, kafka):
    (volume,) = kafka["volumes"]
    name, _, path = volume.partition(":")
    assert name in compose["volumes"]
    assert path == "/bitnami/kafka"


def test_kafdrop_waits_for_a_healthy_broker(kafdrop):
    assert kafdrop["depends_on"] == {"kafka": {"condition": "service_healthy"}}


def test_health_of_kafka_is_the_brokers_own_answer(kafka):
    assert "kafka-topics.sh --bootstrap-server localhost:9092" in kafka["healthcheck"]["test"][-1]


def test_health_of_kafdrop_needs_kafka(kafdrop):
    command = kafdrop["healthcheck"]["test"]
    assert command[:2] == ["CMD", "curl"]
    assert "actuator" not in command[-1]  # says UP even when Kafka is away


@pytest.mark.parametrize("name", ["kafka", "kafdrop"])
def test_health_checks_are_patient(compose, name):
    check = compose["services"][name]["healthcheck"]
    assert seconds(check["timeout"]) >= 10  # kafka-topics.sh alone takes up to 6 s
    patience = seconds(check["start_period"]) + check["retries"] * seconds(check["interval"])
    assert patience >= 120
    assert "start_interval" not in check  # needs Docker Engine 25


@pytest.mark.parametrize("file", sorted(FILE.parent.glob("docker-compose*.yml")), ids=lambda file: file.name)
def test_file_follows_the_compose_specification(file):
    package = "check_jsonschema.builtin_schemas"
    schemas = pytest.importorskip(package, reason="python -m pip install -r requirements/dev.txt")
    from jsonschema import Draft7Validator

    validator = Draft7Validator(schemas.get_builtin_schema("vendor.compose-spec"))
    assert [error.message for error in validator.iter_errors(yaml.safe_load(file.read_text("utf-8")))] == []
