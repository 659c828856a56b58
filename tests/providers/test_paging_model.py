"""However a provider pages: the fetch ends, asks for no more than it must, and is whole only if nobody is missed.

The same examples each time, so that what one change breaks is not met by another; more of them show more.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roster_sync.domain.errors import RosterSyncError
from tests.providers.conftest import fetching
from tests.support.provider import Scripted, users
from tests.support.roster_server import Asked, answer, links

MANY = users(36)
STAYS = frozenset(str(record["sourcedId"]) for record in MANY[8:28])
COMES_AND_GOES = [str(record["sourcedId"]) for record in MANY if record["sourcedId"] not in STAYS]


@dataclass(frozen=True, kw_only=True)
class Model:
    """A provider by how it deviates from the standard.

    Attributes:
        count: Of those who may come and go, so many are there at first.
        total: What it announces.
        offsets: How it understands an offset.
        repeats: So many records of the page before come again with each page.
        fails: The status with which a request is answered, by its number.
        short: Pages, by the number of their request, that hold this many records.
        drift: Who comes, or goes if they are there, by the number of the request before which they do.
    """

    count: int
    cap: int
    total: str
    offsets: str
    linked: bool
    repeats: int
    fails: Mapping[int, int]
    short: Mapping[int, int]
    drift: Mapping[int, set[str]]

    @property
    def is_honest(self) -> bool:
        """Whether nobody comes or goes and nothing misleads: then everybody must come."""
        return not self.drift and not self.short and not self.repeats and self.total in ("right", "none")


class Provider:
    """Plays a model."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.there = {*STAYS, *COMES_AND_GOES[: model.count]}
        self.stayed = set(self.there)

    def __call__(self, asked: Asked) -> Scripted:
        model = self.model
        changing = model.drift.get(asked.number, set())
        self.stayed -= changing
        self.there ^= changing
        if status := model.fails.get(asked.number):
            return Scripted(b"", status)
        now = [record for record in MANY if record["sourcedId"] in self.there]
        limit = min(asked.limit, model.cap, model.short.get(asked.number, asked.limit))
        offset = max(self._offset(asked) - model.repeats, 0)
        page = now[offset : offset + limit]
        totals = {"right": len(now), "none": None, "0": 0, "page": len(page), "low": len(now) - 7, "high": len(now) + 7}
        return answer(asked, page, total=totals[model.total], links=links(asked) if model.linked else None)

    def _offset(self, asked: Asked) -> int:
        match self.model.offsets:
            case "from 1":
                return max(asked.offset - 1, 0)
            case "multiple before":
                return asked.offset // asked.limit * asked.limit
            case "next multiple":
                return -(-asked.offset // asked.limit) * asked.limit
            case "page number":
                return asked.offset * asked.limit
            case _:
                return asked.offset


numbers = st.integers(0, 12)
models = st.builds(
    Model,
    count=st.integers(0, 16),
    cap=st.sampled_from([3, 7, 1000]),
    total=st.sampled_from(["right", "right", "none", "none", "0", "page", "low", "high"]),
    offsets=st.sampled_from(["right", "right", "from 1", "multiple before", "next multiple", "page number"]),
    linked=st.booleans(),
    repeats=st.sampled_from([0, 0, 0, 1, 3]),
    fails=st.dictionaries(numbers, st.sampled_from([429, 500, 502, 503, 504]), max_size=2),
    short=st.dictionaries(numbers, st.integers(1, 5), max_size=2),
    drift=st.dictionaries(numbers, st.sets(st.sampled_from(COMES_AND_GOES), max_size=3), max_size=2),
).filter(lambda model: model.repeats < model.cap or model.total != "page")
"""None that gives its first page over and over and counts no more: it has just these users, as far as one can see."""


@settings(max_examples=30, deadline=None, derandomize=True)
@given(model=models, page_size=st.integers(3, 15), parallel=st.integers(1, 5))
def test_a_fetch_ends_and_is_whole_only_with_everybody_who_stayed(model: Model, page_size: int, parallel: int) -> None:
    provider = Provider(model)

    try:
        fetched = fetching(MANY, provider, page_size=page_size, parallel=parallel)
    except RosterSyncError:
        # Told, not silent; of what does not deviate nothing is ever refused.
        assert not model.is_honest or model.fails or model.offsets != "right"
        return

    # Without overlap only the total shows that some have gone while others came: docs/architecture.md says so.
    rounds = model.offsets not in ("right", "from 1")
    assert provider.stayed <= fetched.distinct or not fetched.proof.whole or (rounds and model.drift)
    assert fetched.proof.whole == (fetched.proof.reason is None)
    if model.is_honest and model.offsets == "right" and not model.fails:
        assert fetched.distinct == provider.there
        assert fetched.proof.whole
    readings = 1 + 2 + 2
    a_page = max(min(page_size, model.cap) - 1 - model.repeats, 1)
    assert len(fetched.spans) <= readings * (2 * len(MANY) / a_page + 10 + 2 * parallel + 10)


@pytest.mark.parametrize("offsets", ["right", "from 1"])
@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    count=st.integers(0, 16),
    cap=st.sampled_from([3, 7, 1000]),
    total=st.sampled_from(["right", "none"]),
    fails=st.dictionaries(st.integers(0, 30), st.sampled_from([429, 503]), max_size=3),
    page_size=st.integers(3, 15),
    parallel=st.integers(1, 5),
)
def test_a_provider_that_fails_now_and_then_is_read_whole(
    offsets: str, count: int, cap: int, total: str, fails: dict[int, int], page_size: int, parallel: int
) -> None:
    provider = Provider(
        Model(
            count=count,
            cap=cap,
            total=total,
            offsets=offsets,
            linked=False,
            repeats=0,
            fails={number: status for number, status in fails.items() if number % 4 == 0},
            short={},
            drift={},
        )
    )

    fetched = fetching(MANY, provider, page_size=page_size, parallel=parallel)

    assert fetched.distinct == provider.there
    assert fetched.proof.whole
