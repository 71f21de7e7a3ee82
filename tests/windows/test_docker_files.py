"""start_kafka.bat, create_likes_topic.bat and stop_kafka.bat, with a Docker that plays each failure."""

import pytest

from brokers import containers
from tests.scheduling import rest_repeats
from tests.windows.shell import copy_project

FOLDERS = ["plain", "with a blank", "Tom & Jerry (copy)", "Zoë Müller", "hey! ^up"]

TOPICS = "exec kafka kafka-topics.sh --bootstrap-server localhost:9092 --topic likes"

# What Docker says -> what our line has to say.
FAILURES = {
    "pull refused": (
        "Error response from daemon: pull access denied for bitnami/kafka, repository does not exist or may require "
        "'docker login'",
        ["could not download", "set KAFKA_IMAGE=", "python run.py"],
    ),
    "image gone": (
        "Error response from daemon: manifest for bitnamilegacy/kafka:3.7 not found: manifest unknown",
        ["could not download"],
    ),
    "no network": (
        'Error response from daemon: Get "https://example.com/v2/": dial tcp: lookup example.com: no such host',
        ["could not download", "network"],
    ),
    "port taken, Docker Desktop": (
        "Error response from daemon: Ports are not available: exposing port TCP 127.0.0.1:9092 -> 0.0.0.0:0: listen "
        "tcp 127.0.0.1:9092: bind: Only one usage of each socket address is normally permitted.",
        ["uses port 9092", "netstat -ano | findstr"],
    ),
    "port reserved": (
        "Error response from daemon: Ports are not available: exposing port TCP 127.0.0.1:9092 -> 127.0.0.1:0: listen "
        "tcp 127.0.0.1:9092: bind: An attempt was made to access a socket in a way forbidden by its access "
        "permissions.",
        ["Windows has reserved port 9092", "excludedportrange", "net stop winnat"],
    ),
    "disk full": (
        "failed to register layer: write /opt/bitnami/kafka/libs/rocksdbjni.jar: no space left on device; pull failed",
        ["The disk is full", "docker image prune"],
    ),
    "port taken, Docker Engine": (
        "Error response from daemon: Bind for 127.0.0.1:9092 failed: port is already allocated",
        ["uses port 9092"],
    ),
    "name taken": (
        'Error response from daemon: Conflict. The container name "/kafka" is already in use by container "5f3a". '
        "You have to remove (or rename) that container to be able to reuse that name.",
        ["docker rename kafka kafka-old"],
    ),
    "container unhealthy": (
        "dependency failed to start: container kafka is unhealthy",
        ["last lines of kafka", "does not answer", "stop_kafka.bat", "docker compose down -v"],
    ),
    "Windows containers": (
        "no matching manifest for windows/amd64 10.0.26100 in the manifest list entries",
        ["Switch to Linux containers"],
    ),
    "something new": ("the whale has hiccups", ["the reason is above", "docker compose ps -a"]),
}

PORT_TAKEN = ["Port 9000 is taken", "set KAFDROP_PORT=19000"]
FAILURES_OF_KAFDROP = {
    "port taken, Docker Desktop": (FAILURES["port taken, Docker Desktop"][0].replace("9092", "9000"), PORT_TAKEN),
    "port reserved": (FAILURES["port reserved"][0].replace("9092", "9000"), PORT_TAKEN),
    "port taken, Docker Engine": (FAILURES["port taken, Docker Engine"][0].replace("9092", "9000"), PORT_TAKEN),
    "name taken": (FAILURES["name taken"][0].replace("/kafka", "/kafdrop"), ["docker rename kafdrop kafdrop-old"]),
    "something new": ("the whale has hiccups", []),
}


def description(partitions):
    """What kafka-topics.sh --describe prints."""
    first = f"Topic: likes\tTopicId: 3mQ\tPartitionCount: {partitions}\tReplicationFactor: 1\tConfigs: "
    lines = [f"\tTopic: likes\tPartition: {n}\tLeader: 0\tReplicas: 0\tIsr: 0" for n in range(partitions)]
    return "\n".join([first, *lines])


