"""The hash of keys: Kafka's own test vectors."""

import pytest

from plumbing import keys

# UtilsTest.testMurmur2 of kafka-clients.
MURMUR2 = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("key", "signed"), MURMUR2.items())
def test_murmur2_is_kafkas(key, signed):
    assert keys.murmur2(key) == signed & 0xFFFFFFFF
