"""A district on the deployed stack, with a provider: entered through the API, observed in the tables."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from rich.console import Console

from local.cli_api import DistrictApi, RefusedError
from local.cli_district import Connection, counselors_csv, enter_schools, enter_settings, run_test
from local.cli_nights import Night, night
from local.cli_progress import Steps
from local.sample_provider import SampleProvider
from local.stack import Stack
from roster_sync.domain.identifiers import RunId
from roster_sync.domain.run import RunState, nightly_run_id
from tests.e2e.expected import Attributes, Expected
from tests.support.polling import eventually

USERS, SCHOOLS = 300, 6
SEED = 6
"""Of a district whose odd users are all in mapped schools."""
PATIENCE_S = 180.0
"""More than `fetch` waits in all for a host that cannot be reached."""
PRODUCTS = ("serve", "jobs", "journey")
COUNSELOR_KEY = "counselorEmail"
STORED_TIME = "%Y-%m-%dT%H:%M:%S.%f%z"


@dataclass(frozen=True, slots=True)
class UploadedCounselor:
    """A row of the upload."""

    first_name: str
    last_name: str
    email: str
    school_id: str


@dataclass
class LiveDistrict:
    """One district and its nights.

    Attributes:
        schools: The mapped ones, school_id by sourcedId; the provider has one more.
        counselors: Uploaded; the last of them is also a teacher at the provider.
        test_report: What Test Settings answered.
    """

    stack: Stack
    api: DistrictApi
    provider: SampleProvider
    schools: dict[str, str]
    counselors: Sequence[UploadedCounselor] = ()
    test_report: dict[str, Any] = field(default_factory=dict)
    _nights: int = 0

    @property
    def expected(self) -> Expected:
        """What its users must be."""
        return Expected(self.api.district_id, self.schools, PRODUCTS, COUNSELOR_KEY)

    def expected_users(self) -> dict[str, Attributes]:
        """What its users must be now."""
        return self.expected.users(self.provider.users, self.counselors)

    def night(self) -> Night:
        """Let the next night pass."""
        self._nights += 1
        scheduled_time = self.night_at(datetime.now(UTC) + timedelta(days=self._nights))
        passed = night(self.stack, self.api, scheduled_time, Steps(Console()), patience_s=PATIENCE_S)
        self._at_the_usual_time()
        return passed

    def begin_night(self, moment: datetime | None = None) -> RunId:
        """Let a night begin, tomorrow's unless told otherwise, and give its run's id."""
        began = self.night_at(moment or datetime.now(UTC) + timedelta(days=1))
        self.stack.invoke("DispatchFunction", {"scheduled_time": began.isoformat()})
        return nightly_run_id(began)

    def run(self, run_id: str, *states: RunState) -> dict[str, Any]:
        """A run as soon as it is there and in one of these states; without any, as soon as it has ended."""

        def look() -> dict[str, Any] | None:
            try:
                run: dict[str, Any] = self.api.get(f"runs/{run_id}")
            except RefusedError:
                return None
            state = RunState(run["state"])
            return run if (state in states if states else state.is_terminal) else None

        return eventually(look, f"{run_id} in {[*states] or 'its end'}")

    def night_at(self, moment: datetime) -> datetime:
        """Let the district's nights begin at a moment's time of day, in whole seconds, none earlier than then.

        In the table, so that it may be in the past, and is no other district's.
        """
        begins = moment.astimezone(UTC).replace(microsecond=0)
        self._set_nights(
            "SET sync_time = :at, #zone = :utc, nights_after = :past REMOVE nights_from, former_night",
            {
                ":at": {"S": begins.time().isoformat()},
                ":utc": {"S": "UTC"},
                ":past": {"S": (begins - timedelta(seconds=1)).strftime(STORED_TIME)},
            },
        )
        return begins

    def _at_the_usual_time(self) -> None:
        """Let nights begin at the deployment's time again: what a page shows and saves is on a quarter of an hour."""
        self._set_nights(
            "SET nights_after = :now REMOVE sync_time, #zone", {":now": {"S": datetime.now(UTC).strftime(STORED_TIME)}}
        )

    def _set_nights(self, expression: str, values: dict[str, Any]) -> None:
        self.stack.client("dynamodb").update_item(
            TableName=self.stack.outputs["DistrictsTable"],
            Key={"district_id": {"S": self.api.district_id}, "item": {"S": "settings"}},
            UpdateExpression=expression,
            ExpressionAttributeNames={"#zone": "timezone"},
            ExpressionAttributeValues=values,
        )

    def users(self) -> list[Attributes]:
        """The items of the Users table, each attribute as it is stored."""
        read = TypeDeserializer().deserialize
        pages = self.stack.client("dynamodb").get_paginator("scan").paginate(TableName=self.stack.outputs["UsersTable"])
        items = [{name: read(value) for name, value in item.items()} for page in pages for item in page["Items"]]
        ours = [item for item in items if item["shard_key"].startswith(f"{self.api.district_id}#")]
        return sorted(ours, key=lambda item: str(item["user_id"]))


@contextmanager
def a_live_district(stack: Stack, district_id: str | None = None) -> Iterator[LiveDistrict]:
    """A district that is ready for its first night; without an id, one is made up."""
    with SampleProvider(USERS, SEED, schools=SCHOOLS) as provider:
        api = DistrictApi(stack, district_id or f"district-{secrets.token_hex(4)}")
        enter_settings(
            api,
            Connection(
                base_url=provider.base_url,
                consumer_key=provider.consumer_key,
                consumer_secret=provider.consumer_secret,
                counselor_key=COUNSELOR_KEY,
            ),
        )
        *mapped, _unmapped = [org for org in provider.orgs if org["type"] == "school"]
        enter_schools(api, {school["sourcedId"]: school["name"] for school in mapped})
        schools = {school["sourcedId"]: school["sourcedId"] for school in mapped}
        district = LiveDistrict(stack, api, provider, schools, _counselors(provider, mapped))
        api.upload(
            counselors_csv(
                (each.first_name, each.last_name, each.email, each.school_id) for each in district.counselors
            )
        )
        district.test_report = dict(run_test(api))
        yield district
        # No later night of the stack shall ask a provider that is gone.
        api.put("settings", {})


def _counselors(provider: SampleProvider, mapped: Sequence[dict[str, Any]]) -> list[UploadedCounselor]:
    ids_by_name = {school["name"]: school["sourcedId"] for school in mapped}
    counselors = [
        UploadedCounselor(each.first_name, each.last_name, each.email, ids_by_name[each.school_name])
        for each in provider.counselors()
        if each.school_name in ids_by_name
    ]
    odd = frozenset[str]().union(*provider.district.odd.values())
    teacher = next(
        user
        for user in provider.users
        if user["role"] == "teacher"
        and user["sourcedId"] not in odd
        and user["orgs"][0]["sourcedId"] in ids_by_name.values()
    )
    school_id = teacher["orgs"][0]["sourcedId"]
    return [*counselors, UploadedCounselor(teacher["givenName"], teacher["familyName"], teacher["email"], school_id)]
