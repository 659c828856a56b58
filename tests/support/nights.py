"""Whole nights of one district over in-memory stores: fetch, then every chunk applied."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from msgspec import Raw

from roster_sync.domain.change import Chunk
from roster_sync.domain.district import School, Settings
from roster_sync.domain.fetch_proof import FetchProof
from roster_sync.domain.identifiers import RunId, SourcedId
from roster_sync.domain.journal import Journal, PageContent, Place
from roster_sync.domain.lease import LEASE_TIME
from roster_sync.domain.record import RawRecord
from roster_sync.domain.run import Run, RunState
from roster_sync.domain.user import StoredUser
from roster_sync.oneroster.records import JsonRecordReader
from roster_sync.use_cases.apply_chunk import apply_chunk
from roster_sync.use_cases.fetch_roster import fetch_roster
from roster_sync.use_cases.fetcher import Fetcher
from roster_sync.use_cases.import_upload import Importer
from roster_sync.use_cases.provider import Page
from roster_sync.use_cases.revert_run import revert_run
from roster_sync.use_cases.start_revert import start_revert
from tests.support.builders import DISTRICT, NOW, a_run, a_school, settings
from tests.support.fakes import (
    InMemoryChangeLog,
    InMemoryChangeQueue,
    InMemoryCheckpoints,
    InMemoryDistricts,
    InMemoryHeld,
    InMemoryRuns,
    InMemoryUsers,
)

PRODUCTS = frozenset({"serve", "jobs", "journey"})


def a_record(sourced_id: str = "S-1", **fields: Any) -> dict[str, Any]:
    """A provider's record of a student of the mapped school, as OneRoster 1.1 §4.13 has it."""
    record: dict[str, Any] = {
        "sourcedId": sourced_id,
        "status": "active",
        "enabledUser": "true",
        "givenName": "Given",
        "familyName": f"Family {sourced_id}",
        "role": "student",
        "orgs": [{"href": "https://sis.example.org/orgs/org-1", "sourcedId": "org-1", "type": "org"}],
    }
    return {**record, **fields}


@dataclass(frozen=True)
class _Page:
    records: Sequence[object]
    starts_over: bool = False
    total: int | None = None

    @property
    def raw_records(self) -> Sequence[RawRecord]:
        return [json.dumps(record).encode() for record in self.records]


class FakeProvider:
    """A provider that sends given records, in pages of two; `announced` is its total, the truth unless said.

    Lists of single schools, and of a role, hold what their names say, or what `lists` says; an error there is raised.
    What it sent of users before it had to be read anew is `earlier`.
    """

    def __init__(
        self,
        users: Sequence[object],
        *,
        announced: int | None = None,
        orgs: Sequence[object] | None = None,
        lists: Mapping[str, Sequence[object] | Exception] | None = None,
        earlier: Sequence[object] = (),
    ) -> None:
        self._collections: dict[str, Sequence[object] | Exception] = {
            "users": users,
            "orgs": orgs if orgs is not None else [{"sourcedId": "org-1"}, {"sourcedId": "org-2"}],
            **(lists or {}),
        }
        self._users = users
        self.asked: list[str] = []
        self._announced = announced
        self._earlier = earlier
        self.reader = JsonRecordReader()
        self.requests_made = 0
        self._journal = Journal(NOW)
        self.failure: Exception | None = None
        self.open = True

    def pages(self, endpoint: str, filter: str | None = None) -> Iterator[Page]:  # noqa: A002
        named = f"{endpoint}?{filter}" if filter else endpoint
        self.asked.append(named)
        records = self._records(endpoint, filter)
        started_over = endpoint == "users" and bool(self._earlier)
        if started_over:
            yield _Page(self._earlier)
        for start in range(0, max(1, len(records)), 2):
            place = Place(named, 1, start, 2)
            if recalled := self._journal.recall(place):
                yield _Page([json.loads(bytes(record)) for record in recalled.records])
                continue
            self.requests_made += 1
            if self.failure and endpoint == "users" and start:
                raise self.failure
            page = _Page(records[start : start + 2], starts_over=started_over and not start)
            self._journal.note(place, PageContent([Raw(json.dumps(record).encode()) for record in page.records]))
            yield page

    def remember(self, journal: Journal) -> None:
        self._journal = journal

    def page(self, endpoint: str, *, limit: int, offset: int, filter: str | None = None) -> Page:  # noqa: A002
        records = self._records(endpoint, filter)
        return _Page(records[offset : offset + limit], total=len(records))

    def _records(self, endpoint: str, wanted: str | None) -> Sequence[object]:
        records = self._collections.get(f"{endpoint}?{wanted}" if wanted else endpoint)
        if isinstance(records, Exception):
            raise records
        return self._selected(endpoint, wanted) if records is None else records

    def _selected(self, endpoint: str, wanted: str | None) -> Sequence[object]:
        """The users of a role or changed since a date, in the whole district; those of a school."""
        users = [user for user in self._users if isinstance(user, dict)]
        if wanted and wanted.startswith("dateLastModified>"):
            since = wanted.split("'")[1]
            return [user for user in users if user.get("dateLastModified", "") > since]
        if wanted:
            return [user for user in users if f"role='{user['role']}'" == wanted]
        _, school, name = endpoint.split("/")
        role = name.removesuffix("s")
        return [
            user
            for user in users
            if user["role"] == role and school in [reference["sourcedId"] for reference in user["orgs"]]
        ]

    def proof(self, distinct: int) -> FetchProof:
        announced = distinct if self._announced is None else self._announced
        reason = None if announced == distinct else f"{announced} users were announced, {distinct} came."
        return FetchProof(reason is None, reason, announced, distinct)

    def close(self) -> None:
        self.open = False


