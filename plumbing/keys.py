"""To which partition a key goes."""


def partition_of_key(key: str, partitions: int) -> int:
    """The partition to which an event with this key goes: Kafka's Java clients, and librdkafka's `murmur2_random`."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def murmur2(key: bytes) -> int:
    """The hash of Kafka's Java clients (org.apache.kafka.common.utils.Utils.murmur2): unsigned, 32 bits."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = 0x9747B28C ^ len(key)
    whole = len(key) & ~3
    for start in range(0, whole, 4):
        k = int.from_bytes(key[start : start + 4], "little") * m & mask
        h = (h * m & mask) ^ ((k ^ k >> 24) * m & mask)
    if rest := key[whole:]:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15
