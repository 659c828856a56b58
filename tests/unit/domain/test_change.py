"""Chunks: all changes, once, in order, within the limits of a message."""

from hypothesis import given
from hypothesis import strategies as st

from roster_sync.domain.change import chunk_bounds

MOST_CHANGES = 250
MOST_BYTES = 200_000

_sizes = st.lists(st.integers(1, 3_000) | st.sampled_from([199_999, 200_000, 200_001]), max_size=600)


@given(_sizes)
def test_the_chunks_cover_every_change_once_and_in_order(sizes: list[int]) -> None:
    bounds = chunk_bounds(sizes)

    covered = [position for start, stop in bounds for position in range(start, stop)]
    assert covered == list(range(len(sizes)))
    assert all(start < stop for start, stop in bounds)


@given(_sizes)
def test_no_chunk_is_over_a_limit_but_a_single_change_that_is(sizes: list[int]) -> None:
    for start, stop in chunk_bounds(sizes):
        assert stop - start <= MOST_CHANGES
        assert stop - start == 1 or sum(sizes[start:stop]) <= MOST_BYTES


@given(_sizes)
def test_no_chunk_could_have_taken_the_next_change_too(sizes: list[int]) -> None:
    bounds = chunk_bounds(sizes)

    for start, stop in bounds[:-1]:
        assert stop - start == MOST_CHANGES or sum(sizes[start : stop + 1]) > MOST_BYTES


def test_nothing_to_send_makes_no_chunk() -> None:
    assert chunk_bounds([]) == []


def test_changes_without_size_are_sent_too() -> None:
    assert chunk_bounds(iter([0, 0])) == [(0, 2)]
