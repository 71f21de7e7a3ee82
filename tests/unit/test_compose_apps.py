"""The profile `apps` of docker-compose.yml: the programs in containers, from one image. tests/docker runs it."""

import re

import pytest
import yaml

from brokers.compose import COMPOSE_FILE, SINGLE
from settings import ROOT

SERVICES = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))["services"]
PROGRAMS = {"producer": 5001, "consumer-1": 5002, "consumer-2": 5003, "consumer-3": 5004, "page": 8501}
APPS = ["computer", *PROGRAMS]
LINES = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()


def test_the_profile_has_the_five_programs_and_what_they_share():
    assert {name for name, service in SERVICES.items() if service.get("profiles") == ["apps"]} == set(APPS)


def test_they_are_on_their_usual_ports_open_to_this_computer_only():
    assert SERVICES["computer"]["ports"] == [f"127.0.0.1:{port}:{port}" for port in PROGRAMS.values()]
    assert not [name for name in PROGRAMS if "ports" in SERVICES[name]]


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_on_the_network_that_outlives_it(name):
    assert SERVICES[name]["network_mode"] == "service:computer"
    assert SERVICES[name]["depends_on"] == {"computer": {"condition": "service_healthy"}}


@pytest.mark.parametrize("name", PROGRAMS)
def test_its_health_is_its_own_answer(name):
    assert f"http://localhost:{PROGRAMS[name]}/" in SERVICES[name]["healthcheck"]["test"][-1]


@pytest.mark.parametrize(("name", "port"), [(name, port) for name, port in PROGRAMS.items() if "consumer" in name])
def test_a_consumer_listens_on_the_port_that_the_page_calls(name, port):
    assert SERVICES[name]["environment"].get("CONSUMER_PORT", "5002") == str(port)


@pytest.mark.parametrize("name", APPS)
def test_inside_they_reach_the_broker_by_its_internal_listener(name):
    servers = SERVICES[name]["environment"]["KAFKA_BOOTSTRAP_SERVERS"]
    assert f"INTERNAL://{servers}" in SINGLE.settings["advertised.listeners"].split(",")


@pytest.mark.parametrize("name", APPS)
def test_it_has_time_to_stop(name):
    assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > 8  # launcher.programs.STOP_SECONDS


def test_all_are_one_image_that_is_built_here():
    assert {(SERVICES[name]["build"], SERVICES[name]["image"]) for name in APPS} == {(".", "hands-on-kafka-apps")}


def test_the_image_has_the_locked_packages():
    (install,) = [line for line in LINES if line.startswith("RUN pip install")]
    assert "--require-hashes" in install
    lock = re.search(r"--requirement (\S+)", install)[1]
    assert (ROOT / lock).exists()
    assert LINES.index(f"COPY {lock} requirements/") < LINES.index(install) < LINES.index("COPY . .")


def test_the_programs_do_not_run_as_root():
    users = [line for line in LINES if line.startswith("USER")]
    assert users == ["USER learner"]
    assert LINES.index("COPY . .") < LINES.index(users[0]), "what was copied belongs to root: it cannot be changed"


def test_the_python_of_the_image_is_one_that_is_tested():
    (base,) = [line for line in LINES if line.startswith("FROM")]
    version = re.fullmatch(r"FROM python:(3\.\d+)-slim", base)[1]
    assert f'"{version}"' in (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", [".git/HEAD", ".venv/bin/python", ".kafka/data", "tests/conftest.py"])
def test_what_the_programs_do_not_need_stays_outside(path):
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    first = path.partition("/")[0]
    assert first in ignored or (first.startswith(".") and ".*" in ignored)
    assert "!.streamlit" in ignored
