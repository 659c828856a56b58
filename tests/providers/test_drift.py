"""Users who join or leave while pages are read: nobody who stayed is missed by a fetch that calls itself whole."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.providers.conftest import fetching
from tests.support.fetching import Fetch
from tests.support.provider import Scripted, users
from tests.support.roster_server import Asked, Behaviour, answer

MANY = users(60)
ROSTER = MANY[10:50]


Changes = Mapping[int, tuple[set[str], set[str]]]
"""Who leaves and who joins, by the number of the request before which they do."""


def after(changes: Changes) -> set[str]:
    """Who is there at last."""
    there = {str(record["sourcedId"]) for record in ROSTER}
    for _, (left, joined) in sorted(changes.items()):
        there = there - left | joined
    return there


def changing(changes: Changes, *, total: bool) -> Behaviour:
    """A provider whose users join and leave."""
    there = {str(record["sourcedId"]) for record in ROSTER}

    def behaviour(asked: Asked) -> Scripted:
        left, joined = changes.get(asked.number, (set(), set()))
        there.difference_update(left)
        there.update(joined)
        now = [record for record in MANY if record["sourcedId"] in there]
        page = now[asked.offset : asked.offset + asked.limit]
        return answer(asked, page, total=len(now) if total else None)

    return behaviour


SWAPPED = {1: ({"U-00010", "U-00011"}, {"U-00058", "U-00059"}), 2: ({"U-00059"}, {"U-00000"})}
"""As many different users come as are announced; U-00020 stays and is not among them."""


@pytest.mark.parametrize("total", [True, False])
@pytest.mark.parametrize("changes", [SWAPPED, {1: ({"U-00010"}, set[str]())}, {3: (set[str](), {"U-00000"})}])
def test_users_who_join_or_leave_meanwhile_make_it_start_over(fetch: Fetch, changes: Changes, total: bool) -> None:
    fetched = fetch(MANY, changing(changes, total=total), parallel=1)

    assert fetched.proof.whole
    assert fetched.distinct == after(changes)


def test_a_total_that_changes_makes_it_start_over(fetch: Fetch) -> None:
    """The one who joins comes behind all pages read so far: no overlap shows it."""
    changes = {4: (set[str](), {"U-00055"})}

    fetched = fetch(MANY, changing(changes, total=True), parallel=1)

    assert fetched.proof.whole
    assert fetched.distinct == after(changes)


def test_it_starts_over_twice_at_most_and_then_reads_on_unproven(fetch: Fetch) -> None:
    """U-00010 leaves and comes back before every second page."""

    def behaviour(asked: Asked) -> Scripted:
        now = MANY[10:50] if asked.number % 2 else MANY[11:50]
        return answer(asked, now[asked.offset : asked.offset + asked.limit], total=len(now))

    fetched = fetch(MANY, behaviour, parallel=1)

    assert not fetched.proof.whole
    assert len(fetched.spans) < 4 * 6


ids = st.sets(st.sampled_from([str(record["sourcedId"]) for record in MANY]), max_size=4)


@settings(max_examples=100, deadline=None)
@given(
    changes=st.dictionaries(st.integers(1, 10), st.tuples(ids, ids), max_size=4),
    total=st.booleans(),
    parallel=st.integers(1, 4),
    page_size=st.integers(2, 25),
)
def test_a_whole_fetch_has_everybody_who_stayed(
    changes: dict[int, tuple[set[str], set[str]]], total: bool, parallel: int, page_size: int
) -> None:
    gone = {sourced_id for left, _ in changes.values() for sourced_id in left}
    stayed = {str(record["sourcedId"]) for record in ROSTER} - gone

    fetched = fetching(MANY, changing(changes, total=total), parallel=parallel, page_size=page_size)

    assert stayed <= fetched.distinct or not fetched.proof.whole
