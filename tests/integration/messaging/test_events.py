"""What is sent to EventBridge, and what becomes of what it does not take."""

import json
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from roster_sync.domain.change import ChangeKind
from roster_sync.domain.deletion import Contents, new_deletion
from roster_sync.domain.errors import TransientError
from roster_sync.domain.identifiers import SourcedId, UserId
from roster_sync.domain.run import Counts, RunState
from roster_sync.domain.user_change import UserChange
from roster_sync.messaging.events import Events, events_of
from tests.support.builders import DISTRICT, NOW, RUN, a_chunk, a_run, an_author

RENAMED = UserChange(
    ChangeKind.UPDATE,
    UserId("u-1"),
    SourcedId("S-1"),
    {"given_name": "Lisa", "fingerprint": "AQ=="},
    {"given_name": "Liza", "fingerprint": "Ag==", "grades": ["02"]},
)


class Bus:
    """Takes entries; the first of each of `refusals` calls is not taken."""

    def __init__(self) -> None:
        self.calls: list[list[dict[str, Any]]] = []
        self.refusals = 0
        self.pauses: list[float] = []

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - boto3's name
        self.calls.append(Entries)
        refused = self.refusals > 0
        self.refusals -= refused
        return {
            "Entries": [{"ErrorCode": "ThrottlingException"} if refused and not n else {} for n in range(len(Entries))]
        }

    def details(self) -> list[dict[str, Any]]:
        return [json.loads(entry["Detail"]) for call in self.calls for entry in call]


@pytest.fixture
def bus() -> Bus:
    return Bus()


def events(bus: Bus, *, values: bool = False) -> Events:
    sending = Events("products", values=values, pause=bus.pauses.append)
    sending._client = bus
    return sending


def test_a_changed_user_is_told_of_by_id_and_names_of_attributes_alone(bus: Bus) -> None:
    events(bus).users_changed(a_chunk(), [RENAMED])

    ((entry,),) = bus.calls
    assert (entry["EventBusName"], entry["Source"], entry["DetailType"]) == (
        "products",
        "oneroster-sync",
        "UserChanged",
    )
    assert json.loads(entry["Detail"]) == {
        "version": 1,
        "district_id": DISTRICT,
        "run_id": RUN,
        "user_id": "u-1",
        "change": "update",
        "attributes": ["given_name", "grades"],
    }


def test_values_are_told_where_a_deployment_says_so(bus: Bus) -> None:
    events(bus, values=True).users_changed(a_chunk(), [RENAMED])

    (detail,) = bus.details()
    assert (detail["before"], detail["after"]) == ({"given_name": "Lisa"}, {"given_name": "Liza", "grades": ["02"]})


def test_values_that_no_event_has_room_for_are_left_out(bus: Bus) -> None:
    large = UserChange(ChangeKind.UPDATE, UserId("u-1"), None, {"given_name": "x" * 300_000}, {})

    events(bus, values=True).users_changed(a_chunk(), [large])

    (detail,) = bus.details()
    assert "before" not in detail
    assert detail["attributes"] == ["given_name"]


def test_an_ended_run_is_told_of_with_its_state_and_counts(bus: Bus) -> None:
    events(bus).run_ended(a_run(state=RunState.COMPLETED, ended_at=NOW, counts=Counts(created=2)))

    ((entry,),) = bus.calls
    detail = json.loads(entry["Detail"])
    assert entry["DetailType"] == "RunCompleted"
    assert (detail["run_id"], detail["kind"], detail["state"]) == (RUN, "nightly", "completed")
    assert (detail["ended_at"], detail["counts"]["created"]) == ("2026-11-24T09:00:00Z", 2)


def test_a_deleted_district_is_told_of_with_how_much_there_was_and_not_who_asked(bus: Bus) -> None:
    deletion = new_deletion(DISTRICT, an_author())

    events(bus).district_deleted(replace(deletion, contents=Contents(users=3, schools=1, runs=2)))

    ((entry,),) = bus.calls
    assert entry["DetailType"] == "DistrictDeleted"
    assert json.loads(entry["Detail"]) == {
        "version": 1,
        "district_id": DISTRICT,
        "asked_at": "2026-11-24T09:00:00Z",
        "counts": {"users": 3, "schools": 1, "runs": 2},
    }


def test_ten_events_go_at_once(bus: Bus) -> None:
    events(bus).users_changed(a_chunk(), [UserChange(ChangeKind.CREATE, UserId(f"u-{number}")) for number in range(25)])

    assert [len(call) for call in bus.calls] == [10, 10, 5]
    assert [detail["user_id"] for detail in bus.details()] == [f"u-{number}" for number in range(25)]


def test_large_events_do_not_go_together(bus: Bus) -> None:
    large = UserChange(ChangeKind.UPDATE, UserId("u-1"), None, {"given_name": "x" * 120_000}, {})

    events(bus, values=True).users_changed(a_chunk(), [large, large])

    assert [len(call) for call in bus.calls] == [1, 1]


def test_what_was_not_taken_is_sent_again_and_nothing_else(bus: Bus) -> None:
    bus.refusals = 2

    events(bus).users_changed(a_chunk(), [UserChange(ChangeKind.CREATE, UserId(f"u-{n}")) for n in range(3)])

    assert [len(call) for call in bus.calls] == [3, 1, 1]
    assert len(bus.pauses) == 2


def test_what_is_never_taken_comes_again_with_its_chunk(bus: Bus) -> None:
    bus.refusals = 99

    with pytest.raises(TransientError):
        events(bus).users_changed(a_chunk(), [RENAMED])


def test_the_request_is_one_that_eventbridge_takes() -> None:
    with mock_aws():
        boto3.client("events").create_event_bus(Name="products")

        Events("products", values=False).users_changed(a_chunk(), [RENAMED])


def test_without_a_bus_there_are_no_events() -> None:
    assert events_of("none", values=False) is None
