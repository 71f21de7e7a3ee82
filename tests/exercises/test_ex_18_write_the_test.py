"""Exercise 18: a test that is green for what is right, and red for what is wrong."""

import pytest

from tests.exercises.programs import cases

IN_ORDER = '        self.assertEqual(events, ["mail 1", "commit 1", "mail 2", "commit 2", "mail 3", "commit 3"])\n'
RAISES = "        with self.assertRaises(OSError):\n            send_mails(FakeConsumer(3), fail)\n"
NOTHING = "        self.assertEqual(events, [])\n"
MOCK = """
import os, sys, unittest
from unittest.mock import Mock, call

sys.path.insert(0, os.environ["PROGRAM"])
from mailer import send_mails


class Test(unittest.TestCase):
    def setUp(self):
        self.messages = [Mock(error=lambda: None, value=lambda n=n: n) for n in (1, 2)]
        self.calls = Mock()
        self.consumer = Mock(poll=Mock(side_effect=[*self.messages, None]), commit=self.calls.commit)

    def test_order(self):
        send_mails(self.consumer, self.calls.send)
        first, second = self.messages
        expected = [call.send(1), call.commit(first, asynchronous=False), call.send(2)]
        self.assertEqual(self.calls.mock_calls, [*expected, call.commit(second, asynchronous=False)])

    def test_failure(self):
        self.calls.send.side_effect = OSError
        self.assertRaises(OSError, send_mails, self.consumer, self.calls.send)
        self.calls.commit.assert_not_called()


unittest.main()
"""
RIGHT = {
    "mocks": MOCK,
    "another exception": [
        ("raise OSError(", "raise RuntimeError("),
        ("assertRaises(OSError)", "assertRaises(RuntimeError)"),
    ],
    "prints more": [("unittest.main()", "unittest.main(verbosity=2)")],
    "asserts by hand": [
        (NOTHING, '        assert events == [], "committed"\n'),
        (IN_ORDER, IN_ORDER.replace("self.assertEqual(events, ", "assert events == (")),
    ],
}
STILL = "still green"
WRONG = {
    "counts the mails only": (
        [(IN_ORDER, '        self.assertEqual(len([e for e in events if e.startswith("mail")]), 3)\n')],
        f"red if it commits before it sends: {STILL}|red if it commits only once, in the end: {STILL}",
    ),
    "always red": (
        [(NOTHING, '        self.fail("not yet")\n')],
        "green for send_mails as it is: .*AssertionError: not yet",
    ),
    "no failure": ([(RAISES, ""), (NOTHING, "        pass\n")], f"red if it goes on after a mail that failed: {STILL}"),
    "in any order": (
        [
            (IN_ORDER, IN_ORDER.replace("(events", "(sorted(events)").replace("[", "sorted([").replace("])", "]))")),
            (RAISES, ""),
            (NOTHING, "        pass\n"),
        ],
        f"red if it commits before it sends: {STILL}",
    ),
    "runs nothing": ([("unittest.main()", "")], "it has tests: unittest has not run"),
    "has no tests": ([("def test_", "def check_")], "it has tests: Ran 0 tests|exit code 5"),
    "two messages of three": (
        [(IN_ORDER, '        self.assertEqual(events[:4], ["mail 1", "commit 1", "mail 2", "commit 2"])\n')],
        f"red if it forgets the last message: {STILL}",
    ),
}


@pytest.mark.parametrize("case", cases(18, STILL, RIGHT, WRONG))
def test_verdict(case, judge):
    judge(case)
