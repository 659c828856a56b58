"""Find users of a district by what somebody knows of them."""

from collections.abc import Mapping
from typing import Protocol

from roster_sync.domain.identifiers import DistrictId, SourcedId, UserId
from roster_sync.domain.identity import user_id_from_sourced_id
from roster_sync.domain.search import UserQuery
from roster_sync.domain.user import StoredUser, normalised_email
from roster_sync.use_cases.ports import UserStore


class UserSearch(Protocol):
    """Searches of users."""

    def page(
        self, district_id: DistrictId, query: UserQuery, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[UserId], str | None]:
        """The ids of users that are found, in order, and the cursor of the next page; None at the end.

        A page may hold fewer than `limit`, even none, and yet have a next one: a call looks at a bounded number.
        """

    def counselors(self, district_id: DistrictId, cursor: str | None = None) -> tuple[Mapping[str, int], str | None]:
        """Counselors' normalised e-mail addresses in a part of the active users, and how many of these have each."""


def find_users(
    district_id: DistrictId,
    text: str,
    query: UserQuery,
    *,
    users: UserStore,
    search: UserSearch,
    cursor: str | None,
    limit: int,
) -> tuple[list[StoredUser], str | None]:
    """Users who are found, and the cursor of the next page, which may hold fewer than `limit`, even none.

    Whoever has just this e-mail address, sourcedId or user_id is found at once, and then nobody else is looked for.

    Args:
        district_id: Whose users.
        text: As typed, empty for none.
        query: With the words of `text`.
        users: Read by id and by e-mail address.
        search: Looks at everybody, part by part.
        cursor: Of a page before.
        limit: Users of a page, at most.
    """
    if cursor is None and query.words:
        exactly = [user for user in _exactly(district_id, text.strip(), users) if passes(user, query)]
        if exactly:
            return exactly[:limit], None
    found, following = search.page(district_id, query, cursor, limit)
    by_id = users.by_ids(district_id, found)
    return [by_id[user_id] for user_id in found if user_id in by_id], following


def _exactly(district_id: DistrictId, text: str, users: UserStore) -> list[StoredUser]:
    found = users.by_ids(district_id, [UserId(text), user_id_from_sourced_id(district_id, SourcedId(text))])
    named = [user for user in found.values() if text == user.user_id or text in user.sourced_ids]
    return named or (users.by_emails(district_id, [text]).get(normalised_email(text), []) if "@" in text else [])


def passes(user: StoredUser, query: UserQuery) -> bool:
    """Whether a user is what a query asks for, whatever its words."""
    return (
        (query.school_id is None or query.school_id in user.school_ids)
        and (query.role is None or query.role is user.role)
        and (query.active is None or query.active is user.active)
        and (query.synced is None or query.synced is bool(user.sourced_ids))
        and (query.counselor_email is None or query.counselor_email == normalised_email(user.counselor_email or ""))
    )
