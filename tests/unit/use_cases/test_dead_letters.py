"""A message that was given up: what becomes of its run, and what sending it again does."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from roster_sync.domain.change import ChangeKind
from roster_sync.domain.dead_letter import DeadLetter, LetterKind
from roster_sync.domain.errors import ConflictError, NotFoundError, OwnOutageError, TransientError
from roster_sync.domain.identifiers import DistrictId, RunId, UserId
from roster_sync.domain.issue import Issue, IssueCode
from roster_sync.domain.lease import CHUNK_TIME, LEASE_TIME
from roster_sync.domain.run import Counts, Run, RunKind, RunState
from roster_sync.domain.silence import SILENCE, Backlog
from roster_sync.messaging import user_changes
from roster_sync.use_cases.apply_chunk import apply_chunk
from roster_sync.use_cases.keep_dead_letter import KeptLetter, keep_dead_letter
from roster_sync.use_cases.redrive_run import Redriver, redrive_run
from roster_sync.use_cases.sweep_runs import Sweeper, sweep_runs
from tests.support.builders import DISTRICT, LATER_RUN, NOW, RUN, a_change, a_chunk, a_run, a_sis_user
from tests.support.fakes import (
    InMemoryChangeLog,
    InMemoryDeadLetters,
    InMemoryDistricts,
    InMemoryEvents,
    InMemoryRuns,
    InMemoryUsers,
)

LATER = NOW + timedelta(hours=1)
REQUEST = DeadLetter(kind=LetterKind.SYNC_REQUEST, district_id=DISTRICT, run_id=RUN, body="request")
UPLOAD = DeadLetter(kind=LetterKind.UPLOAD, district_id=DISTRICT, run_id=RUN, body="event")


def the_chunk(number: int) -> str:
    change = a_change(user_id=UserId(f"u-{number}"), user=a_sis_user(sourced_ids=(f"S-{number}",)))
    return user_changes.to_json(a_chunk([change], fence=1, number=number))


def changes(number: int) -> DeadLetter:
    return DeadLetter(
        kind=LetterKind.CHANGES,
        district_id=DISTRICT,
        run_id=RUN,
        body=the_chunk(number),
        attempt=1,
        number=number,
        changes=1,
    )


class Stand:
    """Stores and queues of a deployment, at a time that the test moves."""

    def __init__(self) -> None:
        self.districts = InMemoryDistricts()
        self.runs = InMemoryRuns()
        self.letters = InMemoryDeadLetters(self.runs)
        self.users = InMemoryUsers()
        self.requested: list[tuple[DistrictId, RunId]] = []
        self.sent: list[str] = []
        self.events = InMemoryEvents()
        self.now = LATER

    def keep(self, letter: DeadLetter) -> KeptLetter:
        return keep_dead_letter(
            letter,
            letters=self.letters,
            runs=self.runs,
            leases=self.districts,
            clock=lambda: self.now,
            events=self.events,
        )

    def redrive(self, **others: object) -> Run:
        redriver = Redriver(
            letters=self.letters,
            runs=self.runs,
            leases=self.districts,
            request_sync=lambda district_id, run_id: self.requested.append((district_id, run_id)),
            send_changes=lambda _, bodies: self.sent.extend(bodies),
            clock=lambda: self.now,
        )
        return redrive_run(DISTRICT, RUN, replace(redriver, **others))  # type: ignore[arg-type]  # a test's own

    def apply(self, body: str) -> Counts | None:
        return apply_chunk(
            user_changes.from_json(body),
            users=self.users,
            log=InMemoryChangeLog(),
            runs=self.runs,
            leases=self.districts,
            clock=lambda: self.now,
        ).counts

    @property
    def run(self) -> Run:
        run = self.runs.get(DISTRICT, RUN)
        assert run
        return run

    def issues(self) -> list[Issue]:
        return self.runs.issues(DISTRICT, RUN, self.run.attempt)[0]

    def fetching(self, lease_until: datetime = NOW + LEASE_TIME) -> None:
        self.runs.create(a_run())
        lease = self.districts.acquire(DISTRICT, RUN, NOW, lease_until)
        self.runs.begin_attempt(DISTRICT, RUN, lease.fence, NOW)

    def applying(self, *, expected: int, applied: int = 0) -> None:
        self.fetching()
        self.runs.begin_applying(
            DISTRICT,
            RUN,
            attempt=1,
            chunks_expected=expected,
            counts=Counts(fetched=3),
            issues_by_code={},
            provider_requests=2,
            outcome=RunState.BLOCKED,
            reason="Too many would go.",
        )
        self.now = NOW
        for number in range(1, applied + 1):
            self.apply(the_chunk(number))
        self.now = LATER

    def failed(self) -> None:
        """One of two chunks was given up."""
        self.applying(expected=2, applied=1)
        assert self.keep(changes(2)).ended is RunState.FAILED


@pytest.fixture
def stand() -> Stand:
    return Stand()


def test_a_run_whose_last_outstanding_chunk_is_given_up_ends_with_an_issue(stand: Stand) -> None:
    stand.applying(expected=2, applied=1)

    kept = stand.keep(changes(2))

    assert kept == KeptLetter(kept=True, ended=RunState.FAILED)
    assert stand.events.ended == [stand.run]
    assert (stand.run.state, stand.run.counts) == (RunState.FAILED, Counts(fetched=3, created=1))
    assert (stand.run.reason or "").startswith("1 of 2 parts of the changes were not stored")
    assert stand.run.issues_by_code == {"work_not_done": 1}
    assert stand.issues() == [
        Issue(IssueCode.WORK_NOT_DONE, "1 user was not changed, although it was tried several times.")
    ]
    assert stand.districts.held(DISTRICT) is None


def test_the_other_chunks_are_waited_for_and_then_a_sweep_ends_the_run(stand: Stand) -> None:
    stand.applying(expected=3)

    kept = stand.keep(changes(2))
    counts = [stand.apply(the_chunk(1)), stand.apply(the_chunk(3))]
    waiting = stand.run.state
    stand.now += LEASE_TIME + SILENCE
    sweep_runs(
        Sweeper(
            leases=stand.districts,
            runs=stand.runs,
            backlog=lambda: Backlog(0, 0),
            request_sync=lambda _, __: None,
            clock=lambda: stand.now,
        )
    )

    assert kept == KeptLetter(kept=True)
    assert counts == [Counts(created=1), Counts(created=1)]
    assert waiting is RunState.APPLYING
    assert (stand.run.state, stand.run.chunks_applied, stand.run.chunks_failed) == (RunState.FAILED, 2, 1)
    assert (stand.run.reason or "").startswith("1 of 3 parts")
    assert stand.districts.held(DISTRICT) is None


def test_no_run_is_ended_while_a_second_delivery_of_its_chunk_may_be_in_work(stand: Stand) -> None:
    stand.applying(expected=1)
    stand.districts.renew(DISTRICT, RUN, stand.now + LEASE_TIME)

    with pytest.raises(OwnOutageError):
        stand.keep(changes(1))
    stand.now += CHUNK_TIME

    assert stand.keep(changes(1)).ended is RunState.FAILED


def test_a_chunk_that_comes_while_its_run_is_ended_keeps_it_alive(stand: Stand) -> None:
    class Renewed(InMemoryDeadLetters):
        def keep(self, letter: DeadLetter, run: Run) -> bool:
            stand.districts.renew(DISTRICT, RUN, stand.now + LEASE_TIME)
            return super().keep(letter, run)

    stand.letters = Renewed(stand.runs)
    stand.applying(expected=1)

    assert stand.keep(changes(1)) == KeptLetter(kept=True, ended=None)
    assert stand.run.state is RunState.APPLYING


def test_a_run_all_of_whose_chunks_are_given_up_ends(stand: Stand) -> None:
    stand.applying(expected=2)

    ended = [stand.keep(changes(number)).ended for number in (1, 2)]

    assert ended == [None, RunState.FAILED]
    assert stand.run.issues_by_code == {"work_not_done": 2}


def test_a_letter_that_comes_again_changes_nothing_but_ends_the_run_if_the_first_time_could_not(stand: Stand) -> None:
    stand.applying(expected=1)
    stand.runs.add_issues(DISTRICT, RUN, 1, [changes(1).issue], changes(1).issue_number)
    stand.letters.keep(changes(1), stand.run)

    again = [stand.keep(changes(1)), stand.keep(changes(1))]

    assert again == [KeptLetter(kept=False, ended=RunState.FAILED), KeptLetter(kept=False)]
    assert (stand.run.chunks_failed, len(stand.issues())) == (1, 1)


def test_a_chunk_that_was_applied_although_its_message_was_given_up_is_lacked_by_nobody(stand: Stand) -> None:
    stand.applying(expected=2, applied=1)

    kept = stand.keep(changes(1))

    assert kept == KeptLetter(kept=False)
    assert (stand.run.state, stand.run.chunks_failed) == (RunState.APPLYING, 0)


def test_a_chunk_of_an_older_attempt_is_lacked_by_nobody(stand: Stand) -> None:
    stand.applying(expected=1)
    stand.runs.begin_attempt(DISTRICT, RUN, 2, LATER)

    assert stand.keep(changes(1)) == KeptLetter(kept=False)
    assert stand.issues() == []


@pytest.mark.parametrize("letter", [changes(1), REQUEST, UPLOAD])
def test_a_letter_of_a_run_that_has_ended_or_is_forgotten_is_lacked_by_nobody(stand: Stand, letter: DeadLetter) -> None:
    forgotten = stand.keep(letter)
    stand.runs.create(a_run(state=RunState.COMPLETED, attempt=1))

    assert [forgotten, stand.keep(letter)] == [KeptLetter(kept=False)] * 2


def test_a_run_whose_sync_request_is_given_up_ends(stand: Stand) -> None:
    stand.fetching()

    kept = stand.keep(REQUEST)

    assert kept == KeptLetter(kept=True, ended=RunState.FAILED)
    assert (stand.run.reason or "").endswith("Support has been told. Sync again, or wait for the next night.")
    assert [issue.code for issue in stand.issues()] == [IssueCode.WORK_NOT_DONE]
    assert stand.districts.held(DISTRICT) is None


def test_an_upload_that_is_given_up_ends_and_asks_for_the_file(stand: Stand) -> None:
    stand.runs.create(a_run(kind=RunKind.UPLOAD))

    kept = stand.keep(UPLOAD)

    assert kept == KeptLetter(kept=True, ended=RunState.FAILED)
    assert (stand.run.reason or "").endswith("Upload the file again.")


def test_a_run_that_a_second_delivery_works_on_goes_on(stand: Stand) -> None:
    stand.fetching(lease_until=LATER + timedelta(minutes=1))

    assert stand.keep(REQUEST) == KeptLetter(kept=False)
    assert stand.run.state is RunState.FETCHING


def test_a_run_that_was_fetched_needs_its_sync_request_no_more(stand: Stand) -> None:
    stand.applying(expected=1)

    assert stand.keep(REQUEST) == KeptLetter(kept=False)
    assert stand.run.state is RunState.APPLYING


def test_a_redriven_chunk_is_applied_counts_once_and_ends_the_run_as_it_should_have(stand: Stand) -> None:
    stand.failed()

    run = stand.redrive()
    counts = [stand.apply(body) for body in stand.sent * 2]

    assert (run.state, run.reason, run.ended_at) == (RunState.APPLYING, "Too many would go.", None)
    assert counts == [Counts(created=1), None]
    assert (stand.run.state, stand.run.reason) == (RunState.BLOCKED, "Too many would go.")
    assert stand.run.counts == Counts(fetched=3, created=2)
    assert [user.sourced_ids for user in stand.users.all(DISTRICT)] == [("S-1",), ("S-2",)]
    assert stand.districts.held(DISTRICT) is None


def test_a_redriven_chunk_that_dies_again_ends_the_run_again_and_can_be_redriven_again(stand: Stand) -> None:
    stand.failed()
    stand.redrive()
    stand.now += LEASE_TIME

    kept = stand.keep(changes(2))
    stand.redrive()

    assert kept == KeptLetter(kept=True, ended=RunState.FAILED)
    assert stand.sent == [the_chunk(2)] * 2
    assert stand.run.issues_by_code == {"work_not_done": 1}


def test_only_what_was_given_up_is_sent_again(stand: Stand) -> None:
    stand.applying(expected=3, applied=1)
    stand.keep(changes(2))
    stand.keep(changes(3))

    stand.redrive()

    assert stand.sent == [the_chunk(2), the_chunk(3)]


def test_chunks_are_not_redriven_once_a_later_run_has_had_the_lease(stand: Stand) -> None:
    stand.failed()
    stand.districts.acquire(DISTRICT, LATER_RUN, LATER, LATER + LEASE_TIME)
    stand.districts.release(DISTRICT, LATER_RUN)

    with pytest.raises(ConflictError, match="later sync or upload"):
        stand.redrive()

    assert (stand.run.state, stand.sent) == (RunState.FAILED, [])


def test_a_sync_request_is_redriven_and_the_run_is_fetched_anew(stand: Stand) -> None:
    stand.fetching()
    stand.keep(REQUEST)

    run = stand.redrive()
    begun = stand.runs.begin_attempt(DISTRICT, RUN, 2, LATER)

    assert (run.state, run.reason, stand.requested) == (RunState.QUEUED, None, [(DISTRICT, RUN)])
    assert begun
    assert (begun.attempt, begun.issues_by_code) == (2, {})


def test_a_redrive_while_another_has_just_begun_is_refused(stand: Stand) -> None:
    stand.failed()
    stand.redrive()

    with pytest.raises(ConflictError, match="Nothing of this run"):
        stand.redrive()

    assert len(stand.sent) == 1


@pytest.mark.parametrize("state", [state for state in RunState if state is not RunState.FAILED])
def test_a_run_that_lacks_nothing_is_not_redriven(stand: Stand, state: RunState) -> None:
    stand.runs.create(a_run(state=state))

    with pytest.raises(ConflictError):
        stand.redrive()


def test_an_upload_is_not_redriven_for_its_file_may_be_gone(stand: Stand) -> None:
    stand.runs.create(a_run(kind=RunKind.UPLOAD))
    stand.keep(UPLOAD)

    with pytest.raises(ConflictError, match="upload the file again"):
        stand.redrive()


def test_a_run_that_is_not_there_is_not_redriven(stand: Stand) -> None:
    with pytest.raises(NotFoundError):
        stand.redrive()


def test_a_redrive_that_the_queue_does_not_take_leaves_a_run_that_a_sweep_finds(stand: Stand) -> None:
    stand.failed()

    def refuse(_: DistrictId, __: object) -> None:
        raise TransientError("The queue is busy or did not answer.")

    with pytest.raises(TransientError):
        stand.redrive(send_changes=refuse)

    assert stand.run.state is RunState.APPLYING
    assert list(stand.runs.unfinished(LATER)) == [(DISTRICT, RUN)]


def test_a_chunk_of_deactivations_says_how_many_users_it_was_to_change() -> None:
    chunk = a_chunk([a_change(kind=ChangeKind.DEACTIVATE, user=None, fingerprint=None)] * 3)
    letter = replace(changes(1), changes=len(chunk.changes))

    assert letter.issue.message == "3 users were not changed, although it was tried several times."


def test_a_run_that_is_no_sync_is_not_told_to_sync_again(stand: Stand) -> None:
    stand.runs.create(a_run(kind=RunKind.REVERT))

    stand.keep(REQUEST)

    assert (stand.run.reason or "").endswith("Support has been told, and can let it go on.")
