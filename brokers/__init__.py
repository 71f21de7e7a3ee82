"""Where a broker on localhost:9092 comes from: Docker, Java, three of them, or a secured one; each is a `Broker`."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from plumbing import Problem

Progress = Callable[[str], None]  # called with a line about what is being done


class NotAvailable(Problem):
    """This kind of broker is not available on this machine; another kind may be.

    remedy   what makes it available
    instead  the command that chooses another kind, for the hint
    """

    def __init__(self, what: str, remedy: str, instead: str = ""):
        super().__init__(what, f"{remedy}; or: {instead}" if instead else remedy)
        self.remedy = remedy


class Broker(ABC):
    """A broker that can be started and stopped; as a context manager, it returns its bootstrap servers."""

    bootstrap_servers: str
    description: str
    client_properties: Path | None = None  # for KAFKA_CLIENT_CONFIG, if clients need one
    nodes: Sequence[Any] = ()  # each has a name, a port and `on_crash`; it can be stopped, killed and started
    kafdrop = ""  # its address, if it was started
    missing: Sequence[Problem] = ()  # optional parts that could not be started
    how_to_start = "the way it was started before"  # if it ends during a session

    @abstractmethod
    def start(self, progress: Progress = print) -> None:
        """Return once it answers clients. Raises `Problem`, with nothing left running, if that fails."""

    @abstractmethod
    def stop(self) -> None:
        """Stop what `start` started, and only that. The data is kept. Raises `Problem` if something still runs."""

    def __enter__(self) -> str:
        self.start()
        return self.bootstrap_servers

    def __exit__(self, *_exception) -> None:
        self.stop()
