"""The labs are played in separate sessions, on new brokers."""

from tests.end_to_end.conftest import copy, launched

__all__ = ["copy", "launched"]
