"""What holds for the changes that runs keep, wherever they are kept."""

import random
from collections.abc import Sequence

import pytest

from roster_sync.domain.change import ChangeKind
from roster_sync.domain.errors import ConfigurationError
from roster_sync.domain.identifiers import DistrictId, RunId, SourcedId, UserId
from roster_sync.domain.user_change import KeptChanges, UserChange
from roster_sync.storage.change_log import ChangeLog
from tests.contracts.conftest import Names
from tests.support.builders import DISTRICT, LATER_RUN, OTHER_DISTRICT, RUN, a_chunk
from tests.support.fakes import InMemoryChangeLog

Log = InMemoryChangeLog | ChangeLog
RENAMED = UserChange(
    ChangeKind.UPDATE,
    UserId("u-1"),
    SourcedId("S-1"),
    {"given_name": "Lisa", "grades": ["02"]},
    {"given_name": "Liza", "metadata": {"homeroom": "2B"}, "counselor_email": None},
)


@pytest.fixture
def log(tables: Names | None) -> Log:
    return ChangeLog(tables["SyncRunsTable"]) if tables else InMemoryChangeLog()


def keep(
    log: Log,
    *changes: UserChange,
    number: int = 1,
    attempt: int = 1,
    district_id: DistrictId = DISTRICT,
    run_id: RunId = RUN,
) -> None:
    log.keep(district_id, run_id, attempt=attempt, number=number, fence=7, changes=changes)


def created(*numbers: int) -> list[UserChange]:
    return [UserChange(ChangeKind.CREATE, UserId(f"u-{number}")) for number in numbers]


def pages(log: Log, *, limit: int, kind: ChangeKind | None = None) -> list[Sequence[UserChange]]:
    found: list[Sequence[UserChange]] = []
    cursor = None
    while True:
        page, cursor = log.page(DISTRICT, RUN, kind=kind, cursor=cursor, limit=limit)
        found.append([change for _, change in page])
        if cursor is None:
            return found


def test_a_chunks_changes_are_kept_whole(log: Log) -> None:
    keep(log, RENAMED, *created(2), number=3, attempt=2)

    assert list(log.all(DISTRICT, RUN)) == [KeptChanges(2, 3, 7, [RENAMED, *created(2)])]


def test_what_was_kept_first_stays(log: Log) -> None:
    keep(log, RENAMED)

    keep(log, *created(1))

    assert [kept.changes for kept in log.all(DISTRICT, RUN)] == [[RENAMED]]


def test_what_was_kept_of_a_chunk_is_found(log: Log) -> None:
    keep(log, RENAMED, number=1)

    assert log.kept(a_chunk(number=1)) == [RENAMED]
    assert log.kept(a_chunk(number=2)) == []
    assert log.kept(a_chunk(number=1, attempt=2)) == []


def test_each_attempt_and_chunk_is_kept(log: Log) -> None:
    for attempt, number in ((1, 1), (1, 2), (2, 1), (1, 17)):
        keep(log, *created(number), attempt=attempt, number=number)

    assert sorted((kept.attempt, kept.number) for kept in log.all(DISTRICT, RUN)) == [(1, 1), (1, 2), (1, 17), (2, 1)]


def test_the_changes_of_other_runs_and_districts_are_not_among_them(log: Log) -> None:
    keep(log, *created(1), district_id=OTHER_DISTRICT)
    keep(log, *created(2), run_id=LATER_RUN)

    assert list(log.all(DISTRICT, RUN)) == []
    assert log.page(DISTRICT, RUN) == ([], None)


def test_changes_come_page_by_page_and_none_twice(log: Log) -> None:
    for number in range(1, 20):
        keep(log, *created(number * 10, number * 10 + 1, number * 10 + 2), number=number)

    found = pages(log, limit=4)

    user_ids = [change.user_id for page in found for change in page]
    assert max(len(page) for page in found) == 4
    assert len(user_ids) == len(set(user_ids)) == 57


def test_more_chunks_than_a_page_looks_through_lose_nobody(log: Log) -> None:
    for number in range(1, 100):
        keep(log, *created(number), number=number)

    user_ids = [change.user_id for page in pages(log, limit=1_000) for change in page]

    assert len(user_ids) == len(set(user_ids)) == 99


def test_changes_of_one_kind_are_found(log: Log) -> None:
    keep(log, *created(2, 3), RENAMED)
    keep(log, *created(4), number=2)

    found = pages(log, limit=1, kind=ChangeKind.UPDATE)

    assert [change for page in found for change in page] == [RENAMED]


def test_a_change_comes_with_the_fence_of_its_run(log: Log) -> None:
    keep(log, RENAMED)

    assert log.page(DISTRICT, RUN) == ([(7, RENAMED)], None)


def test_what_is_larger_than_an_item_is_kept_too(log: Log) -> None:
    """DynamoDB takes 400 kB; two users of 200 kB each, before and after, are more."""
    text = random.Random(6).randbytes(400_000).hex()
    large = UserChange(ChangeKind.UPDATE, UserId("u-1"), None, {"given_name": text}, {"given_name": text[::-1]})

    keep(log, large)
    keep(log, *created(2))

    assert [kept.changes for kept in log.all(DISTRICT, RUN)] == [[large]]
    assert log.page(DISTRICT, RUN) == ([(7, large)], None)


@pytest.mark.parametrize("cursor", ["x", "99--0", "00-abc-0", "00-0001_000001-x"])
def test_a_cursor_that_was_never_given_is_refused(log: Log, cursor: str) -> None:
    with pytest.raises(ConfigurationError, match="no such cursor"):
        log.page(DISTRICT, RUN, cursor=cursor)
