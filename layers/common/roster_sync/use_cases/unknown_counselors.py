"""Find the counselors' e-mail addresses that name nobody."""

from collections.abc import Mapping

from roster_sync.domain.identifiers import DistrictId
from roster_sync.domain.user import Role
from roster_sync.use_cases.find_users import UserSearch
from roster_sync.use_cases.ports import UserStore


def unknown_counselors(
    district_id: DistrictId, *, users: UserStore, search: UserSearch, cursor: str | None
) -> tuple[Mapping[str, int], str | None]:
    """Normalised addresses of no active counselor, of a part of the active users, and how many of these have each.

    With the cursor of the next part; None at the end. An address may come again in another part.
    """
    named, following = search.counselors(district_id, cursor)
    known = users.by_emails(district_id, named.keys()) if named else {}
    unknown = {
        email: count
        for email, count in named.items()
        if not any(user.active and user.role is Role.COUNSELOR for user in known.get(email, ()))
    }
    return unknown, following
