"""What keeps `python run.py registry` from starting, and what it keeps from being deleted."""

import socket

import pytest

from brokers import registry
from labs.lab_08_schemas import check
from launcher import reset
from plumbing import Problem
from tests.programs import free_ports


def refusal() -> Problem:
    with pytest.raises(Problem) as refused:
        registry.Registry().start(pytest.fail)
    return refused.value


def test_a_port_that_is_taken_is_named_with_its_holder(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setattr(registry, "PORT", other.getsockname()[1])
        problem = refusal()
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
    problem = refusal()
    assert (str(problem).lower()[: len(what)], hint in problem.hint) == (what, True), (problem, problem.hint)


def test_while_it_runs_its_topic_is_not_deleted(monkeypatch):
    monkeypatch.setattr(check.registry, "answers", lambda: True)
    with pytest.raises(Problem, match="the registry works with the topic") as refused:
        reset._reset(8)
    assert "Ctrl+C in its terminal" in refused.value.hint
