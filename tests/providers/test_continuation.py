"""A fetch that hands over between any two pages: it reads none twice, and comes to what one invocation comes to."""

from contextlib import closing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from roster_sync.domain.journal import Journal
from roster_sync.oneroster.client import OneRosterClient
from tests.providers.conftest import AT_ONCE, STANDARD, fetching
from tests.providers.test_drift import MANY, ROSTER, after, changing
from tests.support.builders import NOW
from tests.support.fetching import Fetched
from tests.support.provider import Scripted, users
from tests.support.roster_server import Asked, Behaviour, Records, RosterServer, answer, standard

FIFTY = users(50)


def in_invocations(records: Records, behaviour: Behaviour = standard, *, every: int = 1, **client: Any) -> Fetched:
    """A fetch that hands over after so many pages that the provider gave, each time to another client."""
    options: dict[str, Any] = {"allow_local": True, "page_size": 10, "parallel": 1, "retry": AT_ONCE}
    parts: list[bytes] = []
    with RosterServer({"users": records}, behaviour, sign_in=STANDARD.sign_in()) as server:
        for _ in range(1000):
            journal = Journal(NOW, parts)
            with closing(OneRosterClient(server.base_url, **STANDARD.given(server), **options | client)) as opened:
                opened.remember(journal)
                came: list[Any] = []
                given = 0
                for page in opened.pages("users"):
                    if page.starts_over:
                        came.clear()
                    came += page.records
                    given += journal.has_news
                    if journal.has_news:
                        parts.append(journal.next_part(opened.requests_made))
                    if given == every:
                        break
                else:
                    distinct = {record["sourcedId"] for record in came}
                    return Fetched(came, opened.proof(len(distinct)), server.spans_of("users"))
    pytest.fail("It never ends.")


def without_a_total(asked: Asked) -> Scripted:
    return answer(asked, asked.page())


def four_at_most(asked: Asked) -> Scripted:
    return answer(asked, asked.page(limit=min(4, asked.limit)), total=len(asked.records))


def counting_from_one(asked: Asked) -> Scripted:
    return answer(asked, asked.page(max(asked.offset - 1, 0)), total=len(asked.records))


def multiples_only(asked: Asked) -> Scripted:
    return answer(asked, asked.page(asked.offset // asked.limit * asked.limit), total=len(asked.records))


def too_large_beyond_five(asked: Asked) -> Scripted:
    return Scripted("", status=504) if asked.limit > 5 else standard(asked)


BEHAVIOURS = [standard, without_a_total, four_at_most, counting_from_one, multiples_only, too_large_beyond_five]


@pytest.mark.parametrize("every", [1, 2, 3])
@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_all_users_come_and_as_much_is_proven_as_in_one_invocation(behaviour: Behaviour, every: int) -> None:
    at_once = fetching(FIFTY, behaviour, parallel=1)

    handed_over = in_invocations(FIFTY, behaviour, every=every)

    assert handed_over.distinct == at_once.distinct == {record["sourcedId"] for record in FIFTY}
    assert handed_over.proof == at_once.proof


@pytest.mark.parametrize("behaviour", [standard, four_at_most, counting_from_one])
def test_no_page_is_asked_for_twice(behaviour: Behaviour) -> None:
    at_once = fetching(FIFTY, behaviour, parallel=1)

    handed_over = in_invocations(FIFTY, behaviour)

    assert sorted(set(handed_over.spans)) == sorted(set(at_once.spans))
    # But what is asked for behind the end, by a request whose failure would mean nothing.
    assert len(handed_over.spans) - len(set(handed_over.spans)) <= len(at_once.spans) - len(set(at_once.spans))


def test_who_leaves_between_two_invocations_makes_it_start_over() -> None:
    """The page that the next invocation asks for begins with the last record that the one before has got."""
    changes = {2: ({"U-00010"}, set[str]())}

    fetched = in_invocations(MANY, changing(changes, total=False))

    assert fetched.proof.whole
    assert fetched.distinct == after(changes)


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.integers(1, 12),
        st.tuples(
            st.sets(st.sampled_from([str(record["sourcedId"]) for record in ROSTER]), max_size=3),
            st.sets(st.sampled_from([str(record["sourcedId"]) for record in MANY]), max_size=3),
        ),
        max_size=4,
    ),
    st.booleans(),
    st.integers(1, 4),
)
def test_nobody_who_stayed_is_missed_by_a_fetch_that_calls_itself_whole(
    changes: dict[int, tuple[set[str], set[str]]],
    total: bool,
    every: int,
) -> None:
    fetched = in_invocations(MANY, changing(changes, total=total), every=every)

    stayed = {str(record["sourcedId"]) for record in ROSTER}
    for left, _ in changes.values():
        stayed -= left
    assert not fetched.proof.whole or fetched.distinct >= stayed
