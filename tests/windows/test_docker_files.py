"""start_kafka.bat, create_likes_topic.bat and stop_kafka.bat, with and without a Python that explains failures."""

import pytest

from tests.scheduling import rest_repeats
from tests.windows.shell import copy_project

FILES = ["stop_kafka.bat", "start_kafka.bat", "create_likes_topic.bat"]
UPS = ["compose up -d --wait kafka", "compose up -d --no-deps kafdrop"]
RUNS = "ps -q --filter name=kafka --filter label=com.docker.compose.project=hands-on-kafka{}"
RUNNING = [{"to": RUNS.format("-4"), "says": ""}, {"to": RUNS.format(""), "says": "5f3a9c"}]
TOPICS = "exec kafka {} --bootstrap-server localhost:9092 --topic likes"
TOOL, TOOL_OF_4 = "kafka-topics.sh", "/opt/kafka/bin/kafka-topics.sh"


def describing(partitions: int, tool: str = TOOL) -> dict:
    """What kafka-topics.sh --describe prints."""
    lines = [f"Topic: likes\tTopicId: 3mQ\tPartitionCount: {partitions}\tReplicationFactor: 1\tConfigs: "]
    lines += [f"\tTopic: likes\tPartition: {n}\tLeader: 0\tReplicas: 0\tIsr: 0" for n in range(partitions)]
    return {"to": f"{TOPICS.format(tool)} --describe", "says": "\n".join(lines)}


@pytest.mark.parametrize("name", rest_repeats(["Zoë & Müller (copy)", "hey! ^up"]))
def test_start_kafka_from_any_folder(shell, docker, tmp_path, name):
    project = copy_project(tmp_path / name)
    result = shell.run(project / "start_kafka.bat", path=[docker.folder], cwd=tmp_path)
    assert result.code == 0, result.output
    # Only Kafka is waited for: Kafdrop takes half a minute more, and nothing needs it.
    assert docker.calls() == UPS
    assert {entry["folder"] for entry in docker.log()} == {shell.windows_path(project)}
    for expected in ("Kafka is ready:  localhost:9092", "http://localhost:9000", "Next:  create_likes_topic.bat"):
        assert expected in result.output
    docker.play({"to": UPS[1], "code": 1, "says": "port is already allocated"})
    result = shell.run(project / "start_kafka.bat", path=[docker.folder])
    assert result.code == 0
    assert "already allocated\r\nKafdrop was not started" in result.output


def test_a_failure_is_told_in_dockers_words_and_explained_where_there_is_a_python(shell, project, docker):
    says = "dependency failed to start: container kafka is unhealthy"
    docker.play({"to": "compose up", "code": 1, "says": says})
    chain = project / "chain.bat"
    chain.write_bytes(b'@cmd /d /c "start_kafka.bat && echo it went on"\r\n')
    for python, explanation in ((shell.interpreter.parent, "  -> docker compose logs kafka"), (project, "")):
        result = shell.run(chain, path=[docker.folder, python])
        assert says in result.output
        assert explanation in result.output
        assert ("->" in result.output) == bool(explanation)
        assert "it went on" not in result.output
    assert docker.calls("compose up") == UPS[:1] * 2


def test_create_topic_twice(shell, project, docker):
    docker.play(*RUNNING, describing(3))
    for _ in range(2):
        result = shell.run(project / "create_likes_topic.bat", path=[docker.folder], cwd=shell.folder)
        assert result.code == 0, result.output
        assert "PartitionCount: 3" in result.output
        assert "Partition: 2\t" in result.output
        assert "Next:  start_apps.bat" in result.output
    create = f"{TOPICS.format(TOOL)} --create --if-not-exists --partitions 3 --replication-factor 1"
    assert docker.calls("exec").count(create) == 2
    docker.play({"to": RUNS.format("-4"), "says": "77"}, describing(3, TOOL_OF_4))
    assert shell.run(project / "create_likes_topic.bat", path=[docker.folder]).code == 0


@pytest.mark.parametrize("partitions", rest_repeats([1, 4]))
def test_topic_with_another_number_of_partitions(shell, project, docker, partitions):
    docker.play(*RUNNING, describing(partitions))
    result = shell.run(project / "create_likes_topic.bat", path=[docker.folder])
    assert (result.code, f"docker {TOPICS.format(TOOL)} --delete" in result.output) == (1, True), result.output
    assert not any("--delete" in call for call in docker.calls("exec"))


def test_create_topic_in_a_container_of_another_project(shell, project, docker):
    docker.play({"to": "ps -q --filter name=kafka --filter label", "says": ""}, {"to": "ps", "says": "kafka"})
    result = shell.run(project / "create_likes_topic.bat", path=[docker.folder])
    assert result.code == 1
    assert "or it is another project's. First:  start_kafka.bat" in result.output
    assert docker.calls("exec") == []


def test_stop_kafka_keeps_the_events(shell, project, docker, tmp_path):
    result = shell.run(project / "stop_kafka.bat", path=[docker.folder], cwd=tmp_path)
    assert result.code == 0, result.output
    assert docker.calls()[-1] == "compose down"
    assert "docker compose down -v" in result.output
    docker.play({"to": "info", "code": 1})
    assert shell.run(project / "stop_kafka.bat", path=[docker.folder]).code == 0  # nothing runs then


@pytest.mark.parametrize("name", rest_repeats(FILES))
def test_stop_kafka_stops_nothing_from_a_folder_that_is_not_the_project_s(shell, project, docker, tmp_path, name):
    # Inside a ZIP, Explorer unpacks only the file that is double-clicked, into a folder of its own.
    other = tmp_path / "other"
    other.mkdir()
    (project / name).rename(other / name)
    (tmp_path / "docker-compose.yml").write_text("services: {}\n")  # compose looks in the folders above, too
    result = shell.run(other / name, path=[docker.folder])
    assert result.code == 1
    assert "docker-compose.yml is missing in this folder" in result.output
    assert docker.calls("") == []


@pytest.mark.parametrize("python", [True, *rest_repeats([False])])
def test_the_compose_file_of_another_project_is_not_followed(shell, project, docker, python):
    foreign = {"COMPOSE_FILE": "other.yml", "COMPOSE_PROJECT_NAME": "other", "COMPOSE_PROFILES": "x"}
    path = [docker.folder, *([shell.interpreter.parent] if python else [])]
    for name in ("start_kafka.bat", "stop_kafka.bat"):
        assert shell.run(project / name, path=path, **foreign).code == 0
    settings = {name for entry in docker.log() if entry["call"].startswith("compose ") for name in entry["settings"]}
    assert settings <= {"KAFDROP_PORT"}


@pytest.mark.parametrize("name", rest_repeats([*FILES, "start_apps.bat", "stop_apps.bat"]))
def test_a_file_whose_folder_cannot_be_reached_ends_and_a_double_click_waits(shell, project, docker, name):
    text = (project / name).read_bytes()
    (project / name).write_bytes(text.replace(b'pushd "%~dp0"', b'pushd "%~dp0gone"'))
    explorer = f'cmd.exe /c ""{shell.windows_path(project / name)}" "'  # as a double-click starts it
    result = shell.run(project / name, path=[docker.folder], CMDCMDLINE=explorer)
    assert result.code == 1
    assert "ress any key" in result.output
    assert "ress any key" not in shell.run(project / name, path=[docker.folder]).output
    assert docker.calls("") == []
