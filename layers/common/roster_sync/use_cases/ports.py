"""What the use cases need of the outside; each has an adapter and an in-memory twin held to the same tests."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from roster_sync.domain.audit import AuditEntry
from roster_sync.domain.change import Chunk, ManualChange
from roster_sync.domain.dead_letter import DeadLetter
from roster_sync.domain.deletion import Contents, Deletion
from roster_sync.domain.district import School, Settings
from roster_sync.domain.held_changes import Decision, HeldChange, HeldKind
from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId, UserId
from roster_sync.domain.issue import Issue
from roster_sync.domain.lease import Lease
from roster_sync.domain.manual_edit import ManualEdit
from roster_sync.domain.reading import Reading
from roster_sync.domain.run import Counts, Run, RunState
from roster_sync.domain.usage import NOTHING_USED, Usage
from roster_sync.domain.user import RosterEntry, SisUser, StoredUser
from roster_sync.domain.user_change import Attributes, KeptChanges, UserChange

Metered = Callable[[], Usage]
"""What a run has used in this invocation so far, but for its accounting."""


class DistrictStore(Protocol):
    """Districts: settings and schools."""

    def active(self) -> Iterator[Settings]:
        """The districts with at least one product on, in no order."""

    def settings(self, district_id: DistrictId) -> Settings | None:
        """A district's settings as last saved; None if it has none."""

    def schools(self, district_id: DistrictId) -> list[School]:
        """A district's schools, by school_id."""

    def save_previewed(self, district_id: DistrictId, now: datetime, version: int) -> bool:
        """Note that a preview of the settings of a version has completed; False if they are stored no more."""


class LeaseStore(Protocol):
    """One run or upload per district at a time."""

    def acquire(self, district_id: DistrictId, holder: RunId, now: datetime, expires_at: datetime) -> Lease:
        """Take the lease; the same holder may take it again, with a higher fence.

        Raises:
            DistrictBusyError: Another holder's lease has not expired.
        """

    def renew(self, district_id: DistrictId, holder: RunId, expires_at: datetime) -> bool:
        """Prolong the holder's lease; False if somebody else holds it now."""

    def release(self, district_id: DistrictId, holder: RunId, expires_at: datetime | None = None) -> bool:
        """Give the lease back; False if somebody else holds it now, or if it no longer expires at `expires_at`."""

    def retake(self, district_id: DistrictId, holder: RunId, fence: int, now: datetime, expires_at: datetime) -> bool:
        """Take the lease once more with its fence; False if anybody has it, or somebody else has had it since."""

    def held(self, district_id: DistrictId) -> Lease | None:
        """The lease as it stands, expired or not; None if it is free."""


class RunStore(Protocol):
    """Runs, their accounting and their issues. Reads of single runs are strongly consistent."""

    def create(self, run: Run, entry: AuditEntry | None = None) -> bool:
        """Store a new run, and a line of the audit log; False if one of this id exists, which stays as it is."""

    def get(self, district_id: DistrictId, run_id: RunId) -> Run | None:
        """A run as it stands."""

    def page(self, district_id: DistrictId, cursor: str | None = None, limit: int = 50) -> tuple[list[Run], str | None]:
        """Runs, newest first, and the cursor of the next page; None at the end."""

    def unfinished(self, created_before: datetime) -> Iterator[tuple[DistrictId, RunId]]:
        """The runs of all districts that have not ended, in no order; one that has just ended may be among them."""

    def resume(self, run: Run, now: datetime) -> bool:
        """Note that `run` is started anew; False if it has gone on or ended since it was read."""

    def begin_attempt(self, district_id: DistrictId, run_id: RunId, fence: int, now: datetime) -> Run | None:
        """Start fetching anew: attempt + 1, counts, chunks and issues empty; None if the run has ended."""

    def begin_applying(
        self,
        district_id: DistrictId,
        run_id: RunId,
        *,
        attempt: int,
        chunks_expected: int,
        counts: Counts,
        issues_by_code: Mapping[str, int],
        provider_requests: int,
        outcome: RunState,
        reason: str | None,
        reading: Reading | None = None,
        held: Mapping[HeldKind, int] = MappingProxyType({}),
        usage: Usage = NOTHING_USED,
    ) -> bool:
        """Record what was fetched; chunks may now be counted. False if the attempt is not the newest or has ended."""

    def count_chunk(self, chunk: Chunk, counts: Counts, usage: Usage = NOTHING_USED) -> bool:
        """Add a chunk's counts and usage to its run, once.

        False if it was counted before, or the attempt is not the newest.
        """

    def close(
        self,
        district_id: DistrictId,
        run_id: RunId,
        state: RunState,
        reason: str | None,
        now: datetime,
        *,
        attempt: int | None = None,
        redrives: int = 0,
        provider_requests: int | None = None,
    ) -> bool:
        """End the run; False if it had ended before, which stays as it is.

        Args:
            district_id: Whose run.
            run_id: Which.
            state: A terminal one.
            reason: In a sentence.
            now: When it ended.
            attempt: Of the caller: False, too, if it is not the newest. None for a caller that is no attempt.
            redrives: As read by such a caller: False, too, if the run was redriven since.
            provider_requests: Of an attempt that failed; None leaves what is stored.
        """

    def add_issues(
        self, district_id: DistrictId, run_id: RunId, attempt: int, issues: Sequence[Issue], first_number: int = 1
    ) -> None:
        """Store issues of an attempt, numbered from `first_number`; the same number replaces."""


