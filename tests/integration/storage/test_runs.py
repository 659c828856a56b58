"""What of runs only DynamoDB can show: forgetting, conflicts, and half-done batches."""

from typing import Any

import boto3
import pytest

from roster_sync.domain.errors import TransientError
from roster_sync.domain.issue import Issue, IssueCode
from roster_sync.domain.run import Counts
from roster_sync.storage.runs import Runs
from tests.integration.storage.conftest import ScriptedDynamoDB
from tests.support.builders import DISTRICT, NOW, RUN, a_chunk, a_run
from tests.support.scripted_aws import an_error

NINETY_DAYS_S = 90 * 24 * 60 * 60
CONFLICT = an_error(
    "TransactionCanceledException", CancellationReasons=[{"Code": "None"}, {"Code": "TransactionConflict"}]
)
ISSUES = [Issue(IssueCode.ROLE_UNKNOWN, f"The role of record {number} is unknown.") for number in range(3)]


@pytest.fixture
def runs_over_scripted(scripted: ScriptedDynamoDB, request: pytest.FixtureRequest) -> tuple[Runs, list[float]]:
    """A store that has a connection of its own, and the pauses that it makes."""
    pauses: list[float] = []
    return Runs(f"Scripted-{request.node.name}", pauses.append), pauses


def test_run_markers_and_issues_are_forgotten_together_after_90_days(tables: dict[str, str]) -> None:
    runs = Runs(tables["SyncRunsTable"])
    runs.create(a_run())
    runs.begin_attempt(DISTRICT, RUN, 1, NOW)
    runs.count_chunk(a_chunk(), Counts(created=1))

    runs.add_issues(DISTRICT, RUN, 1, ISSUES)

    items = boto3.client("dynamodb").scan(TableName=tables["SyncRunsTable"])["Items"]
    assert len(items) == 5
    assert {item["expires_at"]["N"] for item in items} == {str(int(NOW.timestamp()) + NINETY_DAYS_S)}


def test_a_chunk_that_meets_others_is_counted_at_a_later_try(
    scripted: ScriptedDynamoDB, runs_over_scripted: tuple[Runs, list[float]]
) -> None:
    runs, pauses = runs_over_scripted
    answers = [CONFLICT, CONFLICT, (200, {})]
    scripted.script = lambda _: answers.pop(0)

    counted = runs.count_chunk(a_chunk(), Counts(created=1))

    assert counted
    assert len(pauses) == 2


def test_a_chunk_that_always_meets_others_comes_again(
    scripted: ScriptedDynamoDB, runs_over_scripted: tuple[Runs, list[float]]
) -> None:
    runs, pauses = runs_over_scripted
    scripted.script = lambda _: CONFLICT

    with pytest.raises(TransientError):
        runs.count_chunk(a_chunk(), Counts(created=1))

    assert sum(pauses) < 12


def test_issues_that_dynamodb_left_are_written_at_a_later_try(
    scripted: ScriptedDynamoDB, runs_over_scripted: tuple[Runs, list[float]]
) -> None:
    runs, pauses = runs_over_scripted

    def take_one(request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        ((table, writes),) = request["RequestItems"].items()
        return 200, {"UnprocessedItems": {table: writes[1:]} if writes[1:] else {}}

    scripted.script = take_one

    runs.add_issues(DISTRICT, RUN, 1, ISSUES)

    sizes = [len(writes) for request in scripted.calls for writes in request["RequestItems"].values()]
    assert sizes == [3, 2, 1]
    assert len(pauses) == 2


def test_issues_that_dynamodb_never_takes_are_an_outage(
    scripted: ScriptedDynamoDB, runs_over_scripted: tuple[Runs, list[float]]
) -> None:
    runs, _ = runs_over_scripted
    scripted.script = lambda request: (200, {"UnprocessedItems": request["RequestItems"]})

    with pytest.raises(TransientError):
        runs.add_issues(DISTRICT, RUN, 1, ISSUES)


def test_a_throttled_read_is_tried_again_and_then_an_outage(
    scripted: ScriptedDynamoDB, runs_over_scripted: tuple[Runs, list[float]]
) -> None:
    runs, _ = runs_over_scripted
    scripted.script = lambda _: an_error("ProvisionedThroughputExceededException")

    with pytest.raises(TransientError):
        runs.get(DISTRICT, RUN)

    assert len(scripted.calls) == 6
