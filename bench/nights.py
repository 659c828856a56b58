"""One night's fetch of the sample provider's district, with stores in memory."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.provider import Address
from bench.rosters import RosterReader, RosterWriter
from roster_sync.domain.district import School, Settings
from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId, SourcedId
from roster_sync.domain.run import Run, RunKind, RunState
from roster_sync.oneroster.client import OneRosterClient
from roster_sync.use_cases.fetch_roster import fetch_roster
from roster_sync.use_cases.fetcher import Fetched, Fetcher
from tests.support.fakes import (
    InMemoryChangeLog,
    InMemoryCheckpoints,
    InMemoryDistricts,
    InMemoryHeld,
    InMemoryRuns,
)

DISTRICT = DistrictId("maplewood")
PRODUCTS = frozenset({"serve", "jobs"})
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Night:
    """What became of the fetch, and the run as it was stored."""

    fetched: Fetched
    run: Run


def open_client(address: Address) -> OneRosterClient:
    """The client as `fetch` makes it for a district with default settings."""
    return OneRosterClient(
        address.base_url,
        address.consumer_key,
        address.consumer_secret,
        allow_local=True,
        page_size=address.page_size,
    )


def schools_of(address: Address) -> dict[SourcedId, SchoolId]:
    """All schools of the provider, mapped."""
    client = open_client(address)
    found: list[SourcedId] = [
        record["sourcedId"]
        for page in client.pages("orgs")
        for record in page.records
        if isinstance(record, dict) and record["type"] == "school"
    ]
    client.close()
    return {sourced_id: SchoolId(f"school-{number}") for number, sourced_id in enumerate(found, start=1)}


def settings(address: Address) -> Settings:
    """Everything that costs something is on."""
    return Settings(
        district_id=DISTRICT,
        base_url=address.base_url,
        consumer_key=address.consumer_key,
        consumer_secret=b"encrypted",
        products=PRODUCTS,
        counselor_metadata_key="counselorEmail",
        page_size=address.page_size,
    )


def run_night(address: Address, number: int, *, roster: Path | None, stored: Path) -> Night:
    """Fetch the district.

    Args:
        address: Of the provider.
        number: Of the night, which gives the run its id.
        roster: What the night before stored; None: a first night.
        stored: Where to write what this night would store.
    """
    run_id = RunId(f"2026112{number}T090000Z-nightly")
    districts, runs = InMemoryDistricts(), InMemoryRuns()
    districts.save_settings(settings(address), 0)
    for sourced_id, school_id in schools_of(address).items():
        districts.put_school(School(district_id=DISTRICT, school_id=school_id, name=school_id, oneroster_id=sourced_id))
    runs.create(Run(district_id=DISTRICT, run_id=run_id, kind=RunKind.NIGHTLY, state=RunState.QUEUED, created_at=NOW))
    fetcher = Fetcher(
        districts=districts,
        leases=districts,
        runs=runs,
        users=RosterReader(roster),
        log=InMemoryChangeLog(),
        held=InMemoryHeld(),
        queue=RosterWriter(stored),
        open_provider=lambda _: open_client(address),
        offered_products=PRODUCTS,
        checkpoints=InMemoryCheckpoints(),
        request_sync=lambda _district_id, _run_id: None,
        clock=lambda: NOW,
        pause=time.sleep,
    )
    fetched = fetch_roster(DISTRICT, run_id, fetcher, deadline=NOW + timedelta(minutes=10))
    run = runs.get(DISTRICT, run_id)
    assert run  # noqa: S101 - it was created above
    return Night(fetched, run)
