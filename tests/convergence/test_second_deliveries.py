"""A chunk is given up while a second delivery of it is in work: its run does not end under it."""

import json
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from roster_sync.domain.run import Run
from roster_sync.use_cases import keep_dead_letter
from tests.convergence.nights import check
from tests.convergence.people import People
from tests.convergence.world import Message, World
from tests.support.builders import DISTRICT

SEEDS = 200


def meet(seed: int) -> Run:
    """Let a chunk's dead letter be read while the chunk is applied; the run, as it has ended."""
    random = Random(seed)
    world = World(random, {}, faults=0, check=check, hand_overs=0)
    people = People(random, world.records)
    chunks: list[Message] = []
    while not chunks:
        people.change()
        world.pass_time(timedelta(hours=24))
        world.dispatch()
        while world.step() and not chunks:
            chunks = [message for message in world.messages if message.queue == "user-changes"]
    for chunk in chunks:
        body = json.dumps([chunk.queue, chunk.body])
        for message in (replace(chunk), Message("dead-letters", body, world.now)):
            world.messages.append(message)
            world._deliver(message)
        world.messages.remove(chunk)
    world.settle()
    for _ in range(4):
        world.pass_time(timedelta(minutes=15))
        world.sweep()
        world.settle()
    (run,) = [run for run in world.runs.page(DISTRICT)[0] if run.chunks_expected][:1]
    assert run.state.is_terminal
    return run


def test_the_chunk_is_applied_or_it_is_kept_and_never_both_in_a_run_that_fails() -> None:
    runs = [meet(seed) for seed in range(SEEDS)]

    assert {run.chunks_applied == run.chunks_expected for run in runs} == {True}


def test_without_waiting_for_the_chunk_its_run_is_ended_under_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keep_dead_letter, "CHUNK_TIME", timedelta(days=-1))

    def meet_all() -> None:
        for seed in range(SEEDS):
            meet(seed)

    with pytest.raises(AssertionError, match="worked on it"):
        meet_all()
