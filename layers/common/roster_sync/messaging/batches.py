"""Batches within the limits of an API, sent until all entries are taken."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

_Item = TypeVar("_Item")


def batches(
    items: Iterable[_Item], size_bytes: Callable[[_Item], int], *, most: int, most_bytes: int
) -> Iterator[list[_Item]]:
    """The items in order, at most so many and so many bytes a batch; one that is larger comes alone."""
    batch: list[_Item] = []
    total = 0
    for item in items:
        size = size_bytes(item)
        if len(batch) == most or (batch and total + size > most_bytes):
            yield batch
            batch, total = [], 0
        batch.append(item)
        total += size
    if batch:
        yield batch


def all_taken(
    entries: list[_Item],
    send: Callable[[list[_Item]], list[_Item]],
    longest_pauses_s: Sequence[float],
    pause: Callable[[float], None],
) -> bool:
    """Whether all entries were taken, at once or in a further try after each of these pauses.

    Args:
        entries: Of one batch.
        send: Gives those back that were not taken.
        longest_pauses_s: At most; half of each on average.
        pause: Waits for so many seconds.
    """
    left = send(entries)
    for longest_s in longest_pauses_s:
        if not left:
            break
        pause(random.uniform(0, longest_s))  # noqa: S311 - spreads tries, guards nothing
        left = send(left)
    return not left
