"""Kafka's classes in one file, which Java maps into memory instead of unpacking them from 56 jars at each start.

A broker starts in half the time, with a third of the work. This is Java's class data sharing:
https://docs.oracle.com/en/java/javase/21/vm/class-data-sharing.html. Java itself checks that the file matches the jars
and the Java, and otherwise ignores it.
"""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil

import settings
from brokers import Broker, Progress, java, local
from brokers.compose import SINGLES
from brokers.jars import LESSONS
from brokers.local import LocalBroker
from brokers.ports import free_ports
from plumbing import Problem
from plumbing.child import Child

LATER_SECONDS = 15.0  # after a start: the first page and clicks have priority
STOP_SECONDS = local.STOP_SECONDS + 5  # its broker ends first
USE_SECONDS = 20.0


def make(progress: Progress = print, kafka: int = LESSONS) -> None:
    """Write the archive, unless there is one for these jars and this Java. Takes about 5 s.

    A temporary broker gets the same requests as the programs send, and lists the classes that it loads. Raises
    `Problem` if Kafka cannot run here, `OSError` if there is no room for the file (60 MB).
    """
    environment = java.environment(progress, kafka)
    archive = java.archive(environment, kafka)
    if archive.exists():
        return
    progress("preparing Java for quicker starts")
    with tempfile.TemporaryDirectory(prefix="hands-on-kafka-", ignore_cleanup_errors=True) as folder:
        classes, written = Path(folder, "classes.txt"), Path(folder, archive.name)
        ports = dict(zip(("EXTERNAL", "INTERNAL", "CONTROLLER"), free_ports(3), strict=True))
        broker = LocalBroker(Path(folder), ports, SINGLES[kafka], java_options=[f"-XX:DumpLoadedClassList={classes}"])
        own, settings.CLIENT_CONFIG = settings.CLIENT_CONFIG, ""  # the user's client.properties is for another broker
        try:
            broker.start(lambda _line: None)
            use(broker.bootstrap_servers)
        finally:
            settings.CLIENT_CONFIG = own
            broker.stop()
        lines = classes.read_bytes().rpartition(b"\n")[0]  # if the broker cannot end cleanly, the last one is cut
        classes.write_bytes(lines)
        purpose = "Kafka's classes cannot be archived"
        options = ["-Xshare:dump", f"-XX:SharedClassListFile={classes}", f"-XX:SharedArchiveFile={written}"]
        java.call(*java.OPTIONS, *options, folder=Path(folder), purpose=purpose, environment=environment)
        for old in archive.parent.glob(f"{archive.name.rpartition('-')[0]}-*.jsa"):
            with contextlib.suppress(OSError):  # on Windows, if a broker uses it
                old.unlink()
        archive.parent.mkdir(parents=True, exist_ok=True)
        half = archive.with_suffix(f".{os.getpid()}.half")  # another clone may be writing one too
        shutil.move(written, half)
        half.replace(archive)


def use(servers: str) -> None:
    """Do what the programs do, so that the broker also loads the classes for that."""
    # When run.py imports this module, the packages may not be installed yet.
    from confluent_kafka import Consumer, KafkaException, Producer

    from brokers.topic import create_likes
    from plumbing.kafka import client_config

    config = client_config(servers)
    with contextlib.suppress(KafkaException, Problem):  # then the archive has fewer classes
        create_likes(servers)
        producer = Producer(config | {"enable.idempotence": True})
        producer.produce(settings.TOPIC, b"like")
        producer.flush(USE_SECONDS)
        consumer = Consumer(config | {"group.id": settings.GROUP, "auto.offset.reset": "earliest"})
        consumer.subscribe([settings.TOPIC])
        consumer.consume(1, USE_SECONDS)
        consumer.commit(asynchronous=False)
        consumer.close()


@contextlib.contextmanager
def made_for(broker: Broker) -> Iterator[None]:
    """While the block runs, create the archive if this broker could have used one: after a while, in a low-priority
    process."""
    versions = {node.service.kafka for node in broker.nodes if isinstance(node, LocalBroker)}
    if not versions:
        yield
        return
    ended = threading.Event()
    thread = threading.Thread(target=_make_unless, args=[ended, *versions])
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _make_unless(ended: threading.Event, kafka: int) -> None:
    if ended.wait(LATER_SECONDS) or java.archive(java.environment(kafka=kafka), kafka).exists():
        return
    child = Child(sys.executable, "-m", "brokers.archive", str(kafka), on_line=lambda _line: None)
    with contextlib.suppress(psutil.Error):
        psutil.Process(child.process.pid).nice(19 if psutil.POSIX else psutil.IDLE_PRIORITY_CLASS)
    while child.running and not ended.wait(0.1):
        pass
    child.ask_to_stop()
    child.end(STOP_SECONDS)


def main(kafka: int) -> None:
    if hasattr(signal, "SIGBREAK"):  # what Windows sends as Ctrl+C
        signal.signal(signal.SIGBREAK, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt, Problem, OSError):  # the next start is as slow as this one was
        make(kafka=kafka)


if __name__ == "__main__":
    main(int(sys.argv[1]))
