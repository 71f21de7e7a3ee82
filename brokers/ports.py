"""Who listens on a port of this machine."""

import contextlib
import errno
import itertools
import os
import random
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil

from brokers import containers
from brokers.containers import Container
from plumbing import Problem

# Below the ports of outgoing connections, which could take one between the check and its use
# (https://en.wikipedia.org/wiki/Ephemeral_port: from 32768 on Linux, from 49152 elsewhere).
QUIET_PORTS = range(20_000, 29_000)  # and below those of the compose files
# These listen for the containers: ending one of them could end Docker itself.
DOCKERS = ("docker", "com.docker", "Docker", "rootless", "vpnkit", "wslrelay", "OrbStack", "limactl", "gvproxy")
_OTHER_COMMANDS = {"test", "bench", "labs", "check", "registry"}  # commands of run.py; what they start ends with them


@dataclass(frozen=True)
class PortHolder:
    """The process that holds a port; it has no pid if the system does not reveal it."""

    pid: int | None = None
    command: str = ""
    session: str = ""  # the run.py that started it: its terminal and pid
    container: Container | None = None  # the Docker container that published the port
    reserved: bool = False  # no process: the system has reserved the port, as Windows does for Hyper-V

    def __str__(self) -> str:
        if self.container:
            return str(self.container)
        if self.reserved:
            return "the system, which has reserved it"
        return f"{self.command} (pid {self.pid})" if self.pid else "another program"

    @property
    def how_to_end(self) -> str:
        if self.container:
            return self.container.how_to_end
        if self.reserved and os.name == "nt":
            return "as administrator: net stop winnat, then net start winnat, and Windows reserves others"
        if self.reserved:
            return "ask the administrator of this computer"
        if self.command.startswith(DOCKERS):
            return "docker ps   (names the container), then docker stop and its name"
        if not self.pid:
            return "python run.py doctor, as administrator, can name it"
        if self.session:
            return f"it belongs to a run.py: type quit in its terminal, {self.session}"
        return f"taskkill /F /PID {self.pid}" if os.name == "nt" else f"kill {self.pid}"


def port_holder(port: int) -> PortHolder | None:
    """The process that listens on the loopback port; None if it is free."""
    with socket.socket() as probe:
        if os.name == "nt":  # SO_REUSEADDR would share a port that is in use
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)  # type: ignore[attr-defined]
        else:  # only allows for connections of a server that has just ended
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            holder = _holder(port)
            nobody = not (holder.pid or holder.container)
            return PortHolder(reserved=True) if nobody and error.errno == errno.EACCES else holder
    return None


def insist_on_free(port: int, whose: str, then: str) -> None:
    """Raises `Problem` if the port is taken; `then` says what to do once its holder has ended."""
    if holder := port_holder(port):
        what = f"port {port} (of the {whose}) is taken by {holder}"
        raise Problem(what, f"end it ({holder.how_to_end}), then {then}")


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on now."""
    candidates = random.sample(QUIET_PORTS, len(QUIET_PORTS))
    return list(itertools.islice((port for port in candidates if port_holder(port) is None), count))


def _holder(port: int) -> PortHolder:
    holder = _process(port)
    if holder.command.startswith(DOCKERS) or not holder.pid:  # without a pid, it may be Docker, which runs as root
        return PortHolder(holder.pid, holder.command, container=containers.publishing(port))
    return holder


def _process(port: int) -> PortHolder:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):  # another user's process, or one that has just ended
            connections = process.net_connections(kind="tcp")
            if any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in connections):
                return PortHolder(process.pid, _short(process.cmdline()), _session_of(process))
    return PortHolder()


def _session_of(process: psutil.Process) -> str:
    """The run.py that started this process, or empty."""
    with contextlib.suppress(psutil.Error, OSError):
        for parent in [process, *process.parents()]:
            names = [Path(word).name for word in parent.cmdline()]
            if "run.py" in names[:3] and not _OTHER_COMMANDS.intersection(names):
                terminal = parent.terminal() if hasattr(parent, "terminal") else None
                return f"{terminal or 'a window'} (pid {parent.pid})"
    return ""


def _short(command: list[str]) -> str:
    """`python producer.py` instead of the interpreter's full path."""
    words = [Path(word).name for word in command[:3] if not word.startswith("-")]
    return " ".join(words[:2]) or "a program"
