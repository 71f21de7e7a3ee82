"""Just enough of a broker for a client to learn about its cluster: ApiVersions and Metadata, in their oldest formats.

https://kafka.apache.org/protocol
"""

import contextlib
import socket
import struct
import threading

API_VERSIONS, METADATA = 18, 3
UNSUPPORTED_VERSION, LEADER_NOT_AVAILABLE = 35, 5


class FakeBroker:
    """A single broker with the topic `likes` of one partition. While it `is_starting`, it answers like a broker that
    its controller has not admitted yet: there are no brokers."""

    def __init__(self):
        self.is_starting = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.servers = f"127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=[self._listener.accept()[0]], daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as requests, contextlib.suppress(OSError):
            while size := requests.read(4):
                api, version, correlation = struct.unpack(">hhi", requests.read(struct.unpack(">i", size)[0])[:8])
                answer = struct.pack(">i", correlation) + self._answer(api, version)
                connection.sendall(struct.pack(">i", len(answer)) + answer)

    def _answer(self, api: int, version: int) -> bytes:
        if api == API_VERSIONS:
            known = struct.pack(">hhh", API_VERSIONS, 0, 0) + struct.pack(">hhh", METADATA, 0, 0)
            return struct.pack(">hi", UNSUPPORTED_VERSION if version else 0, 2) + known
        host = b"127.0.0.1"
        broker = struct.pack(">ih", 0, len(host)) + host + struct.pack(">i", self.port)
        error, leader, replica = (LEADER_NOT_AVAILABLE, -1, 0) if self.is_starting else (0, 0, 0)
        partition = struct.pack(">hiiiiii", error, 0, leader, 1, replica, 1, replica)
        topic = struct.pack(">hh", 0, 5) + b"likes" + struct.pack(">i", 1) + partition
        brokers = struct.pack(">i", 0) if self.is_starting else struct.pack(">i", 1) + broker
        return brokers + struct.pack(">i", 1) + topic
