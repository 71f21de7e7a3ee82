"""Test send_mails, which sends a mail for each message and commits it."""

import os
import sys
import unittest

sys.path.insert(0, os.environ["PROGRAM"])
from mailer import send_mails

events: list[str] = []  # what was called, in this order


class FakeMessage:
    def __init__(self, number: int):
        self.number = number

    def error(self) -> None:
        return None

    def value(self) -> bytes:
        return str(self.number).encode()


class FakeConsumer:
    """Hands out messages 1 to `last`, and then none."""

    def __init__(self, last: int):
        self.messages = [FakeMessage(number) for number in range(1, last + 1)]

    def poll(self, timeout: float) -> FakeMessage | None:
        return self.messages.pop(0) if self.messages else None

    def commit(self, message: FakeMessage, asynchronous: bool) -> None:
        events.append(f"commit {message.number}")


def send(value: bytes) -> None:
    events.append(f"mail {value.decode()}")


def fail(value: bytes) -> None:
    raise OSError("the mail server is away")


class TestSendMails(unittest.TestCase):
    def setUp(self):
        events.clear()

    def test_each_message_is_committed_when_its_mail_is_sent(self):
        send_mails(FakeConsumer(3), send)
        self.assertEqual(events, ["mail 1", "commit 1", "mail 2", "commit 2", "mail 3", "commit 3"])

    def test_a_mail_that_failed_is_not_committed(self):
        with self.assertRaises(OSError):
            send_mails(FakeConsumer(3), fail)
        self.assertEqual(events, [])


unittest.main()
