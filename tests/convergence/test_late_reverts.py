"""A run whose chunks were cut off and came again is taken back: to what was there before it, not in its middle."""

from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.run import RunState
from tests.convergence.nights import check
from tests.convergence.people import People
from tests.convergence.world import World
from tests.support.builders import DISTRICT
from tests.support.fakes import InMemoryChangeLog

SEEDS = 300


def meet(seed: int, prepare: Callable[[World], None] = lambda _: None) -> int:
    """Let a night be cut off again and again while it is applied, and take it back; how many runs take back another."""
    random = Random(seed)
    world = World(random, {}, faults=0, check=check, hand_overs=0)
    prepare(world)
    people = People(random, world.records)
    for _ in range(2):
        for _ in range(4):
            people.change()
        world.pass_time(timedelta(hours=24))
        world.dispatch()
        while world.step():
            applying = any(message.queue == "user-changes" for message in world.messages)
            world.faults = 8 if applying and not world.is_fetching() else 0
    runs, _ = world.runs.page(DISTRICT)
    if any(run.state is RunState.FAILED for run in runs):
        # What it was about to change, and did not, cannot be told from what was changed since.
        return 0
    for _ in range(6):
        world.revert()
        world.settle()
    return len(world.reverted)


class KeepsTheLast(InMemoryChangeLog):
    """Keeps what a chunk finds when it comes again."""

    def keep(self, district_id: DistrictId, run_id: RunId, *, attempt: int, number: int, **named: Any) -> None:
        self._kept.get((district_id, run_id), {}).pop((attempt, number), None)
        super().keep(district_id, run_id, attempt=attempt, number=number, **named)


def without_what_was_there_first(world: World) -> None:
    world.log.__class__ = KeepsTheLast


def test_whom_a_run_changed_is_as_before_it() -> None:
    assert sum(meet(seed) for seed in range(SEEDS)) > SEEDS / 2


def test_without_what_was_there_first_a_user_stays_half_changed() -> None:
    def meet_all() -> None:
        for seed in range(SEEDS):
            meet(seed, without_what_was_there_first)

    with pytest.raises(AssertionError):
        meet_all()
