"""What an administrator approves of a blocked run's changes, over stores in memory: just that, once, and in time."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from roster_sync.domain.change import ChangeKind
from roster_sync.domain.errors import ConflictError, NotFoundError, TransientError
from roster_sync.domain.held_changes import Action, Selection
from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId, UserId
from roster_sync.domain.run import Run, RunKind, RunState, manual_run_id, upload_run_id
from roster_sync.domain.upload import read_upload
from roster_sync.use_cases.apply_approval import apply_approval
from roster_sync.use_cases.decide_held import approve_held, discard_held
from roster_sync.use_cases.import_upload import import_upload
from tests.support.builders import DISTRICT, a_run, a_school, an_author
from tests.support.nights import FakeProvider, Nights, a_record

SCHOOLS = (a_school(), a_school(school_id="high", name="Springfield High", oneroster_id="org-2"))
ADMIN = "admin@example.org"


@dataclass
class Blocked:
    """A district of two schools of which 30 users of each have left, which blocked its last run."""

    nights: Nights = field(default_factory=lambda: Nights(schools=SCHOOLS))
    records: list[dict[str, Any]] = field(default_factory=list)
    approvals: int = 0

    def __post_init__(self) -> None:
        self.leaving = [_of(org, number) for org in ("org-1", "org-2") for number in range(30)]
        self.records = [_of(org, number) for org in ("org-1", "org-2") for number in range(30, 60)]
        self.nights.run(*self.leaving, *self.records)
        self.run = self.nights.run(*self.records)
        assert self.run.state is RunState.BLOCKED

    def ask(self, selection: Selection = Selection(), run: Run | None = None) -> Run:  # noqa: B008 - frozen
        """Approve; the approval waits in its queue."""
        self.approvals += 1
        self.nights.now += timedelta(minutes=1)
        return approve_held(
            run or self.run,
            selection,
            an_author(),
            runs=self.nights.runs,
            held=self.nights.held,
            request_sync=lambda *_: None,
            now=self.nights.now,
            nonce=f"{self.approvals:08x}",
        )

    def begin(self, approval: Run) -> None:
        """Deliver the approval's message."""
        apply_approval(DISTRICT, approval.run_id, self.nights.fetcher(FakeProvider([])))

    def approve(self, selection: Selection = Selection(), run: Run | None = None) -> Run:  # noqa: B008 - frozen
        """Approve, and let it be applied; the approval's run, ended."""
        approval = self.ask(selection, run)
        self.begin(approval)
        self.nights.apply()
        return self.nights.stored(approval)

    def discard(self, selection: Selection = Selection()) -> int | None:  # noqa: B008 - frozen
        return discard_held(self.run, selection, an_author(), held=self.nights.held, now=self.nights.now).users

    def upload(self, *emails: str) -> None:
        """Make a counselor of each user with one of these addresses."""
        rows = [f"A,B,{email},Counselor,Springfield Elementary" for email in emails]
        text = "\n".join(["First Name,Last Name,Email,Role,School or Move To", *rows])
        importer = self.nights.importer(timedelta(minutes=1))
        self.nights.now += timedelta(minutes=1)
        import_upload(
            read_upload(text.encode(), SCHOOLS), DISTRICT, upload_run_id(self.nights.now, "00000001"), importer
        )

    def inactive(self) -> set[str]:
        """The sourcedIds of users who are not active."""
        return {str(user.sourced_ids[0]) for user in self.nights.users.all(DISTRICT) if not user.active}

    def user_id(self, sourced_id: str) -> UserId:
        return self.nights.user(sourced_id).user_id


def _of(org: str, number: int) -> dict[str, Any]:
    sourced_id = f"{org}-{number:03d}"
    return a_record(sourced_id, orgs=[{"sourcedId": org}], email=f"{sourced_id}@example.org")


def names(records: Sequence[dict[str, Any]]) -> set[str]:
    return {record["sourcedId"] for record in records}


@pytest.fixture
def blocked() -> Blocked:
    return Blocked()


def test_approval_of_the_whole_deactivates_exactly_whom_the_run_holds(blocked: Blocked) -> None:
    approval = blocked.approve()

    assert (approval.kind, approval.state, approval.of_run) == (
        RunKind.APPROVAL,
        RunState.COMPLETED,
        blocked.run.run_id,
    )
    assert approval.counts.as_dict() == {**dict.fromkeys(approval.counts.as_dict(), 0), "deactivated": 60}
    assert blocked.inactive() == names(blocked.leaving)


