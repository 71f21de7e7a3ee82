"""What the compose files say beyond the settings of the brokers, which each local broker proves when it runs with them:
names, images, ports, volumes, health, the programs in containers. And .devcontainer: for VS Code and Codespaces."""

import json
import os
import re
import subprocess
import sys

import pytest
import yaml

import settings
from brokers import compose, containers, jars, registry
from brokers.compose import SINGLE, SINGLE_OF_4, Service, server_properties
from brokers.jars import CURRENT, LESSONS
from launcher.cli import COMMANDS
from settings import ROOT
from tests.unit.test_environment import run

FILES = {file.name: yaml.safe_load(file.read_text(encoding="utf-8")) for file in ROOT.glob("docker-compose*.yml")}
OLD, NEW, CLUSTER = (FILES[f"docker-compose{name}.yml"] for name in ("", ".kafka4", ".cluster"))
THREE = compose.cluster()
BROKERS = [SINGLE, SINGLE_OF_4, *THREE]
PROGRAMS = {"producer": 5001, "consumer-1": 5002, "consumer-2": 5003, "consumer-3": 5004, "page": 8501}
APPS = ["computer", *PROGRAMS]
IMAGE = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
CONTAINER = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
LABELS = {int(port): of_port["label"] for port, of_port in CONTAINER["portsAttributes"].items()}

each_file = pytest.mark.parametrize("file", FILES.values(), ids=FILES)
each_broker = pytest.mark.parametrize("broker", BROKERS, ids=lambda broker: f"{broker.file.name}-{broker.name}")


def seconds(duration: str) -> int:
    return int(re.fullmatch(r"(\d+)s", duration)[1])


@each_file
def test_a_file_follows_the_compose_specification(file):
    # brokers/local.py reads the environment: YAML's own booleans and numbers would change on the way (false -> False).
    values = [value for service in file["services"].values() for value in service.get("environment", {}).values()]
    assert {type(value) for value in values} == {str}
    package = "check_jsonschema.builtin_schemas"
    schemas = pytest.importorskip(package, reason="python -m pip install -r requirements/dev.txt")
    from jsonschema import Draft7Validator

    validator = Draft7Validator(schemas.get_builtin_schema("vendor.compose-spec"))
    assert [error.message for error in validator.iter_errors(file)] == []
    assert "version" not in file  # Compose 2 warns about it


@each_file
def test_without_a_profile_brokers_and_kafdrop_start(file):
    started = {name for name, service in file["services"].items() if "profiles" not in service}
    assert started == {"kafdrop", *(broker.name for broker in BROKERS if file is FILES[broker.file.name])}


def test_containers_have_the_names_that_docker_exec_uses():
    assert [broker.description["container_name"] for broker in BROKERS] == [broker.name for broker in BROKERS]
    assert OLD["services"]["kafdrop"]["container_name"] == NEW["services"]["kafdrop"]["container_name"] == "kafdrop"


def test_the_images(monkeypatch):
    version = jars.kafka_version().rpartition(".")[0]
    assert OLD["services"]["kafka"]["image"] == f"${{KAFKA_IMAGE:-bitnamilegacy/kafka:{version}}}"
    assert {CLUSTER["services"][broker.name]["image"] for broker in THREE} == {OLD["services"]["kafka"]["image"]}
    assert NEW["services"]["kafka"]["image"] == SINGLE_OF_4.image == f"apache/kafka:{jars.kafka_version(CURRENT)}"
    assert OLD["services"]["registry"]["image"] == f"apicurio/apicurio-registry:{registry.VERSION}"
    assert {file["services"]["kafdrop"]["image"] for file in FILES.values()} == {"obsidiandynamics/kafdrop:4.2.0"}
    monkeypatch.setattr("settings.KAFKA_IMAGE", "mine/kafka:3.7")
    assert (SINGLE.image, SINGLE_OF_4.image) == ("mine/kafka:3.7", NEW["services"]["kafka"]["image"])


