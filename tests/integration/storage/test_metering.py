"""What calls of the tables took is counted as DynamoDB tells it."""

from types import SimpleNamespace

import pytest

from roster_sync import metering
from roster_sync.domain.identifiers import UserId
from roster_sync.domain.usage import Usage
from roster_sync.metering import METER, Meter
from roster_sync.storage.change_log import ChangeLog
from roster_sync.storage.users import Users
from tests.contracts.test_change_log import RENAMED
from tests.support.builders import DISTRICT, NOW, RUN, a_change, a_chunk


@pytest.fixture
def users(tables: dict[str, str]) -> Users:
    return Users(tables["UsersTable"])


def test_each_write_of_a_user_is_counted(users: Users) -> None:
    one = METER.since_now()
    users.apply(a_chunk([a_change(user_id="u-9")]), NOW)
    of_one, five = one(), METER.since_now()

    users.apply(a_chunk([a_change(user_id=f"u-{number}") for number in range(5)]), NOW)

    assert of_one.write_units > 0
    assert five() == Usage(write_units=5 * of_one.write_units)


def test_reads_of_users_are_counted(users: Users) -> None:
    users.apply(a_chunk(), NOW)
    metered = METER.since_now()

    users.snapshots(DISTRICT, [UserId("u-1")])
    list(users.roster(DISTRICT))

    assert metered().read_units > 0
    assert metered().write_units == 0


def test_the_log_of_changes_is_counted(tables: dict[str, str]) -> None:
    metered = METER.since_now()

    ChangeLog(tables["SyncRunsTable"]).keep(DISTRICT, RUN, attempt=1, number=1, fence=1, changes=[RENAMED])

    assert metered().write_units > 0


def test_what_was_used_before_is_another_runs(users: Users) -> None:
    users.apply(a_chunk(), NOW)

    assert METER.since_now()() == Usage()


def test_what_is_known_to_be_used_is_added(users: Users) -> None:
    metered = METER.since_now(Usage(queue_requests=9))

    assert metered() == Usage(queue_requests=9)


def test_time_counts_by_the_functions_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "2048")
    moments = iter([100.0, 103.0])
    monkeypatch.setattr(metering, "time", SimpleNamespace(monotonic=lambda: next(moments)))

    metered = Meter().since_now()

    assert metered() == Usage(gb_seconds=6.0)