def commands(docker):
    return [call["call"] for call in docker.calls()]


@pytest.mark.parametrize("name", rest_repeats(FOLDERS))
def test_start_kafka_from_any_folder(shell, docker, tmp_path, name):
    project = copy_project(tmp_path / name)
    result = shell.run(project / "start_kafka.bat", path=[docker.folder], cwd=tmp_path)
    assert result.code == 0, result.output
    ups = [call for call in docker.calls() if call["call"].startswith("compose up")]
    # Only Kafka is waited for: Kafdrop takes half a minute more, and nothing needs it.
    assert [call["call"] for call in ups] == ["compose up -d --wait kafka", "compose up -d --no-deps kafdrop"]
    assert {call["folder"] for call in ups} == {shell.windows_path(project)}
    for expected in ("Kafka is ready:  localhost:9092", "http://localhost:9000", "Next:  create_likes_topic.bat"):
        assert expected in result.output


@pytest.mark.repeats
@pytest.mark.parametrize("shim", ["docker.bat", "docker.cmd"])
def test_docker_may_be_a_batch_file(shell, project, docker, shim):
    named = [f"ps --filter name=^/kafka${more}" for more in (" --filter label", " --format")]
    answers = [{"to": one, "says": "named kafka"} for one in named]
    docker.play(answers=[*answers, {"to": f"{TOPICS} --describe", "says": description(3)}])
    path = [docker.behind_batch_file(shell, shim)]
    for name, last in {
        "start_kafka.bat": "Next:  create_likes_topic.bat",
        "create_likes_topic.bat": "Next:  start_apps.bat",
        "stop_kafka.bat": "To wipe them:  docker compose down -v",
    }.items():
        result = shell.run(project / name, path=path)
        assert (result.code, result.output.splitlines()[-1]) == (0, last), result.output
    assert all(any(command.startswith(one) for command in commands(docker)) for one in named)
    docker.play(answers=[{"to": "compose up", "code": 1, "says": "no such host"}, {"to": "compose down", "code": 1}])
    for name in ("start_kafka.bat", "stop_kafka.bat"):
        assert shell.run(project / name, path=path).code == 1


def test_run_py_starts_a_docker_that_is_a_batch_file(shell, project, docker):
    docker.play(answers=[{"to": "info", "says": "linux"}])
    path = ";".join([shell.windows_path(docker.behind_batch_file(shell, "docker.bat")), *shell.system_path()])
    code = "from brokers import containers, docker; print([docker.engine_problem(), containers.of_others()])"
    assert shell.python(f"import os; os.environ['PATH'] = {path!r}; {code}", project) == "['', []]"
    filters = " ".join(f"--filter=name=/{name}$" for name in containers.NAMES)  # cmd.exe takes the ^: no harm
    assert commands(docker)[-1] == f"ps --all {filters} --format {{{{json .}}}}"


@pytest.mark.repeats
@pytest.mark.parametrize("name", ["start_kafka.bat", "create_likes_topic.bat"])
def test_docker_missing(shell, project, name):
    result = shell.run(project / name)
    assert result.code == 1
    assert "Docker is not installed" in result.output
    assert "python run.py" in result.output


@pytest.mark.repeats
@pytest.mark.parametrize("name", ["start_kafka.bat", "create_likes_topic.bat"])
def test_engine_stopped(shell, project, docker, name):
    docker.play(
        answers=[{"to": "info", "code": 1, "says": "error during connect: open //./pipe/dockerDesktopLinuxEngine"}]
    )
    result = shell.run(project / name, path=[docker.folder])
    assert result.code == 1
    assert "not running" in result.output
    assert "Open Docker Desktop" in result.output


