"""Staff sends a run's dead letters again at any moment of the next night: they are applied before it, or not at all."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

import pytest

from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.run import RunState
from tests.convergence.nights import check
from tests.convergence.people import People
from tests.convergence.world import MOST_RECEIVES, World
from tests.support.builders import DISTRICT
from tests.support.fakes import InMemoryDistricts

SEEDS = 300
COMPLETED = {RunState.COMPLETED, RunState.COMPLETED_WITH_ISSUES}


def meet(seed: int, prepare: Callable[[World], None] = lambda _: None) -> RunState:
    """Let a redrive meet the next night; the state of the redriven run in the end."""
    random = Random(seed)
    world = World(random, {}, faults=0, check=check)
    prepare(world)
    people = People(random, world.records)
    failed = None
    while failed is None:
        people.change()
        world.pass_time(timedelta(hours=24))
        world.dispatch()
        while world.step():
            for message in world.messages:
                if message.queue == "user-changes":
                    message.receives = MOST_RECEIVES
        runs, _ = world.runs.page(DISTRICT)
        failed = next((run for run in runs if run.chunks_failed), None)
    for _ in range(random.randrange(3)):
        people.change()
    world.pass_time(timedelta(minutes=random.choice([1, 30])))
    for meeting in random.sample([world.dispatch, world.redrive, world.redrive, world.sweep], 4):
        meeting()
        for _ in range(random.randrange(30)):
            world.step()
    world.settle()
    run = world.runs.get(DISTRICT, failed.run_id)
    assert run
    assert run.state.is_terminal
    assert (run.state in COMPLETED) == (run.chunks_applied == run.chunks_expected)
    return run.state


class RetakesALaterLease(InMemoryDistricts):
    """Gives the lease once more to whoever had it, whoever has had it since."""

    def retake(self, district_id: DistrictId, holder: RunId, fence: int, now: datetime, expires_at: datetime) -> bool:
        return super().retake(district_id, holder, self._fences[district_id], now, expires_at)


def without_the_fence(world: World) -> None:
    world.districts.__class__ = RetakesALaterLease


def test_a_redrive_completes_its_run_or_comes_too_late() -> None:
    states = {meet(seed) for seed in range(SEEDS)}

    assert RunState.FAILED in states
    assert states & COMPLETED


def test_without_the_fence_a_run_is_completed_upon_users_whom_a_later_one_has_read() -> None:
    def meet_all() -> None:
        for seed in range(SEEDS):
            meet(seed, without_the_fence)

    with pytest.raises(AssertionError, match="which read the users without its changes"):
        meet_all()
