"""Many nights in whatever order Hypothesis thinks of; it shrinks what fails to the few steps that are needed.

A failure prints these steps, and the line `@reproduce_failure(...)` that replays them when it is put above the test.
"""

import os
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.convergence.administrator import SETTINGS
from tests.convergence.nights import check, last_night, night
from tests.convergence.people import People, a_row
from tests.convergence.test_mutants import without_counting_once, without_lease, without_sweeps
from tests.convergence.world import World

NIGHTS = int(os.environ.get("NIGHTS", "10000"))
STEPS = 25
NIGHTS_OF_AN_EXAMPLE = 20
"""There are fewer, but an example takes as long as so many of the simulated nights."""

MASS_CHANGES = {
    "other e-mail addresses": People.break_emails,
    "another school": People.move_everybody,
    "other sourcedIds": People.number_anew,
    "a broken export": People.lose_most,
}

_seeds = st.integers(0, 2**16)


class Nights(RuleBasedStateMachine):
    """One district; each rule is what somebody does, or how much happens meanwhile and in which order."""

    def __init__(self, faults: int, prepare: Callable[[World], None]) -> None:
        super().__init__()
        self._random = Random(0)
        self._world = World(self._random, {}, faults=faults, check=check)
        self._people = People(self._random, self._world.records)
        prepare(self._world)

    @initialize(seed=_seeds)
    def people_join(self, seed: int) -> None:
        self.people_change(seed, 10)

    @rule(seed=_seeds, number=st.integers(1, 4))
    def people_change(self, seed: int, number: int) -> None:
        self._random.seed(seed)
        for _ in range(number):
            self._people.change()

    @rule(seed=_seeds, what=st.sampled_from(sorted(MASS_CHANGES)))
    def everybody_has(self, seed: int, what: str) -> None:
        self._random.seed(seed)
        MASS_CHANGES[what](self._people)

    @rule(what=st.sampled_from(sorted(SETTINGS)))
    def the_settings_say_that(self, what: str) -> None:
        SETTINGS[what](self._world)

    @rule(seed=_seeds, steps=st.integers(0, 60))
    def a_night_begins(self, seed: int, steps: int) -> None:
        self._world.dispatch()
        self.things_happen(seed, steps)

    @rule(seed=_seeds, nights=st.integers(1, 3))
    def restless_nights_pass(self, seed: int, nights: int) -> None:
        self._random.seed(seed)
        for _ in range(nights):
            night(self._random, self._world, self._people)

    @rule(seed=_seeds)
    def a_night_passes(self, seed: int) -> None:
        self._world.pass_time(timedelta(hours=24))
        self._world.dispatch()
        self.all_that_is_left_happens(seed)

    @rule(seed=_seeds, steps=st.integers(1, 60))
    def things_happen(self, seed: int, steps: int) -> None:
        self._random.seed(seed)
        for _ in range(steps):
            self._world.step()

    @rule(seed=_seeds)
    def all_that_is_left_happens(self, seed: int) -> None:
        self._random.seed(seed)
        self._world.settle()

    @rule(minutes=st.sampled_from([1, 15, 40, 7 * 60]))
    def time_passes(self, minutes: int) -> None:
        self._world.pass_time(timedelta(minutes=minutes))

    @rule(seed=_seeds, rows=st.integers(1, 3))
    def a_file_is_uploaded(self, seed: int, rows: int) -> None:
        self._random.seed(seed)
        self._world.upload([a_row(self._random) for _ in range(rows)])

    @rule(preview=st.booleans())
    def somebody_syncs_now(self, preview: bool) -> None:
        self._world.sync_now(preview=preview)

    @rule(seed=_seeds)
    def somebody_decides(self, seed: int) -> None:
        self._random.seed(seed)
        self._world.decide()

    @rule(seed=_seeds)
    def somebody_takes_a_run_back(self, seed: int) -> None:
        self._random.seed(seed)
        self._world.revert()

    @rule(seed=_seeds)
    def staff_redrives_a_run(self, seed: int) -> None:
        self._random.seed(seed)
        self._world.redrive()

    @rule()
    def runs_are_swept(self) -> None:
        self._world.sweep()

    @rule(seed=_seeds)
    def a_message_is_lost(self, seed: int) -> None:
        self._random.seed(seed)
        self._world.lose_a_message()

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                last_night(self._world)
        finally:
            self._world.end()


def run(
    faults: int,
    *,
    examples: int,
    prepare: Callable[[World], None] = lambda _: None,
    phases: Sequence[Phase] = tuple(Phase),
) -> None:
    class District(Nights):
        def __init__(self) -> None:
            super().__init__(faults, prepare)

    run_state_machine_as_test(
        District,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            phases=phases,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("faults", [0, 1, 3, 10])
def test_whatever_comes_before_it_a_completed_run_leaves_what_the_provider_had(faults: int) -> None:
    run(faults, examples=max(1, NIGHTS // NIGHTS_OF_AN_EXAMPLE // 4))


@pytest.mark.parametrize("mutate", [without_lease, without_counting_once, without_sweeps])
def test_without_a_condition_hypothesis_finds_what_goes_wrong(mutate: Callable[[World], None]) -> None:
    with pytest.raises(AssertionError):
        run(3, examples=300, prepare=mutate, phases=[Phase.generate])
