"""Simulated nights: threads that hand over to each other thousands of times a second."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="package", autouse=True)
def on_one_core(worker_id: str) -> Iterator[None]:
    """Keep each worker on a core of its own: to wake a thread on another takes longer than what it then does."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    number = int("".join(filter(str.isdigit, worker_id)) or 0)
    os.sched_setaffinity(0, {sorted(cores)[number % len(cores)]})
    yield
    os.sched_setaffinity(0, cores)
