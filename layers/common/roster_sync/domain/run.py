"""One execution of the sync, or of a manual upload, for one district: states, counts, legal transitions."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum

from roster_sync.domain.change import ChangeKind
from roster_sync.domain.identifiers import DistrictId, RunId
from roster_sync.domain.reading import Reading
from roster_sync.domain.usage import Usage

_UPLOAD = "-upload-"
_PREVIEW = "-preview-"
_APPROVAL = "-approval-"
_REVERT = "-revert-"
_EDIT = "-edit-"


class RunKind(StrEnum):
    """What started a run."""

    NIGHTLY = "nightly"
    MANUAL = "manual"
    """An administrator's "sync now"."""
    UPLOAD = "upload"
    PREVIEW = "preview"
    """Reads and compares as a sync does, and changes nobody."""
    APPROVAL = "approval"
    """Applies changes that a blocked run holds, because an administrator has approved them."""
    REVERT = "revert"
    """Takes back what another run changed."""
    EDIT = "edit"
    """An administrator's change of one user by hand."""

    @property
    def is_sync(self) -> bool:
        """Whether it brings users to what the provider has."""
        return self in (RunKind.NIGHTLY, RunKind.MANUAL)


class RunState(StrEnum):
    """Where a run stands; the last five are terminal."""

    QUEUED = "queued"
    FETCHING = "fetching"
    APPLYING = "applying"
    COMPLETED = "completed"
    COMPLETED_WITH_ISSUES = "completed_with_issues"
    BLOCKED = "blocked"
    SKIPPED = "skipped"
    FAILED = "failed"

    @property
    def is_terminal(self) -> bool:
        """Whether the run has ended."""
        return self not in (RunState.QUEUED, RunState.FETCHING, RunState.APPLYING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What a run did, in people, except `fetched`, `skipped` and `invalid`, which count provider records.

    Attributes:
        fetched: Distinct records received from the provider, or rows of an upload.
        skipped: Records that are rightly not stored: unmapped school or role, never seen and already gone.
        invalid: Records kept out because they cannot be used; each is an issue.
        superseded: Changes dropped because a newer run or upload had written the user.
    """

    fetched: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    linked: int = 0
    deactivated: int = 0
    reactivated: int = 0
    skipped: int = 0
    invalid: int = 0
    superseded: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Sum, field by field."""
        ours, theirs = self.as_dict(), other.as_dict()
        return Counts(**{name: ours[name] + theirs[name] for name in ours})

    @property
    def changed(self) -> int:
        """How many users were changed in any way."""
        return self.created + self.updated + self.linked + self.deactivated + self.reactivated

    def as_dict(self) -> dict[str, int]:
        """Each count by its name."""
        return asdict(self)


COUNT_OF_KIND: Mapping[ChangeKind, str] = {
    ChangeKind.CREATE: "created",
    ChangeKind.UPDATE: "updated",
    ChangeKind.LINK: "linked",
    ChangeKind.REACTIVATE: "reactivated",
    ChangeKind.DEACTIVATE: "deactivated",
}
"""Which count a change of each kind adds to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run as it is stored.

    Attributes:
        attempt: 0 while queued; each (re)start of the fetch adds 1 and begins the counts anew.
        sent_attempt: The newest attempt that may have sent chunks; 0 if none has.
        outcome: The terminal state that the last applied chunk will give the run; of a preview, the one that a sync
            would end in.
        reason: Why it ended as it did, in a sentence; None for a run that simply completed.
        reading: How the provider was read; None for an upload, and until that is done.
        held: How many changes it holds aside for a decision, by their kind.
        of_run: The run whose held changes an approval applies.
        usage: What all attempts have used of AWS, as far as they came to tell.
        issues_by_code: How many issues of each code.
        chunks_failed: Of those expected, how many were given up.
        outcome_reason: The reason that goes with `outcome`.
        redrives: How often the given up chunks of this attempt were sent again.
        resumes: How often it was started anew because nothing was heard of it.
        resumed_at: When that was last; None if never.
        provider_requests: Requests that the provider answered or failed to answer.
    """

    district_id: DistrictId
    run_id: RunId
    kind: RunKind
    state: RunState
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    attempt: int = 0
    sent_attempt: int = 0
    fence: int = 0
    chunks_expected: int = 0
    chunks_applied: int = 0
    counts: Counts = field(default_factory=Counts)
    issues_by_code: Mapping[str, int] = field(default_factory=dict)
    provider_requests: int = 0
    outcome: RunState | None = None
    reason: str | None = None
    reading: Reading | None = None
    chunks_failed: int = 0
    outcome_reason: str | None = None
    redrives: int = 0
    resumes: int = 0
    resumed_at: datetime | None = None
    held: Mapping[str, int] = field(default_factory=dict)
    of_run: RunId | None = None
    usage: Usage = field(default_factory=Usage)

    @property
    def would_be_blocked(self) -> bool | None:
        """Whether a sync would end blocked, as a preview found out; None before that, and for any other run."""
        return self.outcome is RunState.BLOCKED if self.kind is RunKind.PREVIEW and self.outcome else None


def nightly_run_id(scheduled_time: datetime) -> RunId:
    """The id of a district's run of one night, the same for each retry of `dispatch`; ids sort by time."""
    return RunId(f"{scheduled_time:%Y%m%dT%H%M%SZ}-nightly")


def manual_run_id(now: datetime, nonce: str) -> RunId:
    """The id of a run that an administrator started."""
    return RunId(f"{now:%Y%m%dT%H%M%SZ}-{nonce}")


def upload_run_id(now: datetime, nonce: str) -> RunId:
    """The id of a manual upload."""
    return RunId(f"{now:%Y%m%dT%H%M%SZ}{_UPLOAD}{nonce}")


def is_upload(run_id: str) -> bool:
    """Whether an id is that of a manual upload."""
    return _UPLOAD in run_id


def preview_run_id(now: datetime, nonce: str) -> RunId:
    """The id of a preview."""
    return RunId(f"{now:%Y%m%dT%H%M%SZ}{_PREVIEW}{nonce}")


def is_preview(run_id: str) -> bool:
    """Whether an id is that of a preview."""
    return _PREVIEW in run_id


def approval_run_id(now: datetime, nonce: str) -> RunId:
    """The id of a run that applies an approval."""
    return RunId(f"{now:%Y%m%dT%H%M%SZ}{_APPROVAL}{nonce}")


def is_approval(run_id: str) -> bool:
    """Whether an id is that of an approval."""
    return _APPROVAL in run_id


def revert_run_id(now: datetime, nonce: str) -> RunId:
    """The id of a run that takes another one back."""
    return RunId(f"{now:%Y%m%dT%H%M%SZ}{_REVERT}{nonce}")


def is_revert(run_id: str) -> bool:
    """Whether an id is that of a run that takes another one back."""
    return _REVERT in run_id


def edit_run_id(now: datetime, nonce: str) -> RunId:
    """The id of a change by hand."""
    return RunId(f"{now:%Y%m%dT%H%M%SZ}{_EDIT}{nonce}")


def is_soon_over(run_id: str) -> bool:
    """Whether an id is that of a run that asks no provider, for which others wait: upload, edit, approval, undo."""
    return is_upload(run_id) or is_approval(run_id) or is_revert(run_id) or _EDIT in run_id
