"""What a message says to type next."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from labs.__main__ import what_to_do
from plumbing import Problem


@pytest.mark.parametrize(
    ("hint", "line"),
    [
        ("python run.py doctor", "It broke. python run.py doctor"),
        ("start it: python run.py, or start_kafka.bat", "It broke. Start it: python run.py, or start_kafka.bat"),
        ("ulimit -n 1024", "It broke. ulimit -n 1024"),
        ("wait until it ends", "It broke. Wait until it ends."),
    ],
)
def test_a_command_in_a_message_stands_as_it_is_typed(hint, line):
    assert Problem("it broke", hint).line() == line


@pytest.mark.parametrize(
    ("program", "code", "following"),
    [
        ("lab_12_retention.retention", KafkaError._TRANSPORT, "python run.py doctor"),
        (
            "lab_12_retention.retention",
            KafkaError.INVALID_CONFIG,
            "undo your changes, if any, then: python run.py labs ",
        ),
        ("click", KafkaError.INVALID_CONFIG, "python run.py doctor"),
    ],
)
def test_the_doctor_is_named_only_where_no_broker_answers_or_nothing_else_is_known(program, code, following):
    assert what_to_do(program, KafkaException(KafkaError(code))).startswith(following)