@each_broker
def test_a_broker_is_open_to_this_computer_only_and_advertised_there(broker: Service):
    port = broker.ports["EXTERNAL"]
    assert broker.description["ports"] == [f"127.0.0.1:{port}:{port}"]  # equal: it sends its clients there
    advertised = broker.settings["advertised.listeners"].split(",")
    assert advertised == [f"INTERNAL://{broker.name}:{broker.ports['INTERNAL']}", f"EXTERNAL://localhost:{port}"]
    voter = f"{broker.settings['node.id']}@{broker.name}:{broker.ports['CONTROLLER']}"
    assert voter in broker.settings["controller.quorum.voters"].split(",")


def test_each_of_three_brokers_has_its_own_ports_and_volume():
    ports = [port for broker in THREE for port in broker.ports.values()]
    assert len(ports) == len(set(ports)) == 9
    assert [broker.description["volumes"] for broker in THREE] == [[f"{b.name}-data:/bitnami/kafka"] for b in THREE]


@each_broker
def test_events_are_in_a_named_volume_of_a_separate_project(broker: Service):
    file = FILES[broker.file.name]
    (volume,) = broker.description["volumes"]
    name, _, path = volume.partition(":")
    assert name in file["volumes"]
    assert path == broker.settings.get("log.dirs", "/bitnami/kafka")
    assert containers.PROJECTS[broker.file.name] == file["name"]
    assert len({*containers.PROJECTS.values()}) == len(containers.PROJECTS)


def test_kafka_4_leaves_no_volume_without_a_name():
    """Its image declares three; what has none would get a new one at each start."""
    described = NEW["services"]["kafka"]
    covered = {*described["tmpfs"], *(volume.partition(":")[2] for volume in described["volumes"])}
    assert covered == {"/var/lib/kafka/data", "/etc/kafka/secrets", "/mnt/shared/config"}


def test_a_taken_port_of_kafdrop_keeps_no_program_from_starting():
    """`docker compose up` ends at it: it comes last."""
    assert OLD["services"]["kafdrop"]["depends_on"]["page"] == {"condition": "service_started", "required": False}


WORDS_OF_THE_PAGE = """
import requests, settings
from page.answer import explain
from page.labs.words import by_hand
from page.labs.checker import unanswered
from confluent_kafka import KafkaException, KafkaError
for error in (requests.Timeout(), requests.ConnectionError()):
    print(explain(error)["hint"])
for line in ("stop 1", "kill 3", "start 4", "kill kafka", "stop producer"):
    print(by_hand(line))
print(unanswered(KafkaException(KafkaError(KafkaError._TIMED_OUT)))["hint"])
print(settings.CREATE_TOPIC, settings.DIAGNOSE, sep="\\n")
"""


def test_what_the_page_names_in_a_container_is_there():
    environment = {**os.environ, "IN_CONTAINER": "1", "START_KAFKA": "docker compose start kafka"}
    command = [sys.executable, "-c", WORDS_OF_THE_PAGE]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert "terminal of run.py" not in done.stdout
    assert "python producer.py" not in done.stdout
    named = re.findall(r"docker compose (?:start|stop|kill|logs|restart) ([\w-]+)", done.stdout)
    assert {*named} == {"producer", "consumer-1", "consumer-3", "kafka", "computer"}


def test_no_cluster_id_is_used_by_two_versions():
    assert not compose.cluster_ids(LESSONS) & compose.cluster_ids(CURRENT)


@pytest.mark.parametrize(
    ("brokers", "settings"),
    [
        ([SINGLE, *THREE], {"group.initial.rebalance.delay.ms": "0", "auto.create.topics.enable": "false"}),
        (THREE, {"default.replication.factor": "3", "offsets.topic.replication.factor": "3"}),
        (THREE, {"min.insync.replicas": "2"}),
        ([SINGLE_OF_4], {f"group.{kind}.session.timeout.ms": "6000" for kind in ("consumer", "share")}),
        ([SINGLE_OF_4], {f"group.{kind}.heartbeat.interval.ms": "500" for kind in ("consumer", "share")}),
    ],
)
def test_settings_that_a_broker_would_also_run_without(brokers, settings):
    assert all(broker.settings.items() >= settings.items() for broker in brokers)


