"""Three brokers. What they survive is in tests/reliability."""

import socket
import sys

import pytest

from brokers.cluster import LocalNode
from plumbing import Problem
from plumbing.child import Child
from tests.brokers import local_cluster


def test_a_cluster_that_cannot_start_leaves_nothing_behind(tmp_path, monkeypatch):
    started = []

    def launch(node, *_):
        started.append(Child(sys.executable, "-c", "input()", reads=True))
        node._child = started[-1]

    monkeypatch.setattr(LocalNode, "_launch", launch)
    cluster = local_cluster(tmp_path)
    with socket.create_server(("127.0.0.1", cluster.nodes[1].port)), pytest.raises(Problem, match="is taken by"):
        cluster.start()
    assert len(started) == 2
    assert not any(child.running for child in started)
