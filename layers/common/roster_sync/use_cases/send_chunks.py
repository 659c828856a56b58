"""Send the chunks of a run that is applying; the last one applied ends it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from roster_sync.domain.change import Change, Chunk
from roster_sync.domain.lease import LEASE_TIME
from roster_sync.domain.run import Run, RunState
from roster_sync.use_cases.close_run import close_if_applied
from roster_sync.use_cases.ports import ChangeQueue, LeaseStore, RunStore


def chunks_of(
    run: Run,
    bounds: Iterable[tuple[int, int]],
    changes: Callable[[int, int], Sequence[Change]],
    products: frozenset[str] = frozenset(),
    unchanged_since: int | None = None,
) -> Iterator[Chunk]:
    """A run's chunks, each made when it is wanted.

    Args:
        run: Which sends them.
        bounds: Of `chunk_bounds`.
        changes: Those from the first of two numbers to before the second.
        products: Of each chunk.
        unchanged_since: Of each chunk.
    """
    for number, (start, stop) in enumerate(bounds, start=1):
        yield Chunk(
            district_id=run.district_id,
            run_id=run.run_id,
            attempt=run.attempt,
            fence=run.fence,
            number=number,
            products=products,
            changes=changes(start, stop),
            unchanged_since=unchanged_since,
        )


def send_chunks(
    run: Run,
    chunks: Iterable[Chunk],
    *,
    runs: RunStore,
    leases: LeaseStore,
    queue: ChangeQueue,
    clock: Callable[[], datetime],
) -> RunState | None:
    """Send them, and end the run if there are none; its state, if this call ended it."""
    # The first chunk may wait its turn behind a whole night of other districts.
    if not leases.renew(run.district_id, run.run_id, clock() + LEASE_TIME):
        return None
    queue.send(chunks)
    stored = runs.get(run.district_id, run.run_id)
    return close_if_applied(stored, runs=runs, leases=leases, now=clock()) if stored else None