def test_the_settings_of_kafka_4_are_those_of_3_except_for_new_ones():
    only_of_4 = ("group.consumer.", "group.share.", "share.coordinator.", "log.dirs")
    assert {n: value for n, value in SINGLE_OF_4.settings.items() if not n.startswith(only_of_4)} == SINGLE.settings


def test_three_brokers_of_kafka_4_keep_three_copies_as_by_default(tmp_path):
    for service in compose.cluster(CURRENT):
        node = server_properties(tmp_path, service=service)
        assert node["group.consumer.session.timeout.ms"] == "6000"
        assert node["default.replication.factor"] == "3"
        assert not any(name.startswith("share.coordinator") for name in node)


@each_broker
def test_health_of_a_broker_is_its_own_answer(broker: Service):
    asked = broker.settings["advertised.listeners"].split(",")[broker not in THREE]
    check = broker.description["healthcheck"]["test"][-1].replace("\n", " ")
    # Of three in containers, localhost is where the others are not.
    assert f"kafka-topics.sh --bootstrap-server {asked.partition('://')[2]} " in check
    assert f"localhost/{broker.ports['EXTERNAL']} " in check


@each_file
def test_health_checks_are_patient(file):
    for name, service in file["services"].items():
        if "profiles" in service or name == "kafdrop":
            continue
        check = service["healthcheck"]
        assert seconds(check["timeout"]) >= 10  # kafka-topics.sh alone takes up to 6 s
        assert seconds(check["start_period"]) + check["retries"] * seconds(check["interval"]) >= 120
        assert "start_interval" not in check  # needs Docker Engine 25


@each_file
def test_kafdrop_is_for_its_own_page_only_and_changes_no_topic(file):
    # By default it lets every website read and delete: Access-Control-Allow-Origin: *
    kafdrop = file["services"]["kafdrop"]
    (port,) = kafdrop["ports"]
    assert re.sub(r"\$\{\w+:-(.*?)\}", r"\1", port) == "127.0.0.1:9000:9000", "where no variable is set"
    origin = f"http://localhost:{port.removeprefix('127.0.0.1:').removesuffix(':9000')}"
    options = ["--topic.deleteEnabled=false", "--topic.createEnabled=false", f"--cors.allowOrigins={origin}"]
    assert kafdrop["environment"]["CMD_ARGS"].split() == options


@each_file
def test_kafdrop_asks_the_internal_listeners_of_healthy_brokers_and_nothing_waits_for_it(file):
    kafdrop = file["services"]["kafdrop"]
    brokers = [broker for broker in BROKERS if file is FILES[broker.file.name]]
    internal = {f"{broker.name}:{broker.ports['INTERNAL']}" for broker in brokers}
    assert {*kafdrop["environment"]["KAFKA_BROKERCONNECT"].split(",")} <= internal
    needed = [one["condition"] for one in kafdrop["depends_on"].values() if one.get("required", True)]
    assert needed == ["service_healthy"] * len(brokers)
    assert "healthcheck" not in kafdrop  # `up --wait` fails if one service is unhealthy
    assert not any("kafdrop" in service.get("depends_on", ()) for service in file["services"].values())


def test_the_registry_is_where_its_clients_look_open_to_this_computer_only():
    described = OLD["services"]["registry"]
    assert described["ports"] == [f"127.0.0.1:{registry.PORT}:8080"]
    assert {f"labs-schemas{what}" for what in ("", "-snapshots", "-events")} <= {*described["environment"].values()}


