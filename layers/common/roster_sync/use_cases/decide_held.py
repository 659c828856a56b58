"""Decide about the changes that a blocked run holds: approve or discard all, those of a school, or single people's."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from roster_sync.domain.audit import Act, Author
from roster_sync.domain.errors import ConflictError, NotFoundError
from roster_sync.domain.held_changes import (
    MOVED_ON,
    Action,
    Decision,
    Selection,
    has_moved_on,
    is_sync_under_way,
)
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.run import Run, RunKind, RunState, approval_run_id
from roster_sync.use_cases.ports import HeldStore, RunStore
from roster_sync.use_cases.request_run import request_run
from roster_sync.use_cases.take_held import runs_since, take_held


def approve_held(
    blocked: Run,
    selection: Selection,
    by: Author,
    *,
    runs: RunStore,
    held: HeldStore,
    request_sync: Callable[[DistrictId, RunId], None],
    now: datetime,
    nonce: str,
) -> Run:
    """A new run, `queued`, that will apply what is approved; what it takes is decided when it begins.

    Raises:
        ConflictError: The run holds nothing or is a preview, a later one has read the provider, or one is about to.
        TransientError: The queue did not take the request; the run has ended `failed`.
    """
    _require_held(blocked)
    since = runs_since(blocked, runs)
    if has_moved_on(blocked, since):
        raise ConflictError(MOVED_ON)
    if is_sync_under_way(blocked, since):
        raise ConflictError("Another sync of this district is waiting or under way. Wait until it has ended.")
    run = Run(
        district_id=blocked.district_id,
        run_id=approval_run_id(now, nonce),
        kind=RunKind.APPROVAL,
        state=RunState.QUEUED,
        created_at=now,
        of_run=blocked.run_id,
    )
    decision = Decision(
        action=Action.APPROVE, selection=selection, decided_by=by.name, decided_at=now, run_id=run.run_id
    )
    held.decide(run.district_id, run.run_id, decision, 1)
    entry = by.did(Act.CHANGES_APPROVED, blocked.district_id, blocked.run_id)
    request_run(run, runs=runs, request_sync=request_sync, entry=entry)
    return run


def discard_held(blocked: Run, selection: Selection, by: Author, *, held: HeldStore, now: datetime) -> Decision:
    """The decision that was stored. Discarded changes are not made; a later sync may come to hold them again.

    Raises:
        ConflictError: The run holds nothing, or is a preview.
        NotFoundError: Nothing that waits for a decision is meant.
    """
    _require_held(blocked)
    decision = Decision(action=Action.DISCARD, selection=selection, decided_by=by.name, decided_at=now)
    entry = by.did(Act.CHANGES_DISCARDED, blocked.district_id, blocked.run_id)
    taken = take_held(blocked, decision, held, entry)
    if not taken:
        raise NotFoundError("Nothing of this waits for a decision. Load the list again.")
    return replace(decision, users=len(taken))


def _require_held(run: Run) -> None:
    if run.kind is RunKind.PREVIEW:
        raise ConflictError("A preview changes nobody. Start a sync, and decide about what that one holds.")
    if not run.state.is_terminal or not run.held:
        raise ConflictError("This run holds nothing that could be approved or discarded.")