class Nights:
    """A district and its nights."""

    def __init__(
        self,
        *users: StoredUser,
        district: Settings | None = None,
        schools: Sequence[School] = (),
        now: datetime = NOW,
    ) -> None:
        self.districts = InMemoryDistricts()
        self.runs = InMemoryRuns()
        self.users = InMemoryUsers(*users)
        self.log = InMemoryChangeLog()
        self.held = InMemoryHeld()
        self.queue = InMemoryChangeQueue()
        self.now = now
        self.count = 0
        self.pauses: list[float] = []
        self.checkpoints = InMemoryCheckpoints()
        self.asked_again: list[RunId] = []
        self.configure(district or settings(), schools or (a_school(),))

    def configure(self, district: Settings, schools: Sequence[School]) -> None:
        """Save settings and schools; schools that are not given go."""
        stored = self.districts.settings(DISTRICT)
        self.districts.save_settings(district, stored.version if stored else 0)
        for school in self.districts.schools(DISTRICT):
            self.districts.delete_school(DISTRICT, school.school_id)
        for school in schools:
            self.districts.put_school(school)

    def fetcher(self, provider: FakeProvider, clock: Callable[[], datetime] | None = None) -> Fetcher:
        """What a fetch of this district needs."""
        return Fetcher(
            districts=self.districts,
            leases=self.districts,
            runs=self.runs,
            users=self.users,
            log=self.log,
            held=self.held,
            queue=self.queue,
            open_provider=lambda _settings: provider,
            offered_products=PRODUCTS,
            checkpoints=self.checkpoints,
            request_sync=lambda _, run_id: self.asked_again.append(run_id),
            clock=clock or (lambda: self.now),
            pause=self._pause,
        )

    def importer(self, lease_lasts: timedelta = LEASE_TIME) -> Importer:
        """What an upload to this district needs."""
        return Importer(
            districts=self.districts,
            leases=self.districts,
            runs=self.runs,
            users=self.users,
            log=self.log,
            offered_products=PRODUCTS,
            lease_lasts=lease_lasts,
            clock=lambda: self.now,
        )

    def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += timedelta(seconds=seconds)

    def queued(self) -> Run:
        """A new run of the next night."""
        self.now += timedelta(days=1)
        self.count += 1
        run = a_run(run_id=f"{self.now:%Y%m%dT%H%M%SZ}-nightly", state=RunState.QUEUED, created_at=self.now)
        self.runs.create(run)
        return run

    def fetch(self, run: Run, provider: FakeProvider) -> None:
        """Deliver the run's SyncRequest."""
        fetch_roster(run.district_id, run.run_id, self.fetcher(provider), deadline=self.now + timedelta(minutes=9))

    def queued_revert(self, reverted: Run) -> Run:
        """A run that takes another one back, an hour later."""
        self.now += timedelta(hours=1)
        self.count += 1
        return start_revert(
            reverted, runs=self.runs, request_sync=lambda *_: None, now=self.now, nonce=f"{self.count:08x}"
        )

    def revert(self, reverted: Run) -> Run:
        """Take a run back; the run that did it, ended."""
        run = self.queued_revert(reverted)
        revert_run(run.district_id, run.run_id, self.fetcher(FakeProvider([])))
        self.apply()
        return self.stored(run)

    def apply(self, deliveries: int = 1) -> None:
        """Deliver each chunk that was sent as often as said, its redeliveries before the next chunk."""
        sent, self.queue.sent = self.queue.sent, []
        for chunk in (chunk for chunk in sent for _ in range(deliveries)):
            self.apply_chunk(chunk)

    def apply_chunk(self, chunk: Chunk) -> None:
        """Deliver a chunk."""
        apply_chunk(
            chunk,
            users=self.users,
            log=self.log,
            runs=self.runs,
            leases=self.districts,
            clock=lambda: self.now,
        )

    def run(self, *users: object, provider: FakeProvider | None = None) -> Run:
        """One whole night in which the provider has these users; its run, ended."""
        run = self.queued()
        self.fetch(run, provider or FakeProvider(users))
        self.apply()
        return self.stored(run)

    def stored(self, run: Run) -> Run:
        """A run as it stands."""
        stored = self.runs.get(run.district_id, run.run_id)
        assert stored is not None
        return stored

    def issues(self, run: Run) -> list[tuple[str, str | None]]:
        """Code and sourcedId of each of a run's issues."""
        issues, _ = self.runs.issues(run.district_id, run.run_id, self.stored(run).attempt, None, 10_000)
        return [(issue.code.value, issue.sourced_id) for issue in issues]

    def user(self, sourced_id: str) -> StoredUser:
        """The one stored user with this sourcedId."""
        (user,) = [user for user in self.users.all(DISTRICT) if SourcedId(sourced_id) in user.sourced_ids]
        return user