class DeadLetterStore(Protocol):
    """Messages that were given up, with their runs."""

    def keep(self, letter: DeadLetter, run: Run) -> bool:
        """Keep a letter, and count it and its issue in its run, once.

        False if it was kept before, if it is of a chunk that was applied, or if the run is not as it was read.
        """

    def of_run(self, run: Run) -> list[DeadLetter]:
        """The letters of a run's attempt that were not sent again since."""

    def reopen(self, run: Run, state: RunState, entry: AuditEntry | None = None) -> bool:
        """Let a failed run go on as `state`, and write a line of the audit log; False if it is not as it was read."""


class HeldStore(Protocol):
    """Changes that runs hold aside, and the decisions about them; they are forgotten with their run."""

    def add(self, district_id: DistrictId, run_id: RunId, attempt: int, changes: Iterable[HeldChange]) -> None:
        """Store what an attempt of a run holds; the same number replaces."""

    def page(
        self,
        district_id: DistrictId,
        run_id: RunId,
        attempt: int,
        *,
        school_id: SchoolId | None = None,
        kind: HeldKind | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[list[HeldChange], str | None]:
        """Held changes by number, of a school and a kind if asked, and the cursor of the next page; None at the end.

        A page may hold fewer than `limit`, even none, and yet have a next one: a call looks at a bounded number.
        """

    def all(self, district_id: DistrictId, run_id: RunId, attempt: int) -> Iterator[HeldChange]:
        """Everything that an attempt holds, by number."""

    def decisions(self, district_id: DistrictId, run_id: RunId) -> list[Decision]:
        """The decisions about what a run holds, in their order."""

    def decide(
        self, district_id: DistrictId, run_id: RunId, decision: Decision, number: int, entry: AuditEntry | None = None
    ) -> bool:
        """Store a run's decision of this number, counted from 1, and a line of the audit log.

        False if there is such a decision, which stays.
        """


class UserStore(Protocol):
    """The users of all districts."""

    def roster(self, district_id: DistrictId) -> Iterator[Sequence[RosterEntry]]:
        """Every user of a district as last written, in batches, in no order."""

    def snapshots(self, district_id: DistrictId, user_ids: Collection[UserId]) -> dict[UserId, Attributes]:
        """All attributes of stored users as last written; ids that are not stored are left out."""

    def sis_users(self, district_id: DistrictId, user_ids: Collection[UserId]) -> dict[UserId, SisUser]:
        """The SIS-owned attributes of stored users; ids that are not stored are left out."""

    def by_ids(self, district_id: DistrictId, user_ids: Collection[UserId]) -> dict[UserId, StoredUser]:
        """The users of these ids; ids that are not stored are left out."""

    def by_emails(self, district_id: DistrictId, emails: Collection[str]) -> dict[str, list[StoredUser]]:
        """The users of each normalised e-mail address that has any."""

    def apply(self, chunk: Chunk, now: datetime) -> Counts:
        """Apply each change of a chunk unless a write of a higher fence is stored.

        A change that this run has applied before counts as applied and is not written again; one that a newer
        run or upload has overtaken counts as superseded. Of a chunk with `unchanged_since`, so does each change of a
        user who was written since.

        Raises:
            TransientError: Some change could not be written; all may be tried again.
        """

    def apply_manual(
        self,
        district_id: DistrictId,
        changes: Sequence[ManualChange],
        *,
        run_id: RunId,
        fence: int,
        products: frozenset[str],
        now: datetime,
        part: str | None = None,
    ) -> Counts:
        """Apply an upload's changes, under the same rule as `apply`; `part` names what was kept of them."""

    def apply_edit(
        self,
        district_id: DistrictId,
        edit: ManualEdit,
        *,
        run_id: RunId,
        fence: int,
        now: datetime,
        part: str | None = None,
    ) -> Counts:
        """Apply a change by hand, under the same rule as `apply`; `part` names what was kept of it."""


class ChangeLog(Protocol):
    """What each run changed of whom, for 30 days."""

    def keep(
        self,
        district_id: DistrictId,
        run_id: RunId,
        *,
        attempt: int,
        number: int,
        fence: int,
        changes: Sequence[UserChange],
    ) -> None:
        """Keep what a chunk changes; what was kept before under the same attempt and number stays as it is."""

    def kept(self, chunk: Chunk) -> Sequence[UserChange]:
        """What was kept of a chunk first; nothing if nothing was."""

    def part(self, district_id: DistrictId, run_id: RunId, part: str) -> Sequence[UserChange]:
        """What was kept of one part of a run's changes, as `part_name` gives it; nothing if nothing is."""

    def all(self, district_id: DistrictId, run_id: RunId) -> Iterator[KeptChanges]:
        """What every chunk of every attempt of a run changes, in no order."""


class EventSink(Protocol):
    """Who is told of what happened; each event may come twice."""

    def users_changed(self, of: Chunk | Run, changes: Sequence[UserChange]) -> None:
        """Tell of each user whom a chunk, or a part of an upload, changes.

        Raises:
            TransientError: Some event was not taken after retries; all may be sent again.
        """

    def run_ended(self, run: Run) -> None:
        """Tell of a run that has ended, in whatever state.

        Raises:
            TransientError: The event was not taken after retries.
        """


class DeletionSink(Protocol):
    """Who is told of deleted districts; each event may come twice."""

    def district_deleted(self, deletion: Deletion) -> None:
        """Tell of a district of which nothing is left but its audit log.

        Raises:
            TransientError: The event was not taken after retries.
        """


class AccountStore(Protocol):
    """The accounts of those who may sign in."""

    def delete(self, district_id: DistrictId, in_time: Callable[[], bool]) -> bool:
        """Delete the accounts of a district's administrators, as many as are found `in_time`; whether none is left.

        Accounts of the vendor's staff stay, whatever district they name.

        Raises:
            TransientError: The user pool is busy or did not answer.
        """


class ChangeQueue(Protocol):
    """Where chunks wait for `upsert`."""

    def send(self, chunks: Iterable[Chunk]) -> None:
        """Send chunks in order, with the district as message group.

        Raises:
            TransientError: Some chunk could not be sent after retries.
        """


class DeletionStore(Protocol):
    """The newest deletion of each district."""

    def get(self, district_id: DistrictId) -> Deletion | None:
        """The newest deletion, ended or not; None if there was none within the time of the audit log."""

    def begin(self, deletion: Deletion, entry: AuditEntry) -> bool:
        """Store a deletion and its line, and delete the settings: no night begins. False if one is under way."""

    def count(self, deletion: Deletion, contents: Contents) -> None:
        """Note what there is to delete; what was noted before stays."""

    def end(self, deletion: Deletion, now: datetime) -> bool:
        """Note that it has ended, with its line, and delete the lease; False if it had ended before."""


class ContentsStore(Protocol):
    """All that is stored of a district, but its audit log, its lease and its deletion."""

    def count_users(self, district_id: DistrictId) -> int:
        """How many users are stored."""

    def delete_users(self, district_id: DistrictId, in_time: Callable[[], bool]) -> bool:
        """Delete users while `in_time`; whether none is left."""

    def delete_runs(self, district_id: DistrictId, in_time: Callable[[], bool]) -> bool:
        """Delete runs while `in_time`, each after what belongs to it; whether nothing is left."""

    def delete_settings_and_schools(self, district_id: DistrictId) -> None:
        """Delete settings, schools, the consent to exports and what is counted of the district."""
