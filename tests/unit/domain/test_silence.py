from datetime import timedelta

import pytest

from roster_sync.domain.lease import LEASE_TIME, Lease
from roster_sync.domain.run import RunKind, RunState
from roster_sync.domain.silence import (
    LONG_SILENCE,
    MOST_RESUMES,
    SILENCE,
    UPLOAD_SILENCE,
    Backlog,
    Remedy,
    last_words,
    remedy,
)
from tests.support.builders import LATER_RUN, NOW, RUN, a_run

IDLE = Backlog(0, 0)
LIVE = [RunState.QUEUED, RunState.FETCHING, RunState.APPLYING]
ONE_SECOND = timedelta(seconds=1)


def a_lease(holder: str = RUN) -> Lease:
    return Lease(RUN if holder == RUN else LATER_RUN, 1, NOW + LEASE_TIME)


@pytest.mark.parametrize("state", LIVE)
def test_a_run_of_which_nothing_is_heard_goes_on_after_half_an_hour(state: RunState) -> None:
    run = a_run(state=state)

    assert remedy(run, None, IDLE, NOW + SILENCE - ONE_SECOND) is Remedy.NONE
    assert remedy(run, None, IDLE, NOW + SILENCE) is Remedy.RESUME


@pytest.mark.parametrize("state", [RunState.FETCHING, RunState.APPLYING])
def test_a_run_that_holds_the_lease_was_heard_of_until_it_expires(state: RunState) -> None:
    run = a_run(state=state)
    expires_at = a_lease().expires_at

    assert remedy(run, a_lease(), IDLE, expires_at + SILENCE - ONE_SECOND) is Remedy.NONE
    assert remedy(run, a_lease(), IDLE, expires_at + SILENCE) is Remedy.RESUME


def test_another_run_s_lease_is_no_sign_of_life() -> None:
    assert remedy(a_run(state=RunState.FETCHING), a_lease(LATER_RUN), IDLE, NOW + SILENCE) is Remedy.RESUME


@pytest.mark.parametrize(
    ("state", "backlog"),
    [
        (RunState.QUEUED, Backlog(sync_requests=1, user_changes=0)),
        (RunState.FETCHING, Backlog(sync_requests=1, user_changes=0)),
        (RunState.APPLYING, Backlog(sync_requests=0, user_changes=1)),
    ],
)
def test_while_a_message_waits_that_may_be_the_run_s_it_is_waited_for(state: RunState, backlog: Backlog) -> None:
    run = a_run(state=state)

    assert remedy(run, None, backlog, NOW + LONG_SILENCE - ONE_SECOND) is Remedy.NONE
    assert remedy(run, None, backlog, NOW + LONG_SILENCE) is Remedy.RESUME


def test_messages_of_the_other_queue_are_not_waited_for() -> None:
    assert remedy(a_run(), None, Backlog(0, 1), NOW + SILENCE) is Remedy.RESUME
    assert remedy(a_run(state=RunState.APPLYING), None, Backlog(1, 0), NOW + SILENCE) is Remedy.RESUME


def test_a_resumed_run_gets_its_time_again() -> None:
    run = a_run(resumes=1, resumed_at=NOW + timedelta(hours=1))

    assert remedy(run, None, IDLE, NOW + timedelta(hours=1) + SILENCE - ONE_SECOND) is Remedy.NONE
    assert remedy(run, None, IDLE, NOW + timedelta(hours=1) + SILENCE) is Remedy.RESUME


def test_a_run_that_stops_each_time_ends() -> None:
    run = a_run(resumes=MOST_RESUMES, resumed_at=NOW)

    assert remedy(run, None, IDLE, NOW + SILENCE) is Remedy.END


@pytest.mark.parametrize("kind", [RunKind.UPLOAD, RunKind.EDIT])
@pytest.mark.parametrize("state", LIVE)
def test_what_only_a_person_can_ask_for_again_ends(state: RunState, kind: RunKind) -> None:
    run = a_run(kind=kind, state=state)

    assert remedy(run, None, IDLE, NOW + UPLOAD_SILENCE - ONE_SECOND) is Remedy.NONE
    assert remedy(run, None, IDLE, NOW + UPLOAD_SILENCE) is Remedy.END


@pytest.mark.parametrize(
    ("backlog", "patience"),
    [(IDLE, SILENCE), (Backlog(1, 0), SILENCE), (Backlog(0, 1), SILENCE), (Backlog(1, 1), LONG_SILENCE)],
)
def test_while_both_queues_are_busy_young_runs_need_not_be_looked_at(backlog: Backlog, patience: timedelta) -> None:
    assert backlog.patience == patience


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (a_run(resumes=2), "before it had begun. It was started 3 times. Sync again"),
        (a_run(state=RunState.FETCHING, resumes=2), "while users were read from the provider. It was started 3 times."),
        (
            a_run(state=RunState.APPLYING, chunks_expected=5, chunks_applied=3, resumes=2),
            "3 of 5 parts of the changes were stored. It was started 3 times. The next sync does the rest.",
        ),
        (a_run(kind=RunKind.UPLOAD), "Upload the file again."),
        (a_run(kind=RunKind.EDIT), "The change by hand stopped without a word."),
        (a_run(kind=RunKind.APPROVAL), "The approval stopped without a word. Sync again"),
    ],
)
def test_the_last_words_of_a_run_say_how_far_it_came_and_what_to_do(run: object, words: str) -> None:
    assert words in last_words(run)  # type: ignore[arg-type]  # parametrize knows no types
