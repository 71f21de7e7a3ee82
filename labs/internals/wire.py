"""The primitive types of Kafka's protocol, which its requests and the records of its internal topics are made of.

https://kafka.apache.org/protocol#protocol_types
"""

import struct


class Reader:
    """Reads one after the other. Raises `struct.error` or IndexError where the data ends too early."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def _take(self, code: str):
        (value,) = struct.unpack_from(f">{code}", self.data, self.at)
        self.at += struct.calcsize(code)
        return value

    def int8(self) -> int:
        return self._take("b")

    def int16(self) -> int:
        return self._take("h")

    def int32(self) -> int:
        return self._take("i")

    def int64(self) -> int:
        return self._take("q")

    def string(self) -> str | None:
        length = self.int16()
        return None if length < 0 else self.raw(length).decode()

    def blob(self) -> bytes | None:
        length = self.int32()
        return None if length < 0 else self.raw(length)

    def varint(self) -> int:
        """An unsigned one: seven bits in each byte, the lowest first."""
        value = shift = 0
        while True:
            byte = self.raw(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def count(self) -> int:
        """How many elements a compact array has."""
        return max(0, self.varint() - 1)

    def compact_string(self) -> str | None:
        length = self.varint()
        return None if length == 0 else self.raw(length - 1).decode()

    def tags(self) -> dict[int, bytes]:
        """The tagged fields at the end of a structure."""
        return {self.varint(): self.raw(self.varint()) for _ in range(self.varint())}

    def raw(self, length: int) -> bytes:
        self.at += length
        return self.data[self.at - length : self.at]
