"""`python run.py registry`: a schema registry beside the broker, until Ctrl+C."""

import time

from brokers.registry import SCHEMAS, TITLE, URL, Registry
from launcher import guard, terminal
from launcher.start import handle_signals, ignore_further_signals


def main() -> int:
    """Run until Ctrl+C or SIGTERM; the exit code. Raises `Problem`."""
    handle_signals()
    registry = Registry()
    with guard.watched():
        try:
            with terminal.progress("registry", f"preparing {TITLE}") as progress:
                registry.start(progress)
            terminal.say("registry", f"{TITLE} is ready: {URL}")
            terminal.say("registry", f"it keeps its schemas in the topic {SCHEMAS}; Ctrl+C ends it")
            while True:
                registry.insist_on_running()
                time.sleep(0.5)
        except KeyboardInterrupt:
            pass
        finally:
            ignore_further_signals()
            registry.stop()
    terminal.say("bye", "the registry has ended; its schemas stay in Kafka")
    return 0
