"""Who is named exactly is found at once, and nobody else is looked through."""

import pytest

from roster_sync.domain.identifiers import DistrictId, SourcedId, UserId
from roster_sync.domain.identity import user_id_from_sourced_id
from roster_sync.domain.search import UserQuery, words_of
from roster_sync.domain.user import StoredUser
from roster_sync.use_cases.find_users import find_users
from tests.support.builders import DISTRICT, OTHER_DISTRICT, a_user
from tests.support.fakes import InMemoryUsers, InMemoryUserSearch

LISA = a_user(user_id=user_id_from_sourced_id(DISTRICT, SourcedId("S-1")))
JOANN = a_user(user_id=UserId("u-2"), sourced_ids=(SourcedId("S-12"),), email="mona-lisa@example.org", given_name="Jo")


class CountedSearch(InMemoryUserSearch):
    """Counts its calls."""

    calls = 0

    def page(
        self, district_id: DistrictId, query: UserQuery, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[UserId], str | None]:
        self.calls += 1
        return super().page(district_id, query, cursor, limit)


def find(search: CountedSearch, users: InMemoryUsers, text: str, **query: bool) -> list[StoredUser]:
    wanted = UserQuery(words=words_of(text), **query)  # type: ignore[arg-type]  # active or synced only
    found, cursor = find_users(DISTRICT, text, wanted, users=users, search=search, cursor=None, limit=10)
    assert cursor is None
    return found


@pytest.mark.parametrize("text", ["LISA@example.org", "S-1", LISA.user_id, " S-1 "])
def test_a_whole_address_or_id_is_found_without_a_look_at_everybody(text: str) -> None:
    users = InMemoryUsers(LISA, JOANN)
    search = CountedSearch(users)

    assert (find(search, users, text), search.calls) == ([LISA], 0)


def test_else_everybody_is_looked_at() -> None:
    users = InMemoryUsers(LISA, JOANN)
    search = CountedSearch(users)

    found = find(search, users, "lisa@")

    assert ({user.user_id for user in found}, search.calls) == ({LISA.user_id, JOANN.user_id}, 1)


def test_filters_hold_for_whoever_is_named_exactly() -> None:
    users = InMemoryUsers(LISA)

    assert find(CountedSearch(users), users, "S-1", active=False) == []
    assert find(CountedSearch(users), users, "S-1", synced=True) == [LISA]


def test_an_id_that_is_somebody_else_s_by_now_is_not_taken_for_the_person() -> None:
    other = a_user(user_id=LISA.user_id, sourced_ids=(SourcedId("S-2"),))
    users = InMemoryUsers(other)

    assert find(CountedSearch(users), users, "S-1") == []


def test_nobody_of_another_district_is_found() -> None:
    users = InMemoryUsers(a_user(district_id=OTHER_DISTRICT))

    assert find(CountedSearch(users), users, "lisa@example.org") == []
