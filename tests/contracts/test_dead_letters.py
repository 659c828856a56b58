"""What holds for dead letters and the runs that they belong to, wherever they are kept."""

from dataclasses import replace
from datetime import timedelta

import pytest

from roster_sync.domain.dead_letter import DeadLetter, LetterKind
from roster_sync.domain.run import Counts, Run, RunState
from roster_sync.storage.dead_letters import DeadLetters
from roster_sync.storage.runs import Runs
from roster_sync.use_cases.ports import DeadLetterStore, RunStore
from tests.contracts.conftest import Names
from tests.support.builders import DISTRICT, NOW, OTHER_DISTRICT, RUN, a_chunk, a_run
from tests.support.fakes import InMemoryDeadLetters, InMemoryRuns

LATER = NOW + timedelta(minutes=5)
REQUEST = DeadLetter(kind=LetterKind.SYNC_REQUEST, district_id=DISTRICT, run_id=RUN, body="request")


@pytest.fixture
def stores(tables: Names | None) -> tuple[RunStore, DeadLetterStore]:
    if tables is None:
        runs = InMemoryRuns()
        return runs, InMemoryDeadLetters(runs)
    table = tables["SyncRunsTable"]
    return Runs(table), DeadLetters(table)


@pytest.fixture
def runs(stores: tuple[RunStore, DeadLetterStore]) -> RunStore:
    return stores[0]


@pytest.fixture
def letters(stores: tuple[RunStore, DeadLetterStore]) -> DeadLetterStore:
    return stores[1]


def changes(number: int, body: str = "chunk") -> DeadLetter:
    return DeadLetter(
        kind=LetterKind.CHANGES,
        district_id=DISTRICT,
        run_id=RUN,
        body=f"{body} {number}",
        attempt=1,
        number=number,
        changes=9,
    )


def stored(runs: RunStore) -> Run:
    run = runs.get(DISTRICT, RUN)
    assert run
    return run


def applying(runs: RunStore) -> Run:
    runs.create(a_run())
    runs.begin_attempt(DISTRICT, RUN, 7, NOW)
    runs.begin_applying(
        DISTRICT,
        RUN,
        attempt=1,
        chunks_expected=3,
        counts=Counts(fetched=3),
        issues_by_code={"email_shared": 2},
        provider_requests=4,
        outcome=RunState.BLOCKED,
        reason="Too many would go.",
    )
    return stored(runs)


def failed(runs: RunStore, letters: DeadLetterStore) -> Run:
    letters.keep(changes(2), applying(runs))
    runs.close(DISTRICT, RUN, RunState.FAILED, "It failed.", LATER)
    return stored(runs)


def test_letters_are_kept_whole_and_counted_with_an_issue_each(runs: RunStore, letters: DeadLetterStore) -> None:
    run = applying(runs)
    large = "".join(f"{number:x}" for number in range(45_000))
    kept = [changes(2), changes(1, large)]

    assert [letters.keep(letter, run) for letter in kept] == [True, True]

    assert letters.of_run(run) == [kept[1], kept[0]]
    assert stored(runs) == replace(run, chunks_failed=2, issues_by_code={"email_shared": 2, "work_not_done": 2})


def test_a_sync_request_is_kept_and_is_no_chunk(runs: RunStore, letters: DeadLetterStore) -> None:
    runs.create(a_run())

    assert letters.keep(REQUEST, stored(runs))

    assert letters.of_run(stored(runs)) == [REQUEST]
    assert stored(runs) == a_run(issues_by_code={"work_not_done": 1})


def test_a_letter_is_kept_once(runs: RunStore, letters: DeadLetterStore) -> None:
    run = applying(runs)
    letters.keep(changes(1), run)
    once = stored(runs)

    assert not letters.keep(changes(1), once)
    assert stored(runs) == once


def test_a_chunk_that_was_applied_after_all_is_not_kept(runs: RunStore, letters: DeadLetterStore) -> None:
    run = applying(runs)
    runs.count_chunk(a_chunk(number=1), Counts(created=1))

    assert not letters.keep(changes(1), run)
    assert (letters.of_run(run), stored(runs).chunks_failed) == ([], 0)


def test_nothing_is_kept_of_a_run_that_has_gone_on_since_it_was_read(runs: RunStore, letters: DeadLetterStore) -> None:
    run = applying(runs)
    runs.begin_attempt(DISTRICT, RUN, 8, LATER)
    newer = stored(runs)
    runs.close(DISTRICT, RUN, RunState.FAILED, None, LATER)
    ended = stored(runs)

    assert [letters.keep(changes(1), each) for each in (run, newer)] == [False, False]
    assert stored(runs) == ended


def test_a_new_attempt_lacks_nothing(runs: RunStore, letters: DeadLetterStore) -> None:
    letters.keep(changes(1), applying(runs))

    begun = runs.begin_attempt(DISTRICT, RUN, 8, LATER)

    assert begun
    assert (begun.chunks_failed, begun.issues_by_code, letters.of_run(begun)) == (0, {}, [])


def test_a_failed_run_goes_on_as_if_its_chunk_had_not_failed(runs: RunStore, letters: DeadLetterStore) -> None:
    run = failed(runs, letters)

    assert letters.reopen(run, RunState.APPLYING)

    assert stored(runs) == replace(
        run, state=RunState.APPLYING, reason="Too many would go.", ended_at=None, chunks_failed=0, redrives=1
    )
    assert set(runs.unfinished(LATER)) == {(DISTRICT, RUN)}
    assert letters.of_run(stored(runs)) == []


def test_a_run_goes_on_once(runs: RunStore, letters: DeadLetterStore) -> None:
    run = failed(runs, letters)

    assert [letters.reopen(run, RunState.APPLYING), letters.reopen(run, RunState.APPLYING)] == [True, False]


def test_a_chunk_that_dies_again_is_kept_again_under_its_one_issue(runs: RunStore, letters: DeadLetterStore) -> None:
    letters.reopen(failed(runs, letters), RunState.APPLYING)
    again = stored(runs)

    assert letters.keep(changes(2), again)

    assert letters.of_run(again) == [changes(2)]
    assert stored(runs) == replace(again, chunks_failed=1)
    assert again.issues_by_code["work_not_done"] == 1


def test_who_knew_the_run_before_it_went_on_does_not_end_it(runs: RunStore, letters: DeadLetterStore) -> None:
    letters.reopen(failed(runs, letters), RunState.APPLYING)

    assert not runs.close(DISTRICT, RUN, RunState.FAILED, None, LATER, attempt=1, redrives=0)
    assert runs.close(DISTRICT, RUN, RunState.COMPLETED, None, LATER, attempt=1, redrives=1)


def test_a_run_without_a_reason_goes_on_without(runs: RunStore, letters: DeadLetterStore) -> None:
    runs.create(a_run())
    letters.keep(REQUEST, stored(runs))
    runs.close(DISTRICT, RUN, RunState.FAILED, "It failed.", LATER)

    assert letters.reopen(stored(runs), RunState.QUEUED)
    assert (stored(runs).state, stored(runs).reason) == (RunState.QUEUED, None)


def test_letters_are_of_one_district(runs: RunStore, letters: DeadLetterStore) -> None:
    letters.keep(changes(1), applying(runs))
    runs.create(a_run(district_id=OTHER_DISTRICT, attempt=1))

    assert letters.of_run(a_run(district_id=OTHER_DISTRICT, attempt=1)) == []
