"""Shapes of what the API takes and gives about the changes that blocked runs hold."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from msgspec import structs
from pydantic import BaseModel, ConfigDict, Field

from roster_sync.domain.errors import ConfigurationError
from roster_sync.domain.held_changes import Action, Decision, HeldChange, HeldKind, Selection, decision_on
from roster_sync.domain.identifiers import SchoolId, SourcedId, UserId
from roster_sync.domain.run import Run
from roster_sync.domain.user import Role, SisUser, StoredUser

_Id = Annotated[str, Field(min_length=1, max_length=64)]


class SelectionBody(BaseModel):
    """What to approve or discard: everything, what concerns a school, or single people's; of one kind, if named."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    all: Literal[True] | None = None
    school_id: _Id | None = None
    user_ids: Annotated[frozenset[_Id] | None, Field(min_length=1, max_length=1_000)] = None
    kind: HeldKind | None = None

    def selection(self) -> Selection:
        """The selection that is meant.

        Raises:
            ConfigurationError: None is, or more than one.
        """
        if sum(each is not None for each in (self.all, self.school_id, self.user_ids)) != 1:
            raise ConfigurationError("Send one of these: all (true), school_id, or user_ids.")
        return Selection(
            school_id=SchoolId(self.school_id) if self.school_id else None,
            user_ids=frozenset(map(UserId, self.user_ids)) if self.user_ids else None,
            kind=self.kind,
        )


class _Answer(BaseModel):
    """What the API gives; a value that does not fit is a defect, and its log must not show the value."""

    model_config = ConfigDict(hide_input_in_errors=True, defer_build=True)


class DecisionOut(_Answer):
    """What was decided. Without `school_id` and `user_ids` it is about everything that was not decided before.

    `users` is how many people it is about. `run_id` names the run that applies an approval.
    """

    action: Action
    school_id: str | None
    user_ids: list[str] | None
    kind: HeldKind | None
    decided_by: str
    decided_at: datetime
    run_id: str | None
    users: int | None

    @classmethod
    def of(cls, decision: Decision) -> Self:
        """The decision with its selection."""
        selection = decision.selection
        return cls(
            action=decision.action,
            school_id=selection.school_id,
            user_ids=sorted(selection.user_ids) if selection.user_ids is not None else None,
            kind=selection.kind,
            decided_by=decision.decided_by,
            decided_at=decision.decided_at,
            run_id=decision.run_id,
            users=decision.users,
        )


class HeldChangeOut(_Answer):
    """One person's change, with the person as now stored; `decision` is null while nobody has decided.

    `changed_since` is true of somebody whom a later run or an upload has written, or who is no longer stored: an
    approval leaves that person alone. `before` and `after` hold what an update would change of that person.
    """

    user_id: str
    kind: HeldKind
    sourced_id: SourcedId | None
    school_ids: list[str]
    given_name: str | None
    family_name: str | None
    email: str | None
    role: Role | None
    status: str | None
    changed_since: bool
    before: dict[str, Any]
    after: dict[str, Any]
    decision: Action | None
    decided_by: str | None
    decided_at: datetime | None
    run_id: str | None

    @classmethod
    def of(cls, held: HeldChange, user: StoredUser | None, decision: Decision | None, blocked: Run) -> Self:
        """The change with who it concerns."""
        written_by_approval = decision and user and user.run_id == decision.run_id
        before, after = _differences(user, held.change.user)
        return cls(
            user_id=held.change.user_id,
            kind=held.kind,
            sourced_id=held.sourced_id,
            school_ids=list(held.school_ids),
            given_name=user.given_name if user else None,
            family_name=user.family_name if user else None,
            email=user.email if user else None,
            role=user.role if user else None,
            status=("active" if user.active else "inactive") if user else None,
            changed_since=(user is None or user.fence > blocked.fence) and not written_by_approval,
            before=before,
            after=after,
            decision=decision.action if decision else None,
            decided_by=decision.decided_by if decision else None,
            decided_at=decision.decided_at if decision else None,
            run_id=decision.run_id if decision else None,
        )


def _differences(user: StoredUser | None, new: SisUser | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """The attributes of the SIS that differ, before and after."""
    if user is None or new is None:
        return {}, {}
    after = {**structs.asdict(new), "metadata": dict(new.metadata) or None}
    names = [name for name, value in after.items() if value != getattr(user, name)]
    return {name: getattr(user, name) for name in names}, {name: after[name] for name in names}


class HeldOut(_Answer):
    """What a run holds, school by school, and what was decided so far; `next_cursor` is null on the last page.

    A page may hold fewer than asked, even none.
    """

    items: list[HeldChangeOut]
    decisions: list[DecisionOut]
    next_cursor: str | None

    @classmethod
    def of(
        cls,
        blocked: Run,
        page: Sequence[HeldChange],
        users: Mapping[UserId, StoredUser],
        decisions: Sequence[Decision],
        next_cursor: str | None,
    ) -> Self:
        """A page of held changes."""
        return cls(
            items=[
                HeldChangeOut.of(held, users.get(held.change.user_id), decision_on(held, decisions), blocked)
                for held in page
            ],
            decisions=[DecisionOut.of(decision) for decision in decisions],
            next_cursor=next_cursor,
        )
