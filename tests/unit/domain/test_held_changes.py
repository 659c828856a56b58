"""Which held changes a decision takes, and when it is too late for one."""

import pytest

from roster_sync.domain.fetch_plan import SchoolLists, Scope
from roster_sync.domain.held_changes import HeldKind, Selection, decision_on, has_moved_on, is_sync_under_way
from roster_sync.domain.identifiers import SchoolId, UserId
from roster_sync.domain.reading import Reading
from roster_sync.domain.run import Run, RunKind, RunState, approval_run_id, is_approval, is_upload, upload_run_id
from tests.support.builders import LATER_RUN, NOW, RUN, a_decision, a_held_change, a_run

READING = Reading(scope=Scope.DISTRICT, scope_reason="", key="", school_lists=SchoolLists.UNTRIED)
BLOCKED = a_run(state=RunState.BLOCKED, fence=5, reading=READING)


@pytest.mark.parametrize(
    ("selection", "takes"),
    [
        (Selection(), True),
        (Selection(school_id=SchoolId("elementary")), True),
        (Selection(school_id=SchoolId("high")), False),
        (Selection(user_ids=frozenset({UserId("u-1")})), True),
        (Selection(user_ids=frozenset({UserId("u-2")})), False),
        (Selection(kind=HeldKind.DEACTIVATION), True),
        (Selection(user_ids=frozenset({UserId("u-1")}), school_id=SchoolId("high")), False),
    ],
)
def test_a_selection_takes_whom_it_names(selection: Selection, takes: bool) -> None:
    assert selection.takes(a_held_change(1)) is takes


def test_the_first_decision_about_somebody_counts() -> None:
    about_another = a_decision(selection=Selection(user_ids=frozenset({UserId("u-2")})))
    first, second = a_decision(decided_by="first"), a_decision(decided_by="second")

    assert decision_on(a_held_change(1), [about_another, first, second]) == first
    assert decision_on(a_held_change(1), [about_another]) is None


@pytest.mark.parametrize(
    ("later", "moved_on"),
    [
        (a_run(run_id=LATER_RUN, state=RunState.COMPLETED, fence=6, reading=READING), True),
        # Its id is older, for it has waited; it has read the provider later all the same.
        (a_run(run_id="20261124T085900Z-nightly", state=RunState.BLOCKED, fence=6, reading=READING), True),
        (a_run(run_id=LATER_RUN, state=RunState.FAILED, fence=6, reading=None), False),
        (a_run(run_id=LATER_RUN, state=RunState.SKIPPED, fence=0), False),
        (a_run(run_id=LATER_RUN, kind=RunKind.UPLOAD, state=RunState.COMPLETED, fence=6), False),
        (a_run(run_id=LATER_RUN, kind=RunKind.APPROVAL, state=RunState.COMPLETED, fence=6), False),
        (BLOCKED, False),
    ],
)
def test_only_a_later_look_at_the_provider_moves_on(later: Run, moved_on: bool) -> None:
    assert has_moved_on(BLOCKED, [later]) is moved_on


@pytest.mark.parametrize(
    ("state", "kind", "under_way"),
    [
        (RunState.QUEUED, RunKind.MANUAL, True),
        (RunState.FETCHING, RunKind.NIGHTLY, True),
        (RunState.APPLYING, RunKind.APPROVAL, False),
        (RunState.FAILED, RunKind.NIGHTLY, False),
    ],
)
def test_a_sync_that_has_not_ended_is_under_way(state: RunState, kind: RunKind, under_way: bool) -> None:
    assert is_sync_under_way(BLOCKED, [a_run(run_id=LATER_RUN, state=state, kind=kind)]) is under_way


def test_the_id_of_an_approval_tells_it_from_other_runs() -> None:
    approval = approval_run_id(NOW, "00000001")

    assert approval == "20261124T090000Z-approval-00000001"
    assert is_approval(approval)
    assert not is_upload(approval)
    assert not any(map(is_approval, (RUN, upload_run_id(NOW, "00000001"))))
