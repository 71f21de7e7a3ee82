"""However it is ended on Windows, a consumer leaves its group."""

import pytest

from tests.scheduling import rest_repeats

# consumer.py as a program, and a thread beside it that ends it once it has been assigned partitions.
CONSUMER_TO_BE_ENDED = """
import signal, threading, time
import consumer

class Watched(consumer.LastingConsumer):
    def __init__(self, config, stop):
        super().__init__(config, stop)

        def end():
            while not self.position:
                time.sleep(0.1)
            {end}

        threading.Thread(target=end, daemon=True).start()

consumer.LastingConsumer = Watched
consumer.main()
"""
ENDS = {
    "Ctrl+C": "signal.raise_signal(signal.SIGINT)",
    "Ctrl+Break": "signal.raise_signal(signal.SIGBREAK)",
    "the window is closed": "stop._on_close(2)",
    "logging off": "stop._on_close(5)",
    "shutting down": "stop._on_close(6)",
}


@pytest.mark.usefixtures("free_ports")
@pytest.mark.parametrize("end", rest_repeats(ENDS))
def test_it_leaves_the_group(shell, project, kafka, group, end):
    code = CONSUMER_TO_BE_ENDED.format(end=ENDS[end])
    lines = shell.python(code, project, KAFKA_BOOTSTRAP_SERVERS=kafka, CONSUMER_GROUP=group).splitlines()
    assert "Assigned: partitions=[0, 1, 2]" in lines
    assert lines[-1] == "Consumer on port 5002 left the group"


def test_the_window_stays_until_the_group_was_told(shell, project):
    """Windows ends the program as soon as the handler returns."""
    code = """
import threading
from plumbing.process import StopSignal
with StopSignal() as stop:
    print(stop._on_close(0), stop.requested)  # Ctrl+C is for the handler of signals
    threading.Timer(1, lambda: print("told") or stop._finished.set()).start()
    print(stop._on_close(2), stop.requested)
"""
    assert shell.python(code, project).split() == ["0", "False", "told", "1", "True"]