@pytest.mark.repeats
def test_compose_missing(shell, project, docker):
    docker.play(answers=[{"to": "compose", "code": 1, "says": "docker: 'compose' is not a docker command."}])
    result = shell.run(project / "start_kafka.bat", path=[docker.folder])
    assert result.code == 1
    assert "Update Docker Desktop" in result.output


@pytest.mark.repeats
@pytest.mark.parametrize("failure", FAILURES)
def test_start_kafka_says_what_to_do(shell, project, docker, failure):
    says, expected = FAILURES[failure]
    logs = {"to": "compose logs", "says": "last lines of kafka"}
    docker.play(answers=[{"to": "compose up", "code": 1, "says": says}, logs])
    result = shell.run(project / "start_kafka.bat", path=[docker.folder])
    assert result.code == 1
    assert says in result.output  # Docker's own words, first
    for words in expected:
        assert words in result.output
    assert "Kafka is ready" not in result.output


@pytest.mark.repeats
@pytest.mark.parametrize("failure", FAILURES_OF_KAFDROP)
def test_start_kafka_does_without_kafdrop(shell, project, docker, failure):
    says, expected = FAILURES_OF_KAFDROP[failure]
    docker.play(answers=[{"to": "compose up -d --no-deps kafdrop", "code": 1, "says": says}])
    result = shell.run(project / "start_kafka.bat", path=[docker.folder])
    assert result.code == 0
    for words in ("Kafka is ready", says, "Kafdrop was not started", "Next:  create_likes_topic.bat", *expected):
        assert words in result.output
    assert "http://localhost:9000" not in result.output


@pytest.mark.repeats
def test_start_kafka_names_the_port_of_kafdrop(shell, project, docker):
    result = shell.run(project / "start_kafka.bat", path=[docker.folder], KAFDROP_PORT="19000")
    assert "Kafdrop is ready in about half a minute:  http://localhost:19000" in result.output


@pytest.mark.repeats
@pytest.mark.parametrize(
    ("failure", "wrong"), [("port reserved", "Another program"), ("disk full", "Check the network")]
)
def test_start_kafka_blames_no_other(shell, project, docker, failure, wrong):
    docker.play(answers=[{"to": "compose up", "code": 1, "says": FAILURES[failure][0]}])
    assert wrong not in shell.run(project / "start_kafka.bat", path=[docker.folder]).output


@pytest.mark.repeats
def test_windows_containers_are_seen_before_anything_is_started(shell, project, docker):
    docker.play(answers=[{"to": "info --format {{.OSType}}", "says": "windows"}])
    result = shell.run(project / "start_kafka.bat", path=[docker.folder])
    assert result.code == 1
    assert "Switch to Linux containers" in result.output
    assert not any(command.startswith("compose up") for command in commands(docker))


@pytest.mark.repeats
def test_a_reserved_port_is_given_back_by_windows(shell, project):
    code = "from brokers.ports import PortHolder; print(PortHolder(reserved=True).how_to_end)"
    assert shell.python(code, project).startswith("as administrator: net stop winnat, then net start winnat")


@pytest.mark.repeats
def test_start_kafka_succeeds_at_the_second_attempt(shell, project, docker):
    docker.play(answers=[{"to": "compose up", "code": 1, "says": "TLS handshake timeout", "times": 1}])
    result = shell.run(project / "start_kafka.bat", path=[docker.folder])
    assert result.code == 0, result.output
    assert "Kafka is ready" in result.output


@pytest.mark.repeats
@pytest.mark.parametrize("name", ["start_kafka.bat", "start_apps.bat"])
def test_started_inside_a_zip(shell, tmp_path, docker, name):
    # Explorer unpacks only the file that is double-clicked, into a folder of its own.
    project = copy_project(tmp_path / "project")
    alone = tmp_path / "Temp1_hands-on-kafka.zip"
    alone.mkdir()
    (project / name).rename(alone / name)
    result = shell.run(alone / name, path=[docker.folder])
    assert result.code == 1
    assert "Extract all" in result.output
    assert docker.calls() == []


