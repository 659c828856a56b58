"""A chunk that comes when its run is given up: it is applied whole and its run goes on, or it writes nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest

from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.run import Run, RunState
from roster_sync.domain.silence import MOST_RESUMES
from tests.convergence.people import People
from tests.convergence.world import World
from tests.support.builders import DISTRICT
from tests.support.fakes import InMemoryDistricts

SEEDS = 300


def meet(seed: int, prepare: Callable[[World], None] = lambda _: None) -> Run:
    """Let a sweep meet a chunk of a run that was silent for too long; the run, as it has ended."""
    random = Random(seed)
    world = World(random, {}, faults=0, check=lambda _, __: None)
    prepare(world)
    people = People(random, world.records)
    while not world.messages:
        people.change()
        world.dispatch()
        while world.step() and not any(message.queue == "user-changes" for message in world.messages):
            pass
    while world.is_fetching():
        next(each for each in world.under_way if each.name == "sync-requests").go_on()
        world.under_way = [each for each in world.under_way if not each.ended]
    (run,) = [run for run in world.runs.page(DISTRICT)[0] if not run.state.is_terminal]
    world.runs._runs[DISTRICT, run.run_id] = replace(run, resumes=MOST_RESUMES, resumed_at=world.now)
    world.pass_time(timedelta(hours=7))
    world.sweep()
    world.settle()
    ended = world.runs.get(DISTRICT, run.run_id)
    assert ended
    assert (ended.state is RunState.FAILED) == (world.users.writes == 0)
    return ended


class GivesBackARenewedLease(InMemoryDistricts):
    """Forgets that the lease was to be given back only as it was seen."""

    def release(self, district_id: DistrictId, holder: RunId, expires_at: datetime | None = None) -> bool:
        return super().release(district_id, holder)


def without_the_lease_as_seen(world: World) -> None:
    world.districts.__class__ = GivesBackARenewedLease


def test_whoever_comes_first_wins() -> None:
    states = {meet(seed).state for seed in range(SEEDS)}

    assert RunState.FAILED in states
    assert states & {RunState.COMPLETED, RunState.COMPLETED_WITH_ISSUES}


def test_without_looking_whether_the_lease_was_renewed_a_run_at_work_is_given_up() -> None:
    def meet_all() -> None:
        for seed in range(SEEDS):
            meet(seed, without_the_lease_as_seen)

    with pytest.raises(AssertionError, match="worked on it"):
        meet_all()
