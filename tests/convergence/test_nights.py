"""Whatever is redelivered, reordered, throttled, killed or changed meanwhile: what a completed run leaves is right."""

import os

import pytest

from tests.convergence.nights import live

NIGHTS = int(os.environ.get("NIGHTS", "10000"))
SEED = os.environ.get("SEED")
NIGHTS_OF_A_DISTRICT = 10
PARTS = 20


@pytest.mark.parametrize("part", range(PARTS))
def test_a_completed_run_leaves_what_the_provider_had(part: int) -> None:
    for seed in range(part, NIGHTS // NIGHTS_OF_A_DISTRICT, PARTS):
        if SEED in (None, str(seed)):
            live(seed, nights=NIGHTS_OF_A_DISTRICT)