def test_the_profile_apps_has_the_five_programs_and_what_they_share():
    apps = {name: service for name, service in OLD["services"].items() if service.get("profiles") == ["apps"]}
    assert apps.keys() == {*APPS}
    assert apps["computer"]["ports"] == [f"127.0.0.1:{port}:{port}" for port in PROGRAMS.values()]
    for name, app in apps.items():
        assert app["image"] == "hands-on-kafka-apps", name
        assert app["environment"]["NO_PROXY"] == app["environment"]["no_proxy"] == "*"
        assert app["environment"]["TZ"] == "${TZ:-UTC}"
        # Built once: each service with `build` has an image of its own.
        assert (app.get("build"), app.get("pull_policy")) == ((".", None) if name == "computer" else (None, "never"))
        assert f"INTERNAL://{app['environment']['KAFKA_BOOTSTRAP_SERVERS']}" in SINGLE.settings["advertised.listeners"]
        assert seconds(app["stop_grace_period"]) > 8, "launcher.programs.STOP_SECONDS"


@pytest.mark.parametrize(("name", "port"), PROGRAMS.items())
def test_a_program_is_on_the_network_that_outlives_it_and_its_health_is_its_own_answer(name, port):
    program = OLD["services"][name]
    assert program["network_mode"] == "service:computer"
    assert program["depends_on"] == {"computer": {"condition": "service_healthy", "restart": True}}
    assert "ports" not in program
    assert f"http://localhost:{port}/" in program["healthcheck"]["test"][-1]
    if "consumer" in name:  # the port that the page calls
        assert program["environment"].get("CONSUMER_PORT", "5002") == str(port)


def test_the_image_of_the_programs_has_the_locked_packages_and_another_user_than_root():
    (base,), (install,), users = (
        [line for line in IMAGE if line.startswith(word)] for word in ("FROM", "RUN pip install", "USER")
    )
    version = re.fullmatch(r"FROM python:(3\.\d+)-slim", base)[1]
    assert f'"{version}"' in (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"), "is tested"
    assert "--require-hashes" in install
    lock = re.search(r"--requirement (\S+)", install)[1]
    assert (ROOT / lock).exists()
    assert IMAGE.index(f"COPY {lock} requirements/") < IMAGE.index(install) < IMAGE.index("COPY . .")
    assert users == ["USER learner"]
    assert IMAGE.index("COPY . .") < IMAGE.index(users[0]), "what was copied belongs to root: it cannot be changed"


@pytest.mark.parametrize("path", [".git/HEAD", ".venv/bin/python", ".kafka/data", "tests/conftest.py"])
def test_what_the_programs_do_not_need_stays_outside_their_image(path):
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    first = path.partition("/")[0]
    assert first in ignored or (first.startswith(".") and ".*" in ignored)
    assert "!.streamlit" in ignored


def test_the_ports_of_a_codespace_are_those_of_the_programs_and_of_kafdrop():
    consumers = {settings.CONSUMER_PORT + number: f"Consumer {number + 1}" for number in range(3)}
    others = {settings.PAGE_PORT: "The page", settings.PRODUCER_PORT: "Producer", settings.KAFDROP_PORT: "Kafdrop"}
    assert consumers | others == LABELS
    assert sorted(CONTAINER["forwardPorts"]) == sorted(LABELS)


def test_a_codespace_gets_ready_and_then_starts_everything():
    assert CONTAINER["postCreateCommand"].removeprefix("python run.py ") in COMMANDS
    assert CONTAINER["postAttachCommand"] == "python run.py"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ""),
        ({"CODESPACE_NAME": "happy-fish-7x"}, "happy-fish-7x-8501.app.github.dev"),
        ({"CODESPACE_NAME": "a-1", "PAGE_PORT": "8600"}, "a-1-8600.app.github.dev"),
        ({"CODESPACE_NAME": "a-1", "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": "example.dev"}, "a-1-8501.example.dev"),
        ({"CODESPACE_NAME": "a-1", "ALLOWED_HOSTS": "mine.example"}, "mine.example a-1-8501.app.github.dev"),
    ],
)
def test_in_a_codespace_the_page_opens_under_its_forwarded_host(environment, expected):
    unset = dict.fromkeys(("ALLOWED_HOSTS", "CODESPACE_NAME", "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN"), "")
    done = run("-c", "import settings; print(*settings.ALLOWED_HOSTS)", **unset | environment)
    assert done.stdout.strip() == expected
