"""`python run.py`: a broker, the topic, a session, and an orderly end."""

import contextlib
import importlib
import queue
import signal
import sys
import threading
from collections.abc import Iterator

import settings
from brokers import Broker, NotAvailable, archive, java
from brokers.choose import candidates, cluster_candidates, start_first
from brokers.jars import LESSONS
from brokers.ports import insist_on_free, port_holder
from brokers.topic import create_likes, warn_of_missing_events
from launcher import guard, terminal
from plumbing import Problem


def main(kind: str, brokers: int, kafka: int = LESSONS) -> int:
    """Run until `quit`, Ctrl+C or SIGTERM; the exit code. Raises `Problem`."""
    handle_signals()
    check_settings()
    # The session's imports take half a second: the broker starts meanwhile.
    threading.Thread(target=importlib.import_module, args=["launcher.session"], daemon=True).start()
    try:
        with guard.watched(), running_broker(kind, brokers, kafka) as broker:
            terminal.say("topic", create_likes(broker.bootstrap_servers))
            # Beside the start of the consumers, which takes longer.
            threading.Thread(target=_report_missing_events, args=[broker], daemon=True).start()
            from launcher.session import Session

            session = Session(broker)
            try:
                session.start()
                session.print_table()
                threading.Thread(target=session.read_commands, daemon=True).start()
                with archive.made_for(broker):
                    while session.obey(_next(session.commands)):
                        pass
            finally:
                ignore_further_signals()
                session.stop()
    except KeyboardInterrupt:
        pass
    terminal.say("bye", "everything that was started here has ended")
    return 0


def _report_missing_events(broker: Broker) -> None:
    if problem := warn_of_missing_events(broker.bootstrap_servers):
        terminal.complain(str(problem), problem.hint)


def handle_signals() -> None:
    """On any of these signals, end what was started; but `nohup` and background jobs keep running."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        number = getattr(signal, name, None)
        if number and not (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN):
            signal.signal(number, signal.default_int_handler)
    for name in ("SIGTTIN", "SIGTTOU"):  # reading in the background is then an error, and does not stop the process
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def _next(commands: queue.Queue[str]) -> str:
    while True:
        with contextlib.suppress(queue.Empty):
            return commands.get(timeout=1.0)  # on Windows, an endless wait would not notice Ctrl+C


def ignore_further_signals() -> None:
    """Stopping takes a few seconds; an impatient second Ctrl+C must not leave programs running."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def check_settings() -> None:
    """Refuse invalid settings before anything starts. Raises `Problem`."""
    java.check_open_files()
    written, read = settings.topic_of("producer.py"), settings.topic_of("consumer.py")
    if written != read:
        what = f"producer.py writes to the topic {written}, consumer.py reads {read}"
        raise Problem(what, "give both the same topic, in the line that starts with TOPIC")
    if settings.CONSUMER_PORT > 2**16 - settings.MOST_CONSUMERS:
        what = f"CONSUMER_PORT is {settings.CONSUMER_PORT}: the other consumers need the following ports"
        raise Problem(what, "unset CONSUMER_PORT, or set it to a smaller number")
    ports = {"producer": settings.PRODUCER_PORT, "page": settings.PAGE_PORT}
    ports |= {f"consumer {n + 1}": settings.CONSUMER_PORT + n for n in range(settings.CONSUMERS)}
    for name, port in ports.items():
        if port_holder(port):
            guard.finish()  # of a run.py that was killed
        insist_on_free(port, name, "python run.py")


@contextlib.contextmanager
def running_broker(kind: str = "", brokers: int = 1, kafka: int = LESSONS) -> Iterator[Broker]:
    """Start one broker or three, of Kafka 3 or 4, of this kind or else of the first available one. At the end, stop
    what was started. Raises `Problem`."""
    with terminal.progress("kafka", "looking for a broker") as progress:
        find = cluster_candidates if brokers > 1 else candidates
        broker = start_first(find(kind, lambda text: terminal.say("kafka", text), kafka), progress, _pass_over)
    try:
        terminal.say("kafka", f"{broker.bootstrap_servers}: {broker.description}")
        if broker.client_properties:
            settings.use_client_config(broker.client_properties)
            terminal.say("kafka", f"for clients: KAFKA_CLIENT_CONFIG={broker.client_properties}")
        for problem in broker.missing:
            terminal.complain(str(problem), problem.hint)
        yield broker
    finally:
        with terminal.progress("kafka", "stopping"):
            _stop(broker)


def _stop(broker: Broker) -> None:
    reason = sys.exc_info()[1]  # why the session ends
    try:
        broker.stop()
    except Problem:
        if isinstance(reason, Problem):  # this one would hide it
            terminal.complain(str(reason), reason.hint)
        raise


def _pass_over(reason: NotAvailable, following: Broker) -> None:
    terminal.complain(str(reason), reason.remedy)
    terminal.say("kafka", f"trying without: {following.description}")
