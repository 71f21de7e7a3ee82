"""However it is ended on Windows, a consumer leaves its group."""

import pytest

# consumer.py as a program, and a thread beside it that ends it when it has been given a partition.
CONSUMER_TO_BE_ENDED = """
import signal, threading, time
import consumer

make_handler = consumer.leave_when_the_window_is_closed

def and_end_it(seen):
    handler = make_handler(seen)
    def end():
        while not seen.position:
            time.sleep(0.1)
        {end}
    threading.Thread(target=end, daemon=True).start()
    return handler

consumer.leave_when_the_window_is_closed = and_end_it
consumer.main()
"""
ENDS = {
    "Ctrl+C": "signal.raise_signal(signal.SIGINT)",
    "Ctrl+Break": "signal.raise_signal(signal.SIGBREAK)",
    "the window is closed": "handler(2)",
    "logging off": "handler(5)",
    "shutting down": "handler(6)",
}
LEFT = "Consumer on port 5002 left the group"


@pytest.mark.usefixtures("free_ports")
@pytest.mark.parametrize("end", ENDS)
def test_it_leaves_the_group(shell, project, kafka, group, end):
    code = CONSUMER_TO_BE_ENDED.format(end=ENDS[end])
    said = shell.python(code, project, KAFKA_BOOTSTRAP_SERVERS=kafka, CONSUMER_GROUP=group).splitlines()
    assert "Assigned: partitions=[0, 1, 2]" in said
    assert said[-1] == LEFT


def test_the_window_stays_until_the_group_was_told(shell, project):
    """Windows ends the program as soon as the handler returns."""
    code = """
import threading, time
import consumer
seen = consumer.Seen()
handler = consumer.leave_when_the_window_is_closed(seen)
print(handler(0), seen.stopping)  # Ctrl+C is for the handler of signals
threading.Timer(1, lambda: print("told") or seen.left.set()).start()
print(handler(2), seen.stopping)
"""
    assert shell.python(code, project).split() == ["0", "False", "told", "1", "True"]
