"""The deployed local stack, once for all tests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from local.stack import Stack, local_stack
from tests.e2e.district import LiveDistrict, a_live_district

ADistrict = Callable[..., LiveDistrict]


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The system, deployed where each function is held to its policy; the commands' own stacks are not."""
    with local_stack("e2e", enforce_iam=True) as deployed:
        yield deployed


@pytest.fixture
def a_district() -> Iterator[ADistrict]:
    """Makes districts, each with a provider of its own, that are switched off after the test."""
    with ExitStack() as districts:
        yield lambda stack: districts.enter_context(a_live_district(stack))
