"""`--kafka 4`: which broker is started, whose data it opens, and how a version is recognized."""

import pytest

from brokers import choose, java, local
from brokers.cluster import LocalCluster
from brokers.compose import SINGLE, SINGLE_OF_4
from brokers.containers import Container
from brokers.docker import DockerBroker, DockerBrokerOf4, why_it_failed
from brokers.jars import CURRENT, LESSONS
from brokers.local import LocalBroker
from brokers.ports import PortHolder
from brokers.secured import SecuredBroker
from labs import checks, kafka4, programs
from launcher import cli
from plumbing import Problem, version
from settings import ROOT
from tests import fake_docker as says
from tests.unit.deeds import Seen
from tests.unit.test_launcher import found_here

NO_CONTAINER = PortHolder(42, "something")


def container_of(project: str) -> PortHolder:
    return PortHolder(42, "docker-proxy", container=Container("kafka", "someone/kafka", project, "Up 2 hours"))


def test_the_option_may_stand_before_and_after_the_command():
    for words in (["--kafka", "4"], ["start", "--kafka", "4"], ["--kafka", "4", "start"]):
        assert cli.parse(words)[1].kafka == CURRENT
    assert cli.parse([])[1].kafka == LESSONS


def test_the_brokers_of_kafka_4(monkeypatch):
    found_here(monkeypatch)
    (broker,) = choose.candidates(kafka=CURRENT)
    assert type(broker) is LocalBroker
    assert broker.service == SINGLE_OF_4
    assert broker.folder == local.FOLDER / "4"
    (secured,) = choose.candidates("secured", kafka=CURRENT)
    assert type(secured) is SecuredBroker
    assert secured.folder == local.FOLDER / "4" / "secured"
    found_here(monkeypatch, docker="")
    assert [type(one) for one in choose.candidates(kafka=CURRENT)] == [DockerBrokerOf4, LocalBroker]
    assert [one.service.kafka for one in choose.candidates(kafka=CURRENT)[1:]] == [CURRENT]
    assert [type(one) for one in choose.candidates()] == [DockerBroker, LocalBroker]


def test_three_brokers_of_kafka_4_are_local(monkeypatch):
    found_here(monkeypatch, docker="")
    (cluster,) = choose.cluster_candidates(kafka=CURRENT)
    assert type(cluster) is LocalCluster
    assert [node.service.kafka for node in cluster.nodes] == [CURRENT] * 3
    assert [node.folder.parent for node in cluster.nodes] == [local.FOLDER / "4" / "cluster"] * 3
    with pytest.raises(Problem, match="without Docker only") as refused:
        choose.cluster_candidates("docker", kafka=CURRENT)
    assert refused.value.hint == "python run.py --kafka 4 --brokers 3"


@pytest.mark.parametrize("holder", [NO_CONTAINER, container_of("hands-on-kafka"), container_of("shop")])
def test_another_broker_that_runs_is_not_taken_for_4(monkeypatch, holder):
    found_here(monkeypatch, kafka=True, holder=holder, docker="")
    with pytest.raises(Problem, match=r"port 9092 is taken by .*, and Kafka 4 needs it") as refused:
        choose.candidates(kafka=CURRENT)
    assert refused.value.hint.endswith("then: python run.py --kafka 4")
    # Our own is taken away: stopped only, it would keep its name.
    assert ("(docker compose down)" in refused.value.hint) == (holder == container_of("hands-on-kafka"))


def test_a_running_container_of_kafka_4_is_used(monkeypatch):
    found_here(monkeypatch, kafka=True, holder=container_of("hands-on-kafka-4"), docker="")
    assert type(choose.candidates(kafka=CURRENT)[0]) is DockerBrokerOf4


def test_a_configured_broker_is_not_used_for_kafka_4(monkeypatch):
    found_here(monkeypatch, servers="broker-1:9092")
    with pytest.raises(Problem, match="names a broker already: broker-1:9092") as refused:
        choose.candidates(kafka=CURRENT)
    assert "unset" in refused.value.hint


def test_dockers_failures_with_kafka_4_name_its_file():
    failure = why_it_failed(says.DENIED, DockerBrokerOf4.file, DockerBrokerOf4.without)
    assert "check the image: docker-compose.kafka4.yml" in failure.hint
    assert "KAFKA_IMAGE" not in failure.hint
    assert failure.hint.endswith("or: python run.py --kafka 4 --broker local")


@pytest.mark.parametrize(("service", "written_by"), [(SINGLE_OF_4, SINGLE), (SINGLE, SINGLE_OF_4)])
def test_data_of_the_other_version_is_not_opened(monkeypatch, tmp_path, service, written_by):
    monkeypatch.setattr("brokers.jars.ensure", pytest.fail)
    monkeypatch.setattr("brokers.ports.port_holder", lambda _port: None)
    described = tmp_path / "data" / "meta.properties"
    described.parent.mkdir()
    described.write_text(f"version=1\ncluster.id={written_by.cluster_id}\n")
    with pytest.raises(Problem, match=f"was written by Kafka {written_by.kafka}: .* must not open it") as refused:
        LocalBroker(tmp_path, service=service).launch()
    assert "python run.py clean" in refused.value.hint
    assert [*tmp_path.rglob("*")] == [described.parent, described], "nothing was changed"


def test_a_tool_of_kafka_4_says_what_to_start_without_kafka_4(monkeypatch):
    start = "python run.py --kafka 4"
    for is_4, hint in ((False, f"end the broker (quit, in the terminal of run.py), then: {start}"), (None, start)):
        monkeypatch.setattr(version, "is_kafka_4", lambda _servers, is_4=is_4: is_4)
        with pytest.raises(Problem, match="kafka-groups is a command of Kafka 4") as refused:
            java.run_command("kafka-groups", ["--list"])
        assert refused.value.hint == hint


def test_a_lab_that_needs_kafka_4_says_how_to_start_it(monkeypatch):
    monkeypatch.setattr(kafka4, "is_kafka_4", lambda: False)
    with pytest.raises(Problem, match="needs Kafka 4") as refused:
        kafka4.need()
    of_4 = [path for path in programs() if path.startswith(("labs/lab_15_", "labs/lab_16_"))]
    assert [path for path in of_4 if "    kafka4.need()\n" not in (ROOT / path).read_text(encoding="utf-8")] == []
    goal = kafka4.missing()
    assert not goal.reached
    assert [[*checks.goals(lab, Seen())] for lab in kafka4.LABS] == [[goal], [goal]]
    assert refused.value.hint == goal.next
    assert goal.next.endswith("then: python run.py --kafka 4")
    monkeypatch.setattr(kafka4, "is_kafka_4", lambda: True)
    kafka4.need()
    assert kafka4.missing() is None
    monkeypatch.setattr(kafka4, "is_kafka_4", lambda: None)
    kafka4.need()  # each program reports by itself that no broker answers
    assert kafka4.missing() is None  # and so does the check
