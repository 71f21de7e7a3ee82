"""What a message says to type next."""

from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

import settings
from brokers.failures import unreadable_offsets
from labs.__main__ import what_to_do
from launcher import doctor
from plumbing import Problem
from plumbing.kafka import InvalidSettings, client


@pytest.mark.parametrize(
    ("hint", "line"),
    [
        ("python run.py doctor", "It broke. python run.py doctor"),
        ("start it: python run.py, or start_kafka.bat", "It broke. Start it: python run.py, or start_kafka.bat"),
        ("create it: docker compose restart computer", "It broke. Create it: docker compose restart computer"),
        ("docker compose logs kafka", "It broke. docker compose logs kafka"),
        ("ulimit -n 1024", "It broke. ulimit -n 1024"),
        ("wait until it ends", "It broke. Wait until it ends."),
    ],
)
def test_a_command_in_a_message_stands_as_it_is_typed(hint, line):
    assert Problem("it broke", hint).line() == line


@pytest.mark.parametrize(
    ("code", "fix"),
    [
        (KafkaError.GROUP_AUTHORIZATION_FAILED, "let this user's access rules (ACLs) allow it"),
        (KafkaError._TIMED_OUT, "restart the broker"),
    ],
)
def test_doctor_advises_to_delete_offsets_only_where_the_broker_cannot_read_them(code, fix):
    fail = Mock(side_effect=KafkaException(KafkaError(code)))
    assert doctor._group(SimpleNamespace(describe_consumer_groups=fail), "kafka.company.example:9092").fix == fix


RETENTION = "lab_12_retention.retention"
UNREADABLE = "[GroupCoordinator id=0] Failed to load metadata from __consumer_offsets-0 with epoch 2 due to New last "
UNREADABLE += "written offset 4 of __consumer_offsets-0 must be greater than 4..\n"  # in the log of Kafka 4.4.0


def test_offsets_that_the_broker_cannot_read_are_named_with_what_deletes_them(monkeypatch):
    why = unreadable_offsets(UNREADABLE)
    assert why.startswith("the broker cannot read __consumer_offsets-0: New last written offset 4 ")
    monkeypatch.setattr(doctor.local, "unreadable_offsets_of_running", lambda: why)
    fail = Mock(side_effect=KafkaException(KafkaError(KafkaError.COORDINATOR_NOT_AVAILABLE)))
    finding = doctor._group(SimpleNamespace(describe_consumer_groups=fail), "localhost:9092")
    assert finding.what.endswith(why)
    assert "kafka-topics --bootstrap-server localhost:9092 --delete --topic __consumer_offsets " in finding.fix
    assert "no likes are lost" in finding.fix


@pytest.mark.parametrize(
    ("own", "why"),
    [({"acks": "most"}, "request.required.acks"), ({"session.timeout": 6000}, "session.timeout")],
)
def test_an_invalid_setting_of_a_program_is_not_blamed_on_a_file_that_is_not_set(own, why):
    with pytest.raises(InvalidSettings, match=f"a setting is invalid: .*{why}") as invalid:
        client(Producer, {"bootstrap.servers": "localhost:1"} | own)
    assert invalid.value.hint == "correct CONFIG in the program"


@pytest.mark.parametrize(
    ("line", "topic"),
    [
        ('TOPIC = "likes-anna"', "likes-anna"),
        ("TOPIC='likes.anna'", "likes.anna"),
        ('TOPIC = "likes"  # was "clicks"', "likes"),
    ],
)
def test_the_topic_is_read_from_the_program_however_its_line_is_written(monkeypatch, tmp_path, line, topic):
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    (tmp_path / "producer.py").write_text(f"import json\n\n{line}\n", encoding="utf-8")
    assert settings.topic_of("producer.py") == topic


@pytest.mark.parametrize("line", ["TOPIC = likes", 'TOPIC = ""', 'TOPIC = "my likes"', ""])
def test_a_program_without_a_topic_ends_with_a_line(monkeypatch, tmp_path, line):
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    (tmp_path / "producer.py").write_text(line, encoding="utf-8")
    with pytest.raises(SystemExit, match='has no line such as TOPIC = "likes"'):
        settings.topic_of("producer.py")


@pytest.mark.parametrize(
    ("program", "code", "following"),
    [
        (RETENTION, KafkaError._TRANSPORT, "python run.py doctor"),
        (RETENTION, KafkaError.INVALID_CONFIG, "undo your changes, if any, then: python run.py labs "),
        ("click", KafkaError.INVALID_CONFIG, "python run.py doctor"),
    ],
)
def test_the_doctor_is_named_only_where_no_broker_answers_or_nothing_else_is_known(program, code, following):
    assert what_to_do(program, KafkaException(KafkaError(code))).startswith(following)
