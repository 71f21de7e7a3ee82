"""Test send_mails, which sends a mail for each message and commits it."""

import os
import sys
import unittest

sys.path.insert(0, os.environ["PROGRAM"])
from mailer import send_mails


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
        pass


class TestSendMails(unittest.TestCase):
    def test_each_message_gets_a_mail(self):
        send_mails(FakeConsumer(3), lambda value: None)


unittest.main()
