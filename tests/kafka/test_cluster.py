"""Three brokers. What they survive is in tests/reliability."""

import pytest

from tests.brokers import local_cluster


def test_a_cluster_that_cannot_start_leaves_nothing_behind(tmp_path):
    cluster = local_cluster(tmp_path)
    blocked = tmp_path / "kafka-1" / "data"
    blocked.parent.mkdir(parents=True)
    blocked.write_text("a file where a folder should be")
    with pytest.raises(Exception, match="kafka-1"):
        cluster.start()
    assert not any(node.running for node in cluster.nodes)
