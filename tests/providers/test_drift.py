"""Users who join or leave while pages are read: nobody who stayed is missed by a fetch that calls itself whole."""

from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.providers.conftest import fetching
from tests.support.fetching import Fetch
from tests.support.provider import Scripted, users
from tests.support.roster_server import Asked, Behaviour, answer, standard

MANY = users(60)
ROSTER = MANY[10:50]


def changing(changes: Mapping[int, tuple[set[str], set[str]]], *, total: bool) -> Behaviour:
    """Before the request of a number, some leave and others join."""
    there = {str(record["sourcedId"]) for record in ROSTER}

    def behaviour(asked: Asked) -> Scripted:
        left, joined = changes.get(asked.number, (set(), set()))
        there.difference_update(left)
        there.update(joined)
        now = [record for record in MANY if record["sourcedId"] in there]
        page = now[asked.offset : asked.offset + asked.limit]
        return answer(asked, page, total=len(now) if total else None)

    return behaviour


def test_one_who_leaves_while_another_joins_leaves_the_fetch_unproven(fetch: Fetch) -> None:
    """As many different users come as are announced; U-00020 stayed and is not among them."""
    changes = {1: ({"U-00010", "U-00011"}, {"U-00058", "U-00059"}), 2: ({"U-00059"}, {"U-00000"})}

    fetched = fetch(MANY, changing(changes, total=True), parallel=1)

    assert "U-00020" not in fetched.distinct
    assert len(fetched.distinct) == fetched.proof.announced == 40
    assert fetched.proof.reason == "Users joined or left while the provider's pages were read."


def test_one_who_leaves_where_no_total_is_given_leaves_the_fetch_unproven(fetch: Fetch) -> None:
    assert not fetch(MANY, changing({1: ({"U-00010"}, set())}, total=False)).proof.whole


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


def test_a_provider_that_takes_only_multiples_of_the_limit_is_read_without_overlap(fetch: Fetch) -> None:
    def behaviour(asked: Asked) -> Scripted:
        return answer(asked, asked.page(asked.offset // asked.limit * asked.limit), total=len(asked.records))

    fetched = fetch(users(40), behaviour)

    assert fetched.records == users(40)
    assert fetched.proof.whole


def test_a_provider_that_refuses_other_offsets_is_read_without_overlap(fetch: Fetch) -> None:
    def behaviour(asked: Asked) -> Scripted:
        return Scripted({}, 400) if asked.offset % asked.limit else standard(asked)

    fetched = fetch(users(40), behaviour)

    assert fetched.records == users(40)
    assert fetched.proof.whole
