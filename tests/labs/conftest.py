"""The labs are played in a session of their own, on a new broker."""

from tests.end_to_end.conftest import copy, launched

__all__ = ["copy", "launched"]
