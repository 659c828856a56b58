"""What the routes need of the outside."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Protocol

from roster_sync.domain.audit import AuditEntry, Author
from roster_sync.domain.beginning import Beginning
from roster_sync.domain.consent import ExportConsent
from roster_sync.domain.district import School
from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId, UserId
from roster_sync.domain.issue import Issue
from roster_sync.domain.schedule import Schedule
from roster_sync.domain.user import Role, StoredUser
from roster_sync.use_cases.change_settings import SettingsStore
from roster_sync.use_cases.find_users import UserSearch
from roster_sync.use_cases.ports import (
    ChangeLog,
    DeadLetterStore,
    DeletionStore,
    DistrictStore,
    EventSink,
    HeldStore,
    LeaseStore,
    Metered,
    RunStore,
    UserStore,
)
from roster_sync.use_cases.show_changes import ChangePages

LEASE_LASTS: Final = timedelta(seconds=60)
"""Of a lease for what is done within a request, which API Gateway ends after 29."""


class ApiDistricts(DistrictStore, LeaseStore, SettingsStore, Protocol):
    """Districts, with what administrators write."""

    def put_school(self, school: School, by: Author | None = None) -> None:
        """Store a school, or replace the one of its id; the audit log gets a line if somebody did it.

        Raises:
            ConfigurationError: Another school has its OneRoster ID.
        """

    def delete_school(self, district_id: DistrictId, school_id: SchoolId, by: Author | None = None) -> bool:
        """Delete a school; False if there was none. The audit log gets a line if somebody did it."""


class ApiRuns(RunStore, Protocol):
    """Runs and their issues."""

    def issues(
        self, district_id: DistrictId, run_id: RunId, attempt: int, cursor: str | None = None, limit: int = 100
    ) -> tuple[list[Issue], str | None]:
        """Issues of an attempt, and the cursor of the next page."""


class ApiUsers(UserStore, Protocol):
    """Users, one by one and page by page."""

    def get(self, district_id: DistrictId, user_id: UserId) -> StoredUser | None:
        """One user; None if the district has none of this id."""

    def page(
        self,
        district_id: DistrictId,
        *,
        school_id: SchoolId | None = None,
        role: Role | None = None,
        active: bool | None = None,
        email: str | None = None,
        synced: bool | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[list[StoredUser], str | None]:
        """Users that pass every filter, and the cursor of the next page."""


class ApiChangeLog(ChangeLog, ChangePages, Protocol):
    """What runs changed of whom."""


class Audit(Protocol):
    """Who did what to a district."""

    def append(self, entry: AuditEntry) -> None:
        """Add a line for what is done elsewhere."""

    def page(
        self, district_id: DistrictId, cursor: str | None = None, limit: int = 50
    ) -> tuple[list[AuditEntry], str | None]:
        """The log, newest first, and the cursor of the next page; None at the end."""


class ApiUploads(Protocol):
    """Files that are too large for one request."""

    def put(self, district_id: DistrictId, run_id: RunId, content: bytes) -> None:
        """Keep a file; its arrival starts the import."""

    def url(self, district_id: DistrictId, run_id: RunId, valid_for: timedelta) -> str:
        """A URL to which one file may be PUT."""


class ApiExportConsents(Protocol):
    """Consents of districts that the vendor's staff export their users."""

    def get(self, district_id: DistrictId) -> ExportConsent | None:
        """The consent that was given last; None if none was, or it was withdrawn."""

    def put(self, district_id: DistrictId, consent: ExportConsent) -> None:
        """Keep a consent in place of the one before."""

    def delete(self, district_id: DistrictId) -> None:
        """Withdraw it, if there is one."""


class ApiBeginnings(Protocol):
    """When requests with an `Idempotency-Key` began."""

    def keep(self, district_id: DistrictId, key: str, beginning: Beginning) -> Beginning:
        """Keep a beginning, and return it; that which the key has already, if one is not forgotten."""

    def replace(self, district_id: DistrictId, key: str, beginning: Beginning) -> None:
        """Let the key have another beginning."""

    def forget(self, district_id: DistrictId, key: str, now: datetime) -> None:
        """Let the key have none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The stores, and the calls to other functions.

    Attributes:
        active_districts: Ids of districts with a product on, from a cursor and as many as said, and the next cursor.
        request_deletion: Lets a deletion that is stored go on.
        request_sync: Sends a SyncRequest.
        send_changes: Sends bodies of chunks again.
        encrypt: Encrypts a secret for a district; there is no way back in this function.
        test_connection: Runs the probe with its request and returns its report; raises TooManyTestsError.
        normalise_base_url: Of a provider; raises ConfigurationError for one that may not be called.
        normalise_token_url: Of a provider; raises the same.
        offered_products: The products of this deployment.
        default_schedule: Of districts that have none of their own.
        clock: Says what time it is.
        start_metering: Gives what will have been used from then on.
        nonce: Eight hexadecimal digits, new each time.
        events: Who is told of uploads, of changes by hand, and of runs that are skipped at once, if anybody is.
    """

    districts: ApiDistricts
    runs: ApiRuns
    dead_letters: DeadLetterStore
    held: HeldStore
    users: ApiUsers
    search: UserSearch
    log: ApiChangeLog
    uploads: ApiUploads
    beginnings: ApiBeginnings
    export_consents: ApiExportConsents
    deletions: DeletionStore
    active_districts: Callable[[str | None, int], tuple[Sequence[DistrictId], str | None]]
    audit: Audit
    request_deletion: Callable[[DistrictId], None]
    request_sync: Callable[[DistrictId, RunId], None]
    send_changes: Callable[[DistrictId, Sequence[str]], None]
    encrypt: Callable[[DistrictId, str], bytes]
    test_connection: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    normalise_base_url: Callable[[str], str]
    normalise_token_url: Callable[[str], str]
    offered_products: frozenset[str]
    default_schedule: Schedule
    clock: Callable[[], datetime]
    start_metering: Callable[[], Metered]
    nonce: Callable[[], str]
    events: EventSink | None = None
