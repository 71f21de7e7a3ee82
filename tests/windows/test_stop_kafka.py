"""stop_kafka.bat; and what neither it nor start_kafka.bat takes over: a foreign folder, another project's settings."""

import pytest

from tests.windows.test_docker_files import commands


def test_stop_kafka_keeps_the_events(shell, project, docker, tmp_path):
    result = shell.run(project / "stop_kafka.bat", path=[docker.folder], cwd=tmp_path)
    assert result.code == 0, result.output
    assert commands(docker)[-1] == "compose down"
    assert docker.calls()[-1]["folder"] == shell.windows_path(project)
    assert "docker compose down -v" in result.output


def test_stop_kafka_stops_nothing_from_a_folder_that_is_not_the_project_s(shell, project, docker, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (project / "stop_kafka.bat").rename(other / "stop_kafka.bat")
    (tmp_path / "docker-compose.yml").write_text("services: {}\n")  # compose looks in the folders above, too
    result = shell.run(other / "stop_kafka.bat", path=[docker.folder])
    assert result.code == 1
    assert "docker-compose.yml is not in the folder of stop_kafka.bat" in result.output
    assert docker.calls() == []


@pytest.mark.repeats
def test_every_batch_file_ends_when_its_folder_cannot_be_reached(shell, project, docker):
    for file in sorted({*project.glob("*.bat")} - {project / "create_likes_topic.bat"}):  # which needs no folder
        text = file.read_bytes()
        assert b'pushd "%~dp0" || goto :no_folder\r\n' in text
        file.write_bytes(text.replace(b'pushd "%~dp0"', b'pushd "%~dp0gone"'))
        result = shell.run(file, path=[docker.folder])
        assert result.code == 1
        assert f"The folder of {file.name} cannot be reached" in result.output
    assert docker.calls() == []


@pytest.mark.parametrize("name", ["start_kafka.bat", "stop_kafka.bat"])
def test_the_compose_file_of_another_project_is_not_followed(shell, project, docker, name):
    foreign = {"COMPOSE_FILE": "other.yml", "COMPOSE_PROJECT_NAME": "other", "COMPOSE_PROFILES": "x"}
    assert shell.run(project / name, path=[docker.folder], **foreign).code == 0
    assert [call["settings"] for call in docker.calls() if call["call"].startswith("compose ")][-1] == {}


@pytest.mark.repeats
@pytest.mark.parametrize("left", ["{} ", '"{}"', '"{}" '])
@pytest.mark.parametrize("name", ["start_kafka.bat", "stop_kafka.bat"])
def test_compose_gets_values_without_what_set_leaves(shell, project, docker, name, left):
    wanted = {"KAFKA_IMAGE": "registry.example/kafka:3.7", "KAFDROP_PORT": "9001"}
    given = {variable: left.format(value) for variable, value in wanted.items()}
    result = shell.run(project / name, path=[docker.folder], **given)
    assert result.code == 0
    assert docker.calls()[-1]["settings"] == wanted
    assert name == "stop_kafka.bat" or "http://localhost:9001" in result.output


@pytest.mark.repeats
def test_stop_kafka_without_docker(shell, project, docker):
    assert shell.run(project / "stop_kafka.bat").code == 0
    docker.play(answers=[{"to": "info", "code": 1}])
    result = shell.run(project / "stop_kafka.bat", path=[docker.folder])
    assert result.code == 0
    assert "not running" in result.output


@pytest.mark.repeats
def test_stop_kafka_fails(shell, project, docker):
    docker.play(answers=[{"to": "compose down", "code": 1, "says": "permission denied"}])
    assert shell.run(project / "stop_kafka.bat", path=[docker.folder]).code == 1
