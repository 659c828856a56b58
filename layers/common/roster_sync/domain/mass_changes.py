"""Too many users who would get another e-mail address, or leave a school, in one night: the mark of a broken export."""

from collections.abc import Iterable, Sequence

from roster_sync.domain.change import ChangeKind
from roster_sync.domain.held_changes import HeldKind
from roster_sync.domain.held_users import HeldUsers
from roster_sync.domain.identity import NO_KEY
from roster_sync.domain.limits import Limits, Share
from roster_sync.domain.planned import Planned, Withheld
from roster_sync.domain.roster import Roster


def hold_mass_changes(
    planned: Iterable[Planned], active: Sequence[int], roster: Roster, held: HeldUsers, limits: Limits
) -> tuple[list[Withheld], list[str]]:
    """The updates that are too many of their kind, and why, in sentences; none of either on an ordinary night.

    E-mail addresses are judged in the district and in each school; who had none before counts for nothing. Moves are
    judged in the district alone, for in each summer a school hands over a whole grade, which may be half of it. Who
    leaves a school that is mapped no more has not moved.

    Args:
        planned: All changes but deactivations.
        active: Rows of the active users of mapped schools.
        roster: The users as stored.
        held: The users as they would be.
        limits: Of the district.
    """
    updates = [each for each in planned if each.kind is ChangeKind.UPDATE]
    if limits.lifted or len(updates) <= limits.change.minimum:
        return [], []
    emails = [each for each in updates if roster.email_keys[each.row] not in (NO_KEY, held.email_keys[each.held])]
    schools = roster.mapped_school_ids(each.row for each in updates)
    moves = [
        each for each, before in zip(updates, schools, strict=True) if not before.issubset(held[each.held].school_ids)
    ]
    withheld: dict[int, Withheld] = {}
    reasons: list[str] = []
    for kind, changes, reason in (
        (HeldKind.EMAIL, emails, _too_many_emails(emails, active, roster, limits)),
        (HeldKind.SCHOOL, moves, _too_many_moves(moves, active, limits)),
    ):
        if reason:
            reasons.append(reason)
            for each in changes:
                withheld.setdefault(each.held, Withheld(kind, each))
    return list(withheld.values()), reasons


def _too_many_emails(changes: Sequence[Planned], active: Sequence[int], roster: Roster, limits: Limits) -> str | None:
    share = Share(len(changes), len(active))
    if share.part <= limits.change.minimum:
        return None
    exceeded = limits.change.exceeded_in(roster.shares_by_school([each.row for each in changes], active))
    if not (exceeded or limits.change.is_exceeded(share)):
        return None
    return (
        f"{share.of_users} would get another e-mail address or none{limits.told(exceeded)}. None of them was changed. "
        f"Check the e-mail addresses in the SIS, then approve or discard the list; the limit is {_told(limits)}, in "
        "the district or in a school."
    )


def _too_many_moves(changes: Sequence[Planned], active: Sequence[int], limits: Limits) -> str | None:
    share = Share(len(changes), len(active))
    if not limits.change.is_exceeded(share):
        return None
    return (
        f"{share.of_users} would leave one of their schools. None of them was changed. Check the users' schools in "
        f"the SIS, then approve or discard the list; the limit is {_told(limits)}."
    )


def _told(limits: Limits) -> str:
    return f"{limits.change.percent} % and {limits.change.minimum} users"
