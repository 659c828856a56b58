"""Each condition that convergence rests on, removed: the simulation must show what goes wrong."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from roster_sync.domain import diff
from roster_sync.domain.change import Chunk
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.lease import Lease
from roster_sync.domain.run import Counts, Run
from roster_sync.domain.usage import NOTHING_USED, Usage
from tests.convergence.nights import live
from tests.convergence.world import World
from tests.support.fakes import InMemoryDistricts, InMemoryRuns, InMemoryUsers

MOST_SEEDS = 1000


class NoLease(InMemoryDistricts):
    """Gives the lease to whoever asks."""

    def acquire(self, district_id: DistrictId, holder: RunId, now: datetime, expires_at: datetime) -> Lease:
        return replace(super().acquire(district_id, RunId("anybody"), now, expires_at), holder=holder)


class NoFence(InMemoryUsers):
    """Writes whatever the stored fence is."""

    def apply(self, chunk: Chunk, now: datetime) -> Counts:
        for change in chunk.changes:
            stored = self.get(chunk.district_id, change.user_id)
            if stored:
                self._store(replace(stored, fence=0))
        return super().apply(chunk, now)


class CountsTwice(InMemoryRuns):
    """Counts a chunk as often as it comes."""

    def count_chunk(self, chunk: Chunk, counts: Counts, usage: Usage = NOTHING_USED) -> bool:
        self._counted.clear()
        return super().count_chunk(chunk, counts, usage)


class ForgetsReadings(InMemoryRuns):
    """Tells of no run that it has read the provider."""

    def page(self, district_id: DistrictId, cursor: str | None = None, limit: int = 50) -> tuple[list[Run], str | None]:
        found, more = super().page(district_id, cursor, limit)
        return [replace(run, reading=None) for run in found], more


def without_lease(world: World) -> None:
    world.districts.__class__ = NoLease


def without_fence(world: World) -> None:
    world.users.__class__ = NoFence


def without_counting_once(world: World) -> None:
    world.runs.__class__ = CountsTwice


def without_the_proof_over_a_hand_over(world: World) -> None:
    world.forgets_readings = True


def without_sweeps(world: World) -> None:
    world.sweep = lambda: None  # type: ignore[method-assign]  # that is the mutation


def without_looking_for_later_syncs(world: World) -> None:
    world.runs.__class__ = ForgetsReadings


def without_whole_fetches(world: World) -> None:
    world.proves = lambda _: True


@pytest.mark.parametrize(
    "mutate",
    [
        without_lease,
        without_fence,
        without_counting_once,
        without_sweeps,
        without_the_proof_over_a_hand_over,
        without_whole_fetches,
        without_looking_for_later_syncs,
    ],
)
def test_what_goes_wrong_without_a_condition_is_seen(mutate: Callable[[World], None]) -> None:
    expect_to_see_it(mutate)


def test_what_goes_wrong_without_holding_mass_changes_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diff, "hold_mass_changes", lambda *_: ([], []))

    expect_to_see_it(lambda _: None)


def expect_to_see_it(mutate: Callable[[World], None]) -> None:
    for seed in range(MOST_SEEDS):
        try:
            live(seed, nights=10, prepare=mutate)
        except AssertionError:
            return
    pytest.fail("Nothing was seen.")
