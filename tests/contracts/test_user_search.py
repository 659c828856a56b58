"""Users are found by words and filters, whatever the parts in which they are looked through, wherever they are kept."""

from collections import Counter
from collections.abc import Iterator

import boto3
import pytest
from msgspec import structs

from roster_sync.domain.identifiers import SchoolId, SourcedId, UserId
from roster_sync.domain.search import UserQuery, words_of
from roster_sync.domain.user import Role, SisUser
from roster_sync.storage.user_search import UserSearch
from roster_sync.storage.users import Users
from tests.contracts.conftest import an_aws
from tests.support.builders import (
    DISTRICT,
    NOW,
    OTHER_DISTRICT,
    RUN,
    a_change,
    a_chunk,
    a_deactivation,
    a_manual_change,
    a_manual_profile,
    a_sis_user,
)
from tests.support.fakes import InMemoryUsers, InMemoryUserSearch
from tests.support.template import create_tables

MANY = 30
HIGH = SchoolId("high")


@pytest.fixture(scope="module", params=["memory", "moto", "ministack"])
def search(request: pytest.FixtureRequest) -> Iterator[InMemoryUserSearch | UserSearch]:
    """A district with many people of one name, and three others, which is only read; a call looks at a few."""
    with an_aws(request.param, request) as suffix:
        if suffix is None:
            users = InMemoryUsers()
            filled(users)
            yield InMemoryUserSearch(users, looked_at=12)
        else:
            table = create_tables(boto3.client("dynamodb"), suffix)["UsersTable"]
            filled(Users(table))
            yield UserSearch(table, looked_at=2, most_counselors=3)


def filled(users: InMemoryUsers | Users) -> None:
    bare = a_sis_user(email=None, identifier=None, username=None)
    many = [
        a_change(
            user_id=UserId(f"u-{number:03d}"),
            user=replace_sis(bare, number, given_name="Max", family_name="Many", sis_counselor_email=counselor(number)),
        )
        for number in range(MANY)
    ]
    zoe = replace_sis(bare, 900, given_name="Zoë", family_name="Núñez", identifier="77-Q", email="zn@example.org")
    gone = replace_sis(bare, 901, given_name="Gone", family_name="Away", school_ids=(HIGH,))
    other = replace_sis(bare, 902, given_name="Zoë", family_name="Other")
    changes = [*many, a_change(user_id=UserId("u-zoe"), user=zoe), a_change(user_id=UserId("u-gone"), user=gone)]
    users.apply(a_chunk(changes), NOW)
    users.apply(a_chunk([a_deactivation("u-gone")], fence=2), NOW)
    users.apply(a_chunk([a_change(user=other)], district_id=OTHER_DISTRICT), NOW)
    manual = a_manual_change(counselor_email="Head@example.org", profile=a_manual_profile(school_ids=(HIGH,)))
    users.apply_manual(DISTRICT, [manual], run_id=RUN, fence=1, products=frozenset(), now=NOW)


def counselor(number: int) -> str | None:
    """One of four, spelt in two ways, for four of five people."""
    return None if number % 5 == 4 else f"{'C' if number % 2 else 'c'}{number % 5}@example.org"


def replace_sis(user: SisUser, number: int, **values: object) -> SisUser:
    return structs.replace(user, **{"sourced_ids": (SourcedId(f"S-{number}"),), "sis_counselor_email": None, **values})


def everybody(search: InMemoryUserSearch | UserSearch, query: UserQuery, limit: int = 50) -> list[str]:
    """All pages, each not longer than the limit."""
    found: list[str] = []
    cursor = None
    while True:
        page, cursor = search.page(DISTRICT, query, cursor, limit)
        assert len(page) <= limit
        found += page
        if cursor is None:
            return found


@pytest.mark.parametrize("text", ["zoë", "ZOE", "nunez zoe", "77-q", "zn@exam", "S-900", "u-zoe", "  zoë  núñ "])
def test_a_person_is_found_by_parts_of_names_address_and_ids(
    search: InMemoryUserSearch | UserSearch, text: str
) -> None:
    assert everybody(search, UserQuery(words=words_of(text))) == ["u-zoe"]


def test_each_word_must_be_there(search: InMemoryUserSearch | UserSearch) -> None:
    assert everybody(search, UserQuery(words=words_of("zoë many"))) == []


@pytest.mark.parametrize("limit", [7, 50])
def test_each_is_found_once_in_order_whatever_the_size_of_pages(
    search: InMemoryUserSearch | UserSearch, limit: int
) -> None:
    found = everybody(search, UserQuery(words=words_of("max")), limit)

    assert found == [f"u-{number:03d}" for number in range(MANY)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (UserQuery(active=False), ["u-gone"]),
        (UserQuery(synced=False), ["m-1"]),
        (UserQuery(role=Role.COUNSELOR), ["m-1"]),
        (UserQuery(school_id=HIGH), ["m-1", "u-gone"]),
        (UserQuery(school_id=HIGH, synced=True, words=("away",)), ["u-gone"]),
        (UserQuery(counselor_email="head@example.org"), ["m-1"]),
        (UserQuery(counselor_email="nobody@example.org"), []),
        (UserQuery(words=("zoe",), active=False), []),
    ],
)
def test_filters_hold_beside_the_words(
    search: InMemoryUserSearch | UserSearch, query: UserQuery, found: list[str]
) -> None:
    assert everybody(search, query) == found


def test_districts_never_meet(search: InMemoryUserSearch | UserSearch) -> None:
    assert search.page(OTHER_DISTRICT, UserQuery(words=("zoe",))) == (["u-1"], None)
    assert everybody(search, UserQuery(words=("other",))) == []


def test_the_counselors_of_active_users_are_counted_part_by_part(search: InMemoryUserSearch | UserSearch) -> None:
    counted: Counter[str] = Counter()
    cursor = None
    while True:
        part, cursor = search.counselors(DISTRICT, cursor)
        counted.update(part)
        if cursor is None:
            break

    assert counted == {"head@example.org": 1, **{f"c{number % 4}@example.org": MANY // 5 for number in range(4)}}
