"""Whatever is redelivered, reordered, throttled, killed or changed meanwhile: what a completed run leaves is right."""

import os

import pytest

from tests.convergence.nights import live

NIGHTS = int(os.environ.get("NIGHTS", "10000"))
SEED = os.environ.get("SEED")
NIGHTS_OF_A_DISTRICT = 10
SEEDS = [int(SEED)] if SEED else range(max(1, NIGHTS // NIGHTS_OF_A_DISTRICT))
PARTS = min(20, len(SEEDS))


@pytest.mark.parametrize("part", range(PARTS))
def test_a_completed_run_leaves_what_the_provider_had(part: int) -> None:
    for seed in SEEDS[part::PARTS]:
        live(seed, nights=NIGHTS_OF_A_DISTRICT)