def test_create_topic_twice(shell, project, docker):
    docker.play(answers=[{"to": f"{TOPICS} --describe", "says": description(3)}])
    for _ in range(2):
        result = shell.run(project / "create_likes_topic.bat", path=[docker.folder], cwd=shell.folder)
        assert result.code == 0, result.output
        assert "PartitionCount: 3" in result.output
        assert "Next:  start_apps.bat" in result.output
    create = f"{TOPICS} --create --if-not-exists --partitions 3 --replication-factor 1"
    assert commands(docker).count(create) == 2


@pytest.mark.repeats
@pytest.mark.parametrize("partitions", [1, 2, 4, 30])
def test_topic_with_another_number_of_partitions(shell, project, docker, partitions):
    docker.play(answers=[{"to": f"{TOPICS} --describe", "says": description(partitions)}])
    result = shell.run(project / "create_likes_topic.bat", path=[docker.folder])
    assert result.code == 1
    assert f"PartitionCount: {partitions}" in result.output
    assert f"docker {TOPICS} --delete" in result.output
    assert not any("--delete" in command for command in commands(docker))


@pytest.mark.repeats
def test_create_topic_without_kafka(shell, project, docker):
    docker.play(answers=[{"to": "exec", "code": 1, "says": "Error response from daemon: No such container: kafka"}])
    result = shell.run(project / "create_likes_topic.bat", path=[docker.folder])
    assert result.code == 1
    assert "First:  start_kafka.bat" in result.output


def test_create_topic_in_a_container_of_another_project(shell, project, docker):
    name = "ps --filter name=^/kafka$"
    docker.play(answers=[{"to": f"{name} --filter", "says": ""}, {"to": name, "says": "named kafka"}])
    result = shell.run(project / "create_likes_topic.bat", path=[docker.folder])
    assert result.code == 1
    assert "belongs to another project" in result.output
    assert "docker rename kafka kafka-old" in result.output
    assert not any("kafka-topics.sh" in command for command in commands(docker))


@pytest.mark.repeats
def test_create_topic_in_our_container(shell, project, docker):
    docker.play(
        answers=[
            {"to": "ps --filter", "says": "named kafka"},
            {"to": f"{TOPICS} --describe", "says": description(3)},
        ]
    )
    result = shell.run(project / "create_likes_topic.bat", path=[docker.folder])
    assert result.code == 0, result.output
    ours = "ps --filter name=^/kafka$ --filter label=com.docker.compose.project=hands-on-kafka"
    assert any(command.startswith(ours) for command in commands(docker))


@pytest.mark.repeats
def test_create_topic_refused(shell, project, docker):
    docker.play(answers=[{"to": f"{TOPICS} --create", "code": 1, "says": "Timed out waiting for a node assignment"}])
    result = shell.run(project / "create_likes_topic.bat", path=[docker.folder])
    assert result.code == 1
    assert "Timed out" in result.output
    assert "did not create the topic" in result.output


@pytest.mark.repeats
@pytest.mark.parametrize("name", ["start_kafka.bat", "create_likes_topic.bat", "start_apps.bat"])
def test_window_of_a_double_click_waits(shell, project, name):
    # Without Docker and Python all of them fail, and a learner wants to read why.
    assert "ress any key" in shell.double_click(project / name).output
    assert "ress any key" not in shell.run(project / name).output


@pytest.mark.repeats
def test_a_window_that_was_opened_with_win_r_does_not_wait(shell, project):
    for name in ("start_kafka.bat", "create_likes_topic.bat", "stop_kafka.bat"):
        opened = r'"C:\Windows\system32\cmd.exe" '
        assert "ress any key" not in shell.run(project / name, CMDCMDLINE=opened).output


def test_batch_files_have_windows_line_ends_and_plain_letters(project):
    for file in project.glob("*.bat"):
        content = file.read_bytes()
        assert content.count(b"\r\n") == content.count(b"\n"), file.name
        assert content.isascii(), file.name  # each code page shows another letter
