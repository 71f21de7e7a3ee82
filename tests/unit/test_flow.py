"""How long nobody read a partition, as labs 3 and 15 print it."""

import pytest

from labs.flow import longest_pause


@pytest.mark.parametrize(
    ("read_at", "seconds"),
    [
        ([10.1, 10.2, 13.2, 13.3, 14.9], 3.0),
        ([9.9, 13.5, 13.6, 14.9], 3.5),  # nobody read from the join on
        ([10.1, 10.2], 4.8),  # nor later
        ([], 5.0),
    ],
)
def test_the_longest_pause_begins_with_the_join_and_ends_with_the_observation(read_at, seconds):
    assert longest_pause(read_at, 10.0, 15.0) == pytest.approx(seconds)
