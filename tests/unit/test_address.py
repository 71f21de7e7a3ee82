"""Host and port of a server, in every form that librdkafka takes."""

import pytest

from plumbing.address import addresses


@pytest.mark.parametrize(
    ("servers", "found"),
    [
        ("localhost:9092", [("localhost", 9092)]),
        ("[::1]:9092", [("::1", 9092)]),
        ("PLAINTEXT://kafka:29092", [("kafka", 29092)]),
        ("SASL_SSL://[::1]:9092", [("::1", 9092)]),
        ("a:1, b:2 ,", [("a", 1), ("b", 2)]),
        ("localhost:port", [("localhost", 0)]),
        ("", []),
    ],
)
def test_host_and_port_of_each_server(servers, found):
    assert addresses(servers) == found
