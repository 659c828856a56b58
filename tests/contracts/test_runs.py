"""What holds for runs, their accounting and their issues, wherever they are kept."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

import pytest

from roster_sync.domain.errors import ConfigurationError
from roster_sync.domain.fetch_plan import SchoolLists, Scope
from roster_sync.domain.held_changes import HeldKind
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.issue import Issue, IssueCode, RecordKind
from roster_sync.domain.reading import Fetch, Reading
from roster_sync.domain.run import Counts, Run, RunKind, RunState
from roster_sync.domain.usage import NOTHING_USED, Usage
from roster_sync.storage.runs import Runs
from tests.contracts.conftest import Names
from tests.support.builders import DISTRICT, LATER_RUN, NOW, OTHER_DISTRICT, RUN, a_chunk, a_run
from tests.support.fakes import InMemoryRuns

READING = Reading(
    scope=Scope.SCHOOLS,
    scope_reason="Only the 2 mapped schools were read.",
    fetch=Fetch.DELTA,
    fetch_reason="Only users whose record changed were read.",
    key="abc",
    school_lists=SchoolLists.UNTRIED,
    filters_dates=True,
    newest_change=NOW,
)
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def runs(tables: Names | None) -> InMemoryRuns | Runs:
    return Runs(tables["SyncRunsTable"]) if tables else InMemoryRuns()


def begin_applying(
    runs: InMemoryRuns | Runs,
    attempt: int = 1,
    chunks_expected: int = 2,
    held: Mapping[HeldKind, int] = MappingProxyType({}),
    usage: Usage = NOTHING_USED,
) -> bool:
    return runs.begin_applying(
        DISTRICT,
        RUN,
        attempt=attempt,
        chunks_expected=chunks_expected,
        counts=Counts(fetched=3, skipped=1),
        issues_by_code={"email_shared": 2},
        provider_requests=4,
        outcome=RunState.COMPLETED_WITH_ISSUES,
        reason="2 records have issues.",
        reading=READING,
        held=held,
        usage=usage,
    )


def an_applying_run(runs: InMemoryRuns | Runs) -> Run:
    runs.create(a_run())
    runs.begin_attempt(DISTRICT, RUN, 7, NOW)
    assert begin_applying(runs)
    return stored(runs)


def stored(runs: InMemoryRuns | Runs) -> Run:
    run = runs.get(DISTRICT, RUN)
    assert run is not None
    return run


def test_a_run_is_kept_whole(runs: InMemoryRuns | Runs) -> None:
    whole = a_run(
        kind=RunKind.UPLOAD,
        state=RunState.APPLYING,
        started_at=NOW,
        ended_at=LATER,
        attempt=2,
        fence=9,
        chunks_expected=5,
        chunks_applied=4,
        counts=Counts(fetched=1, created=2, updated=3, unchanged=4, linked=5, deactivated=6, superseded=7),
        issues_by_code={"role_unknown": 3},
        provider_requests=8,
        outcome=RunState.COMPLETED,
        reason="It is so.",
        held={"deactivation": 21},
        of_run=LATER_RUN,
    )

    assert runs.create(whole)

    assert stored(runs) == whole


def test_what_a_run_uses_is_added_up_over_attempts_and_chunks(runs: InMemoryRuns | Runs) -> None:
    used = Usage(read_units=1.5, write_units=2, queue_requests=3, gb_seconds=0.125, invocations=1)
    runs.create(a_run())
    for attempt in (1, 2):
        runs.begin_attempt(DISTRICT, RUN, attempt, NOW)
        assert begin_applying(runs, attempt=attempt, usage=used)

    runs.count_chunk(a_chunk(attempt=2), Counts(), used)
    runs.count_chunk(a_chunk(attempt=2), Counts(), used)
    runs.count_chunk(a_chunk(attempt=2, number=2), Counts(), Usage(write_units=0.5))

    assert stored(runs).usage == used + used + used + Usage(write_units=0.5)


def test_a_run_that_waits_has_nothing_yet(runs: InMemoryRuns | Runs) -> None:
    runs.create(a_run())

    assert stored(runs) == a_run()


def test_a_run_is_created_once(runs: InMemoryRuns | Runs) -> None:
    runs.create(a_run())

    created_again = runs.create(a_run(kind=RunKind.MANUAL))

    assert not created_again
    assert stored(runs).kind is RunKind.NIGHTLY


def test_what_an_attempt_holds_is_counted_until_the_next_one_begins(runs: InMemoryRuns | Runs) -> None:
    runs.create(a_run(of_run=LATER_RUN))
    runs.begin_attempt(DISTRICT, RUN, 7, NOW)
    begin_applying(runs, held={HeldKind.DEACTIVATION: 21})
    held = stored(runs).held

    runs.begin_attempt(DISTRICT, RUN, 8, NOW)

    assert held == {"deactivation": 21}
    assert stored(runs).held == {}
    assert stored(runs).of_run == LATER_RUN


def test_the_same_night_is_another_run_in_another_district(runs: InMemoryRuns | Runs) -> None:
    runs.create(a_run())

    assert runs.get(OTHER_DISTRICT, RUN) is None
    assert runs.create(a_run(district_id=OTHER_DISTRICT))


def test_runs_come_newest_first_and_page_by_page(runs: InMemoryRuns | Runs) -> None:
    ids = [RunId(f"202611{day}T090000Z-nightly") for day in (21, 22, 23)]
    for run_id in ids:
        runs.create(a_run(run_id=run_id))
    runs.create(a_run(district_id=OTHER_DISTRICT))

    first, cursor = runs.page(DISTRICT, None, 2)
    second, end = runs.page(DISTRICT, cursor, 2)

    assert [run.run_id for run in first] == [ids[2], ids[1]]
    assert [run.run_id for run in second] == [ids[0]]
    assert end is None


def test_a_full_last_page_has_no_cursor(runs: InMemoryRuns | Runs) -> None:
    runs.create(a_run())

    assert runs.page(DISTRICT, None, 1) == ([a_run()], None)


def test_an_attempt_begins_the_fetch(runs: InMemoryRuns | Runs) -> None:
    runs.create(a_run())

    begun = runs.begin_attempt(DISTRICT, RUN, 7, NOW)

    assert begun == a_run(state=RunState.FETCHING, attempt=1, fence=7, started_at=NOW)
    assert stored(runs) == begun


def test_a_further_attempt_begins_all_counts_anew_but_not_the_run(runs: InMemoryRuns | Runs) -> None:
    an_applying_run(runs)
    runs.count_chunk(a_chunk(), Counts(created=1))

    begun = runs.begin_attempt(DISTRICT, RUN, 8, LATER)

    assert begun == a_run(state=RunState.FETCHING, attempt=2, sent_attempt=1, fence=8, started_at=NOW)
    assert stored(runs) == begun


@pytest.mark.parametrize("state", [state for state in RunState if state.is_terminal])
def test_a_run_that_has_ended_begins_no_attempt(runs: InMemoryRuns | Runs, state: RunState) -> None:
    runs.create(a_run(state=state))

    assert runs.begin_attempt(DISTRICT, RUN, 7, NOW) is None
    assert stored(runs) == a_run(state=state)


def test_a_run_that_is_not_there_begins_no_attempt(runs: InMemoryRuns | Runs) -> None:
    assert runs.begin_attempt(DISTRICT, RUN, 7, NOW) is None
    assert runs.get(DISTRICT, RUN) is None


def test_applying_begins_with_what_was_fetched(runs: InMemoryRuns | Runs) -> None:
    run = an_applying_run(runs)

    assert run == a_run(
        state=RunState.APPLYING,
        attempt=1,
        sent_attempt=1,
        fence=7,
        started_at=NOW,
        chunks_expected=2,
        counts=Counts(fetched=3, skipped=1),
        issues_by_code={"email_shared": 2},
        provider_requests=4,
        outcome=RunState.COMPLETED_WITH_ISSUES,
        reason="2 records have issues.",
        outcome_reason="2 records have issues.",
        reading=READING,
    )


def test_how_the_provider_was_read_is_kept_until_it_is_read_anew(runs: InMemoryRuns | Runs) -> None:
    an_applying_run(runs)
    kept = stored(runs).reading

    runs.begin_attempt(DISTRICT, RUN, 8, LATER)

    assert kept == READING
    assert stored(runs).reading is None


def test_applying_begins_again_after_a_lost_answer(runs: InMemoryRuns | Runs) -> None:
    run = an_applying_run(runs)

    assert begin_applying(runs)
    assert stored(runs) == run


def test_applying_does_not_begin_again_once_a_chunk_is_counted(runs: InMemoryRuns | Runs) -> None:
    an_applying_run(runs)
    runs.count_chunk(a_chunk(), Counts(created=1))

    assert not begin_applying(runs)
    assert stored(runs).counts.created == 1


def test_an_older_attempt_does_not_begin_to_apply(runs: InMemoryRuns | Runs) -> None:
    runs.create(a_run())
    runs.begin_attempt(DISTRICT, RUN, 7, NOW)
    runs.begin_attempt(DISTRICT, RUN, 8, NOW)

    assert not begin_applying(runs, attempt=1)
    assert stored(runs).state is RunState.FETCHING


def test_a_run_that_has_ended_does_not_begin_to_apply(runs: InMemoryRuns | Runs) -> None:
    runs.create(a_run())
    runs.begin_attempt(DISTRICT, RUN, 7, NOW)
    runs.close(DISTRICT, RUN, RunState.FAILED, "It failed.", LATER)

    assert not begin_applying(runs)
    assert stored(runs).state is RunState.FAILED


def test_chunks_add_up(runs: InMemoryRuns | Runs) -> None:
    an_applying_run(runs)

    counted = [
        runs.count_chunk(a_chunk(number=1), Counts(created=2, superseded=1)),
        runs.count_chunk(a_chunk(number=2), Counts(created=1, deactivated=3)),
    ]

    assert counted == [True, True]
    assert stored(runs).chunks_applied == 2
    assert stored(runs).counts == Counts(fetched=3, skipped=1, created=3, deactivated=3, superseded=1)


def test_a_chunk_counts_once(runs: InMemoryRuns | Runs) -> None:
    an_applying_run(runs)
    runs.count_chunk(a_chunk(), Counts(created=2))
    once = stored(runs)

    counted = runs.count_chunk(a_chunk(), Counts(created=2))

    assert not counted
    assert stored(runs) == once


def test_a_chunk_of_an_older_attempt_does_not_count(runs: InMemoryRuns | Runs) -> None:
    an_applying_run(runs)
    runs.begin_attempt(DISTRICT, RUN, 8, LATER)

    counted = runs.count_chunk(a_chunk(attempt=1), Counts(created=2))

    assert not counted
    assert stored(runs).counts == Counts()


def test_the_first_chunk_of_each_attempt_counts(runs: InMemoryRuns | Runs) -> None:
    an_applying_run(runs)
    runs.count_chunk(a_chunk(attempt=1), Counts(created=2))
    runs.begin_attempt(DISTRICT, RUN, 8, LATER)
    begin_applying(runs, attempt=2)

    assert runs.count_chunk(a_chunk(attempt=2), Counts(created=2))


def test_a_chunk_of_a_run_that_is_not_there_does_not_count(runs: InMemoryRuns | Runs) -> None:
    assert not runs.count_chunk(a_chunk(), Counts(created=1))
    assert runs.get(DISTRICT, RUN) is None


def test_a_run_ends_once(runs: InMemoryRuns | Runs) -> None:
    run = an_applying_run(runs)

    closed = [
        runs.close(DISTRICT, RUN, RunState.BLOCKED, "Too many would go.", LATER),
        runs.close(DISTRICT, RUN, RunState.COMPLETED, None, LATER + timedelta(minutes=1)),
    ]

    assert closed == [True, False]
    assert stored(runs) == replace(run, state=RunState.BLOCKED, reason="Too many would go.", ended_at=LATER)


def test_a_run_is_not_ended_by_an_attempt_that_another_has_replaced(runs: InMemoryRuns | Runs) -> None:
    an_applying_run(runs)
    runs.begin_attempt(DISTRICT, RUN, 8, LATER)
    run = stored(runs)

    assert not runs.close(DISTRICT, RUN, RunState.COMPLETED, None, LATER, attempt=1)
    assert stored(runs) == run
    assert runs.close(DISTRICT, RUN, RunState.COMPLETED, None, LATER, attempt=2)


def test_a_new_attempt_knows_that_an_earlier_one_may_have_sent_chunks(runs: InMemoryRuns | Runs) -> None:
    runs.create(a_run())
    first = runs.begin_attempt(DISTRICT, RUN, 7, NOW)
    begin_applying(runs)
    second = runs.begin_attempt(DISTRICT, RUN, 8, NOW)
    third = runs.begin_attempt(DISTRICT, RUN, 9, NOW)

    assert [run and run.sent_attempt for run in (first, second, third)] == [0, 1, 1]


def test_a_failed_run_keeps_how_often_the_provider_was_asked(runs: InMemoryRuns | Runs) -> None:
    runs.create(a_run())
    runs.begin_attempt(DISTRICT, RUN, 7, NOW)

    runs.close(DISTRICT, RUN, RunState.FAILED, "The provider is down.", LATER, attempt=1, provider_requests=11)

    assert (stored(runs).state, stored(runs).provider_requests) == (RunState.FAILED, 11)


def test_a_run_ends_without_a_reason(runs: InMemoryRuns | Runs) -> None:
    an_applying_run(runs)

    runs.close(DISTRICT, RUN, RunState.COMPLETED, None, LATER)

    assert stored(runs).reason is None


def test_a_run_that_is_not_there_does_not_end(runs: InMemoryRuns | Runs) -> None:
    assert not runs.close(DISTRICT, RUN, RunState.FAILED, None, LATER)
    assert runs.get(DISTRICT, RUN) is None


def an_issue(number: int) -> Issue:
    return Issue(IssueCode.ROLE_UNKNOWN, f"The role of record {number} is unknown.", sourced_id=f"S-{number}")


def test_issues_are_kept_whole(runs: InMemoryRuns | Runs) -> None:
    issues = [
        an_issue(1),
        Issue(IssueCode.UPLOAD_ROW_INVALID, "The e-mail address is missing.", line=3, column="Email"),
        Issue(IssueCode.RECORD_NOT_AN_OBJECT, "A record is no object."),
        Issue(IssueCode.EMAIL_INVALID, "An address is none.", sourced_id="T-1", record_kind=RecordKind.STAFF),
    ]

    runs.add_issues(DISTRICT, RUN, 1, issues)

    assert runs.issues(DISTRICT, RUN, 1) == (issues, None)


def test_issues_come_in_their_order_page_by_page(runs: InMemoryRuns | Runs) -> None:
    issues = [an_issue(number) for number in range(1, 31)]
    runs.add_issues(DISTRICT, RUN, 1, issues[:26])
    runs.add_issues(DISTRICT, RUN, 1, issues[26:], first_number=27)

    first, cursor = runs.issues(DISTRICT, RUN, 1, None, 20)
    second, end = runs.issues(DISTRICT, RUN, 1, cursor, 20)

    assert first + second == issues
    assert (len(first), end) == (20, None)


def test_issues_sent_again_are_there_once(runs: InMemoryRuns | Runs) -> None:
    issues = [an_issue(1), an_issue(2)]
    for _ in range(2):
        runs.add_issues(DISTRICT, RUN, 1, issues)

    assert runs.issues(DISTRICT, RUN, 1) == (issues, None)


def test_issues_belong_to_an_attempt_of_a_run_of_a_district(runs: InMemoryRuns | Runs) -> None:
    runs.add_issues(DISTRICT, RUN, 1, [an_issue(1)])

    others = [(DISTRICT, RUN, 2), (DISTRICT, LATER_RUN, 1), (OTHER_DISTRICT, RUN, 1)]

    assert [runs.issues(*other) for other in others] == [([], None)] * 3


@pytest.mark.parametrize("cursor", ["x", "-1", "999999", "9999999", "9" * 2000])
def test_a_cursor_that_was_never_given_out_is_refused(runs: InMemoryRuns | Runs, cursor: str) -> None:
    with pytest.raises(ConfigurationError, match="cursor"):
        runs.issues(DISTRICT, RUN, 1, cursor)


def unfinished(runs: InMemoryRuns | Runs, created_before: datetime = LATER) -> set[tuple[str, str]]:
    return set(runs.unfinished(created_before))


def test_runs_of_all_districts_are_found_until_they_end(runs: InMemoryRuns | Runs) -> None:
    districts = [DistrictId(f"district-{number}") for number in range(20)]
    for district_id in districts:
        runs.create(a_run(district_id=district_id))
    runs.begin_attempt(districts[0], RUN, 7, NOW)
    runs.close(districts[1], RUN, RunState.FAILED, None, LATER)

    assert unfinished(runs) == {(district_id, RUN) for district_id in districts if district_id != districts[1]}


def test_a_run_that_ends_with_its_creation_is_never_unfinished(runs: InMemoryRuns | Runs) -> None:
    runs.create(a_run(state=RunState.SKIPPED))

    assert unfinished(runs) == set()


def test_unfinished_runs_are_those_created_before_a_time(runs: InMemoryRuns | Runs) -> None:
    runs.create(a_run())

    assert unfinished(runs, NOW) == set()
    assert unfinished(runs, NOW + timedelta(seconds=1)) == {(DISTRICT, RUN)}


def test_neither_a_chunk_s_marker_nor_an_issue_is_an_unfinished_run(runs: InMemoryRuns | Runs) -> None:
    an_applying_run(runs)
    runs.count_chunk(a_chunk(), Counts(created=1))
    runs.add_issues(DISTRICT, RUN, 1, [an_issue(1)])

    assert unfinished(runs) == {(DISTRICT, RUN)}


def test_how_often_a_run_was_resumed_is_counted_and_outlives_its_attempts(runs: InMemoryRuns | Runs) -> None:
    runs.create(a_run())

    resumed = [runs.resume(stored(runs), NOW), runs.resume(stored(runs), LATER)]
    begun = runs.begin_attempt(DISTRICT, RUN, 7, NOW)

    assert resumed == [True, True]
    assert begun
    assert (begun.resumes, begun.resumed_at) == (2, LATER)
    assert stored(runs) == begun


def test_a_run_as_it_was_once_is_not_resumed(runs: InMemoryRuns | Runs) -> None:
    runs.create(a_run())
    queued = stored(runs)
    runs.resume(queued, NOW)
    resumed = stored(runs)
    runs.begin_attempt(DISTRICT, RUN, 7, NOW)
    fetching = stored(runs)
    runs.begin_attempt(DISTRICT, RUN, 8, NOW)

    assert [runs.resume(run, LATER) for run in (queued, resumed, fetching)] == [False, False, False]
    assert (stored(runs).resumes, stored(runs).resumed_at) == (1, NOW)


def test_a_run_that_is_not_there_is_not_resumed(runs: InMemoryRuns | Runs) -> None:
    assert not runs.resume(a_run(), NOW)
    assert runs.get(DISTRICT, RUN) is None
