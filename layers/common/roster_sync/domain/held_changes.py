"""Changes that a blocked run holds aside, and what an administrator decides about them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from roster_sync.domain.change import Change
from roster_sync.domain.identifiers import RunId, SchoolId, SourcedId, UserId
from roster_sync.domain.run import Run

HELD_AT_MOST: Final = 100_000
"""Of one run, so that they are written within a minute or two; the sync after the approval holds the rest."""


class HeldKind(StrEnum):
    """Why a change is held."""

    DEACTIVATION = "deactivation"
    """The provider no longer sends the user."""
    EMAIL = "email"
    """The user would get another e-mail address, or none."""
    SCHOOL = "school"
    """The user would leave a school."""
    NEW_ID = "new_id"
    """A record with another sourcedId would take the user over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldChange:
    """A change of one user that waits for a decision.

    Attributes:
        number: Its place in the run's list, from 1.
        sourced_id: The user's first; None if all that the user has are by now another user's.
        school_ids: Of the user as stored, and as the change would have it.
    """

    number: int
    kind: HeldKind
    change: Change
    sourced_id: SourcedId | None
    school_ids: tuple[SchoolId, ...]


MOVED_ON: Final = "A later sync has read the provider since. Look at what that one holds, and decide about it."


class Action(StrEnum):
    """What becomes of held changes."""

    APPROVE = "approve"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Some of a run's held changes: all, unless narrowed by a school, by users, or by their kind."""

    school_id: SchoolId | None = None
    user_ids: frozenset[UserId] | None = None
    kind: HeldKind | None = None

    def takes(self, held: HeldChange) -> bool:
        """Whether a change is among them."""
        return (
            (self.school_id is None or self.school_id in held.school_ids)
            and (self.user_ids is None or held.change.user_id in self.user_ids)
            and (self.kind is None or self.kind is held.kind)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What an administrator has decided.

    Attributes:
        decided_by: Whom the token was issued to.
        run_id: The run that applies an approval; None for a discard.
        users: How many users it is about, without those who were decided about before; None while that is not known.
    """

    action: Action
    selection: Selection
    decided_by: str
    decided_at: datetime
    run_id: RunId | None = None
    users: int | None = None


def decision_on(held: HeldChange, decisions: Iterable[Decision]) -> Decision | None:
    """The decision about a change, the first one that takes it; None if it still waits."""
    return next((decision for decision in decisions if decision.selection.takes(held)), None)


def has_moved_on(blocked: Run, runs: Iterable[Run]) -> bool:
    """Whether another run has read the provider since, so that what a run holds says nothing any more.

    Who came back at the provider was written by nobody: only another look at the provider tells.
    """
    return any(run.kind.is_sync and run.reading and run.fence > blocked.fence for run in runs)


def is_sync_under_way(blocked: Run, runs: Iterable[Run]) -> bool:
    """Whether a sync that began after a run has not ended yet."""
    return any(run.kind.is_sync and not run.state.is_terminal and run.run_id > blocked.run_id for run in runs)
