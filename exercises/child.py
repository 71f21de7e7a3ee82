"""Start a learner's program for the judge: `python -m exercises.child FILE`.

With everything imported, it waits for a line of JSON (environment, snapshot of the file, ...): the imports take longer
than the rest of the start. The program runs untouched, and what it sets itself wins. Set for it is only what it
leaves to chance or to long default times: how to reach the broker, short heartbeats, quick auto commits. And its group
gets the name of the judge's round, so that a killed member keeps nobody waiting for its session timeout.
"""

import asyncio  # noqa: F401  what programs import besides: so that it is there when the judge says go
import json
import linecache
import os
import signal
import sqlite3  # noqa: F401
import sys
import threading
import time
import traceback
import types
import urllib.request  # noqa: F401
from pathlib import Path

import confluent_kafka
import confluent_kafka.admin
import psutil

from plumbing.kafka import client_config

QUICK = {"auto.commit.interval.ms": 200}
CLASSIC = {"session.timeout.ms": 6000, "heartbeat.interval.ms": 200}  # refused with group.protocol=consumer
LOOK_SECONDS = 0.5  # how often it looks whether the judge is alive


class Places:
    """Tells the judge how far the program has read. When to strike depends on it, never the verdict."""

    def __init__(self, file: Path):
        self._file = file.open("wb", buffering=0)
        self._interrupt = file.with_name(f"{file.name}.interrupt")
        self._next: dict[int, int] = {}  # partition -> offset after the last record that the program was given
        self._records = self._silences = 0
        self.transactional_ids: list[str] = []
        self.overruled: set[str] = set()  # of the judge's defaults, by the program's own settings

    def note(self, found):
        """Called with what poll() or consume() returns."""
        if not found:
            self._silences += 1
            self._tell()
        records = [
            one for one in (found if isinstance(found, list) else [found]) if one is not None and not one.error()
        ]
        if records:
            self._next |= {record.partition(): record.offset() + 1 for record in records}
            self._records += len(records)
            self._tell()
            if self._interrupt.exists():
                self._interrupt.unlink()
                raise KeyboardInterrupt  # Ctrl+C at the worst moment: read, and not in the program's hands
        return found

    def _tell(self) -> None:
        told = {"next": self._next, "records": self._records, "silences": self._silences}
        told |= {"transactional": self.transactional_ids[-1:], "overruled": list(self.overruled)}
        self._file.seek(0)
        self._file.write(json.dumps(told).ljust(500).encode())

    def note_client(self, config: dict, overruled: set[str]) -> None:
        if "transactional.id" in config:
            self.transactional_ids.append(config["transactional.id"])
        self.overruled |= overruled
        self._tell()


def prepare_clients(judge: dict) -> None:
    """Give the clients what they are to have by default. (Those for asyncio are built on these.)"""
    places = Places(Path(judge["places"]))
    for name in ("Consumer", "Producer"):  # written in C: only a class of Python can be changed
        setattr(confluent_kafka, name, type(name, (getattr(confluent_kafka, name),), {}))
    kinds = (confluent_kafka.Consumer, confluent_kafka.DeserializingConsumer, confluent_kafka.Producer)
    for kind in (*kinds, confluent_kafka.SerializingProducer, confluent_kafka.admin.AdminClient):
        _set_defaults(kind, judge, places)
        if "Consumer" in kind.__name__:
            _note_what_it_reads(kind, judge["longest_poll"], places)


def _set_defaults(kind: type, judge: dict, places: Places) -> None:
    original = getattr(kind, "__init__")  # noqa: B009  to mypy, kind.__init__ may be that of another class

    def __init__(self, config=None, /, conf=None, **more):
        logger = {"logger": more.pop("logger")} if "logger" in more else {}
        own = {**(config or conf or {}), **more}
        config = _config_of(kind.__name__, own, judge)
        original(self, config, **logger)
        places.note_client(config, own.keys() & _defaults_of(kind.__name__, judge).keys())

    setattr(kind, "__init__", __init__)  # noqa: B010


def _note_what_it_reads(kind: type, longest_poll: float | None, places: Places) -> None:
    """`longest_poll`: seconds after which poll() returns None, unless it has no limit."""
    poll, consume = getattr(kind, "poll"), getattr(kind, "consume")  # noqa: B009

    def note_poll(self, timeout=-1):
        return places.note(poll(self, min(timeout, longest_poll) if longest_poll else timeout))

    setattr(kind, "poll", note_poll)  # noqa: B010
    setattr(kind, "consume", lambda *given, **named: places.note(consume(*given, **named)))  # noqa: B010


def _config_of(name: str, own: dict, judge: dict) -> dict:
    """The settings of a client of this name. What the program has set itself wins."""
    defaults = client_config(own.get("bootstrap.servers", "")) | _defaults_of(name, judge)
    if "Consumer" in name:
        classic = str(own.get("group.protocol", "classic")).lower() == "classic"
        defaults |= QUICK | (CLASSIC if classic else {})
    config = defaults | own
    if "group.id" in config:
        config["group.id"] = judge["group"]
    if "transactional.id" in config:  # on a broker that many share
        config["transactional.id"] = f"{judge['prefix']}{config['transactional.id']}"
    return config


def _defaults_of(name: str, judge: dict) -> dict:
    return next((defaults for kind, defaults in judge["defaults"].items() if kind in name), {})


def wait_for_the_judge() -> dict:
    """What it wants; ends this process if the judge ends first. From then on, the program's input is empty."""
    told = b""
    while not told.endswith(b"\n"):
        told += os.read(0, 4096) or os._exit(3)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return json.loads(told)


def end_with(judge: psutil.Process) -> None:
    """When the judge was killed, this process ends with all that it has started."""
    while judge.is_running() and judge.status() != psutil.STATUS_ZOMBIE:
        time.sleep(LOOK_SECONDS)
    if hasattr(os, "killpg"):  # it is in a group of its own
        os.killpg(0, signal.SIGKILL)
    for one in psutil.Process().children(recursive=True):
        one.kill()
    os._exit(3)


def run(source: bytes, file: Path) -> None:
    """As `python FILE`. A traceback begins in the learner's file."""
    name = str(file)
    linecache.cache[name] = (len(source), None, source.decode(errors="replace").splitlines(keepends=True), name)
    os.chdir(file.parent)
    sys.path[0], sys.argv[:] = str(file.parent), [name]
    sys.modules["__main__"] = module = types.ModuleType("__main__")
    module.__file__ = name
    try:
        if hasattr(signal, "pthread_sigmask"):  # until now, a Ctrl+C would have ended the start of Python
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        exec(compile(source, name, "exec"), module.__dict__)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if isinstance(error, SystemError) and isinstance(error.__cause__, KeyboardInterrupt):
            sys.exit(130)  # what becomes of a Ctrl+C in a callback of confluent_kafka, such as on_assign
        own = error.__traceback__
        while own and own.tb_frame.f_code.co_filename != name:
            own = own.tb_next
        sys.exit("".join(traceback.format_exception(type(error), error, own)).rstrip())


def main(file: Path) -> None:
    judge = wait_for_the_judge()
    os.environ.update(judge["environment"])
    threading.Thread(target=end_with, args=[psutil.Process(judge["pid"])], daemon=True).start()
    if hasattr(signal, "SIGBREAK"):  # what stands for Ctrl+C on Windows
        signal.signal(signal.SIGBREAK, lambda *_: signal.raise_signal(signal.SIGINT))
    prepare_clients(judge)
    run(Path(judge["snapshot"]).read_bytes(), file)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
