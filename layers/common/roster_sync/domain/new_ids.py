"""Too many users who come back under new sourcedIds in one night: a new SIS, or one that numbers its people anew."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

from roster_sync.domain.change import ChangeKind
from roster_sync.domain.held_changes import HELD_AT_MOST
from roster_sync.domain.held_users import HeldUsers
from roster_sync.domain.identifiers import UserId
from roster_sync.domain.limits import Limits, Share
from roster_sync.domain.planned import Planned
from roster_sync.domain.roster import Roster
from roster_sync.domain.user import SisUser

_AT_ONCE = 1_000


def pair_by_names(
    strangers: Sequence[int],
    absent: Sequence[int],
    roster: Roster,
    held: HeldUsers,
    load_users: Callable[[Collection[UserId]], Mapping[UserId, SisUser]],
) -> list[Planned]:
    """The strangers and absent users who alone have the same role and both names, for somebody to look through.

    None of more absent users than a run can hold.
    """
    if not strangers or not absent or len(absent) > HELD_AT_MOST:
        return []
    keys = {index: _names(held[index]) for index in strangers}
    wanted = Counter(keys.values())
    found: dict[object, list[int]] = {}
    for start in range(0, len(absent), _AT_ONCE):
        rows = {roster.user_ids[row]: row for row in absent[start : start + _AT_ONCE]}
        for user_id, user in load_users(rows.keys()).items():
            if (key := _names(user)) in wanted:
                found.setdefault(key, []).append(rows[user_id])
    return [
        Planned(ChangeKind.LINK, found[key][0], index)
        for index, key in keys.items()
        if key is not None and wanted[key] == 1 and len(found.get(key, ())) == 1
    ]


def too_many_new_ids(links: Sequence[Planned], active: Sequence[int], roster: Roster, limits: Limits) -> str | None:
    """Why these links wait for a decision, in a sentence; None if they are few."""
    share = Share(len(links), len(active))
    if share.part <= limits.deactivation.minimum:
        return None
    exceeded = limits.deactivation.exceeded_in(roster.shares_by_school([each.row for each in links], active))
    if not (exceeded or limits.deactivation.is_exceeded(share)):
        return None
    return (
        f"{share.of_users} come with new IDs from the SIS{limits.told(exceeded)}. None of them was changed, and none "
        "was created a second time. Look through the list of who is who, then approve or discard it."
    )


def _names(user: SisUser) -> object:
    if not user.given_name or not user.family_name:
        return None
    return user.sis_role, user.given_name.casefold(), user.family_name.casefold()