def test_approval_of_a_school_deactivates_nobody_of_another(blocked: Blocked) -> None:
    approval = blocked.approve(Selection(school_id=SchoolId("high")))

    assert approval.counts.deactivated == 30
    assert blocked.inactive() == names(blocked.leaving[30:])


def test_approval_of_single_people_deactivates_them_alone(blocked: Blocked) -> None:
    who = frozenset({blocked.user_id("org-1-000"), blocked.user_id("org-2-007"), blocked.user_id("org-2-059")})

    approval = blocked.approve(Selection(user_ids=who))

    assert approval.counts.deactivated == 2
    assert blocked.inactive() == {"org-1-000", "org-2-007"}


def test_an_approval_says_who_decided_what_and_when(blocked: Blocked) -> None:
    asked_at = blocked.nights.now + timedelta(minutes=1)
    approval = blocked.approve(Selection(school_id=SchoolId("high")))

    (decision,) = blocked.nights.held.decisions(DISTRICT, blocked.run.run_id)

    assert (decision.action, decision.decided_by, decision.decided_at) == (Action.APPROVE, ADMIN, asked_at)
    assert (decision.run_id, decision.users) == (approval.run_id, 30)


def test_what_was_discarded_is_not_approved_with_the_rest(blocked: Blocked) -> None:
    discarded = blocked.discard(Selection(school_id=SchoolId("high")))

    approval = blocked.approve()

    assert (discarded, approval.counts.deactivated) == (30, 30)
    assert blocked.inactive() == names(blocked.leaving[:30])


def test_approving_twice_at_once_counts_once(blocked: Blocked) -> None:
    first, second = blocked.ask(), blocked.ask()
    blocked.begin(first)
    blocked.nights.apply()
    blocked.begin(second)
    blocked.nights.apply()

    first, second = blocked.nights.stored(first), blocked.nights.stored(second)
    assert (first.counts.deactivated, second.counts.deactivated) == (60, 0)
    assert (second.state, second.counts.changed) == (RunState.COMPLETED, 0)
    assert second.reason is not None
    assert second.reason.startswith("Nothing was left to approve")


def test_what_nobody_waits_for_cannot_be_discarded(blocked: Blocked) -> None:
    blocked.discard()

    with pytest.raises(NotFoundError):
        blocked.discard(Selection(school_id=SchoolId("high")))


def test_after_a_later_sync_nothing_can_be_approved(blocked: Blocked) -> None:
    """Whoever is back at the provider was written by nobody: the user alone does not tell."""
    blocked.nights.run(*blocked.leaving, *blocked.records)

    with pytest.raises(ConflictError, match="A later sync has read the provider since"):
        blocked.ask()


def test_an_approval_that_a_sync_overtakes_changes_nobody(blocked: Blocked) -> None:
    approval = blocked.ask()
    night = blocked.nights.queued()
    blocked.nights.fetch(night, FakeProvider([*blocked.leaving, *blocked.records]))
    blocked.nights.apply()

    blocked.begin(approval)
    blocked.nights.apply()

    approval = blocked.nights.stored(approval)
    assert approval.state in (RunState.SKIPPED, RunState.FAILED)
    assert blocked.inactive() == set()
    assert blocked.nights.held.decisions(DISTRICT, blocked.run.run_id) == []


def test_an_approval_of_a_run_whose_successor_was_asked_before_it_is_refused_when_it_begins(blocked: Blocked) -> None:
    """The successor's id is the older one: it has waited in its queue."""
    nights = blocked.nights
    waited = a_run(run_id=manual_run_id(blocked.run.created_at - timedelta(minutes=1), "x"), kind=RunKind.MANUAL)
    nights.runs.create(waited)
    approval = blocked.ask()
    nights.fetch(waited, FakeProvider([*blocked.leaving, *blocked.records]))
    nights.apply()

    blocked.begin(approval)

    assert nights.stored(waited).state is RunState.COMPLETED
    assert nights.stored(approval).reason == (
        "A later sync has read the provider since. Look at what that one holds, and decide about it."
    )
    assert blocked.inactive() == set()


def test_while_another_sync_waits_nothing_can_be_approved(blocked: Blocked) -> None:
    blocked.nights.queued()

    with pytest.raises(ConflictError, match="waiting or under way"):
        blocked.ask()


