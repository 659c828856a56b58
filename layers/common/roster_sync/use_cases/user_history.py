"""Tell the last changes of one user, each by the run that made it."""

from collections.abc import Sequence
from dataclasses import dataclass

from roster_sync.domain.change import ChangeKind
from roster_sync.domain.identifiers import DistrictId, RunId, UserId
from roster_sync.domain.user_change import Attributes, UserChange, written
from roster_sync.use_cases.ports import ChangeLog, UserStore
from roster_sync.use_cases.show_changes import seen_of

MOST: int = 30
"""Changes that are told; each is one read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastChange:
    """A change of a user by a run.

    Attributes:
        at: When it was written, as it is stored.
        before: Of the attributes that differ, those that were there.
        after: Of the attributes that differ, those that were there then; both are empty for a creation.
    """

    run_id: RunId
    at: str
    kind: ChangeKind
    before: Attributes
    after: Attributes


def history_of(
    district_id: DistrictId, user_id: UserId, *, users: UserStore, log: ChangeLog, most: int = MOST
) -> Sequence[PastChange]:
    """The last changes of a user, newest first, back to the creation, or as far as changes are kept.

    Each kept change names the write before it, so they are read one by one.
    """
    user = users.snapshots(district_id, [user_id]).get(user_id)
    write = written(user) if user else None
    found: list[PastChange] = []
    while write is not None and write.part is not None and len(found) < most:
        run_id = RunId(write.run_id)
        change = _change_of(user_id, log.part(district_id, run_id, write.part))
        if change is None:
            break
        found.append(
            PastChange(
                run_id=run_id,
                at=write.at,
                kind=change.kind,
                before=seen_of(change.before),
                after=seen_of(change.after),
            )
        )
        write = change.previous
    return found


def _change_of(user_id: UserId, changes: Sequence[UserChange]) -> UserChange | None:
    return next((change for change in changes if change.user_id == user_id), None)
