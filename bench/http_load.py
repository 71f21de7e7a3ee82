"""Clicks as fast as the answers come: a number of connections, on each one request at a time. A connection stays
open unless the server closes it.

One thread and one selector, requests and the check of the answers prepared beforehand: a click costs this
side about 15 us of CPU time, and `Load.generator_cpu` says how much of a core it took in truth. It is a bottleneck
when that comes near 1.
"""

import re
import selectors
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.harness import NotMeasured

PATIENCE_SECONDS = 30.0
WARM_UP_SECONDS = 0.3
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Load:
    """Requests answered in a second, and the part of a core that asking took."""

    per_second: float
    generator_cpu: float


def load(port: int, path: str, connections: int, seconds: float) -> Load:
    """POST to `path` for `seconds`. Raises `NotMeasured` at the first answer that is not 201."""
    clicks = _Clicks(port, path)
    try:
        for _ in range(connections):
            clicks.click()
        return _measured(clicks, seconds)
    finally:
        for connection in list(clicks.received):
            clicks.close(connection)
        clicks.selector.close()


def _measured(clicks: "_Clicks", seconds: float) -> Load:
    started = time.perf_counter() + WARM_UP_SECONDS
    end, cpu, answers, took = started + seconds, None, 0, seconds
    while clicks.received:
        for connection in clicks.answered():
            now = time.perf_counter()
            if now >= started:
                cpu = time.process_time() if cpu is None else cpu
                if now < end or not answers:  # at least one, on however busy a computer
                    answers += 1
                    took = max(seconds, now - started)
            closed = b"\r\nConnection: close\r\n" in clicks.received[connection]
            if closed or now >= end:
                clicks.close(connection)
            if now < end:
                clicks.click(None if closed else connection)
    cpu = time.process_time() - cpu
    return Load(answers / took, cpu / took)


class _Clicks:
    """The open connections, and what each has answered so far."""

    def __init__(self, port: int, path: str):
        self.port = port
        self.request = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\n\r\n".encode()
        self.selector = selectors.DefaultSelector()
        self.received: dict[socket.socket, bytes] = {}

    def click(self, connection: socket.socket | None = None) -> None:
        """Send a request, without a connection on a new one."""
        if connection is None:
            connection = socket.create_connection(("127.0.0.1", self.port), PATIENCE_SECONDS)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.selector.register(connection, selectors.EVENT_READ)
        self.received[connection] = b""
        connection.sendall(self.request)

    def answered(self) -> Iterator[socket.socket]:
        """Wait, and give the connections whose answer is complete."""
        ready = self.selector.select(PATIENCE_SECONDS)
        if not ready:
            raise NotMeasured(f"no answer from port {self.port} in {PATIENCE_SECONDS:.0f} s")
        for key, _ in ready:
            self.received[key.fileobj] += key.fileobj.recv(65536)
            if _is_whole(self.received[key.fileobj]):
                yield key.fileobj

    def close(self, connection: socket.socket) -> None:
        self.selector.unregister(connection)
        connection.close()
        del self.received[connection]


def _is_whole(answer: bytes) -> bool:
    head, blank, body = answer.partition(b"\r\n\r\n")
    if not answer or (blank and not head.startswith(b"HTTP/1.1 201")):
        raise NotMeasured(f"answered: {answer[:300].decode(errors='replace') or 'connection closed'}")
    return bool(blank) and len(body) >= int(LENGTH.search(head)[1])