def test_an_approval_that_meets_a_sync_is_skipped(blocked: Blocked) -> None:
    approval = blocked.ask()
    blocked.nights.districts.acquire(
        DISTRICT, RunId("another"), blocked.nights.now, blocked.nights.now + timedelta(minutes=20)
    )

    blocked.begin(approval)

    approval = blocked.nights.stored(approval)
    assert approval.state is RunState.SKIPPED
    assert approval.reason is not None
    assert approval.reason.startswith("Another sync or upload of this district is under way")


def test_who_was_changed_since_is_left_alone_and_named(blocked: Blocked) -> None:
    blocked.upload("org-1-000@example.org", "org-2-059@example.org")

    approval = blocked.approve()

    assert (approval.state, approval.counts.deactivated, approval.counts.superseded) == (
        RunState.COMPLETED_WITH_ISSUES,
        59,
        1,
    )
    assert approval.reason == "1 of 60 users were changed since, and were left as they are."
    assert blocked.nights.issues(approval) == [("changed_since", "org-1-000")]
    assert blocked.inactive() == names(blocked.leaving) - {"org-1-000"}


def test_an_approval_raises_no_limit_for_the_next_night(blocked: Blocked) -> None:
    blocked.approve()

    night = blocked.nights.run(*blocked.records[31:])

    assert (night.state, night.held) == (RunState.BLOCKED, {"deactivation": 31})


def test_even_when_everybody_leaves_that_list_can_be_approved() -> None:
    blocked = Blocked()
    everybody = blocked.nights.users.all(DISTRICT)
    night = blocked.nights.run(a_record("guardian", role="guardian"))
    assert (night.state, night.held) == (RunState.BLOCKED, {"deactivation": len(everybody)})

    blocked.approve(run=night)

    assert not any(user.active for user in blocked.nights.users.all(DISTRICT))


def test_a_run_without_held_changes_has_nothing_to_approve(blocked: Blocked) -> None:
    approval = blocked.approve()

    with pytest.raises(ConflictError, match="holds nothing"):
        blocked.ask(run=approval)
    with pytest.raises(ConflictError, match="holds nothing"):
        discard_held(approval, Selection(), an_author(), held=blocked.nights.held, now=blocked.nights.now)


def test_an_approval_that_cannot_be_asked_for_ends_failed(blocked: Blocked) -> None:
    def no_queue(_district_id: DistrictId, _run_id: RunId) -> None:
        raise TransientError("The queue did not answer.")

    nights = blocked.nights
    with pytest.raises(TransientError):
        approve_held(
            blocked.run,
            Selection(),
            an_author(),
            runs=nights.runs,
            held=nights.held,
            request_sync=no_queue,
            now=nights.now + timedelta(minutes=1),
            nonce="1",
        )

    (newest, *_), _ = nights.runs.page(DISTRICT)
    assert (newest.kind, newest.state, newest.reason) == (
        RunKind.APPROVAL,
        RunState.FAILED,
        "The queue did not answer.",
    )


def test_chunks_that_come_twice_count_once(blocked: Blocked) -> None:
    approval = blocked.ask()
    blocked.begin(approval)
    blocked.nights.apply(deliveries=2)

    assert blocked.nights.stored(approval).counts.deactivated == 60


def test_an_approval_that_begins_again_after_part_was_applied_counts_everybody_once(blocked: Blocked) -> None:
    approval = blocked.ask()
    blocked.begin(approval)
    (chunk,) = blocked.nights.queue.sent
    blocked.nights.users.apply(replace(chunk, changes=chunk.changes[:20]), blocked.nights.now)

    blocked.begin(approval)
    blocked.nights.apply()

    approval = blocked.nights.stored(approval)
    assert (approval.attempt, approval.state, approval.counts.deactivated) == (2, RunState.COMPLETED, 60)
    assert approval.counts.superseded == 0
    assert blocked.inactive() == names(blocked.leaving)
    assert blocked.nights.pauses == [120.0]
    assert len(blocked.nights.held.decisions(DISTRICT, blocked.run.run_id)) == 1


def test_only_deactivations_of_those_who_still_are_as_they_were_are_sent(blocked: Blocked) -> None:
    blocked.upload("org-1-000@example.org")
    blocked.begin(blocked.ask(Selection(school_id=SchoolId("elementary"))))

    (chunk,) = blocked.nights.queue.sent

    assert {change.kind for change in chunk.changes} == {ChangeKind.DEACTIVATE}
    assert (len(chunk.changes), chunk.unchanged_since) == (29, blocked.run.fence)
