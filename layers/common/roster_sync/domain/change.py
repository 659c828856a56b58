"""One user's change, and the chunk of changes that travels as one message."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId, UserId
from roster_sync.domain.user import Role, SisUser

CHANGE_BYTES = 450
"""More than a change takes in a message beyond its packed user: the attributes' names, ids and hashes."""

_CHUNK_CHANGES = 250
_CHUNK_BYTES = 200_000


class ChangeKind(StrEnum):
    """What happens to a user."""

    CREATE = "create"
    UPDATE = "update"
    LINK = "link"
    """A stored user gets the sourcedId of a provider record: a manual user found again, or a changed sourcedId."""
    REACTIVATE = "reactivate"
    DEACTIVATE = "deactivate"


@dataclass(frozen=True, slots=True)
class Restoration:
    """What brings a user back whom a run has changed.

    Attributes:
        of_run: That run; whoever was written by another since is left alone.
        before: The attributes that it changed or removed, with their values before.
        gone: The attributes that it added.
    """

    of_run: RunId
    before: Mapping[str, Any]
    gone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One user's change by a sync.

    Attributes:
        user: The SIS-owned attributes to store; None for a deactivation, which leaves them as they are.
        fingerprint: Of `user`; None for a deactivation.
        record_digest: Of the one record that `user` was read from; None if of several, if it had issues, or for a
            deactivation.
        restoration: In place of `user`, for a change that takes another run's back.
    """

    kind: ChangeKind
    user_id: UserId
    user: SisUser | None
    fingerprint: bytes | None
    record_digest: bytes | None = None
    restoration: Restoration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A numbered batch of changes of one attempt of a run.

    Attributes:
        number: Counts from 1 within the attempt.
        fence: The lease's number; a write of a lower fence never overwrites one of a higher.
        products: Active when the run started; added to each user's products.
        unchanged_since: A fence: whoever was written under a higher one is left alone. None: whoever was written under
            the chunk's own or a higher one.
    """

    district_id: DistrictId
    run_id: RunId
    attempt: int
    fence: int
    number: int
    products: frozenset[str]
    changes: Sequence[Change]
    unchanged_since: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualProfile:
    """The attributes of a manual user that an upload writes, because no SIS owns them."""

    email: str
    given_name: str | None
    family_name: str | None
    identifier: str | None
    grades: tuple[str, ...]
    school_ids: tuple[SchoolId, ...]
    active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualChange:
    """One user's change by a manual upload.

    Attributes:
        profile: None for a user who has a provider record: then only the manual-owned attributes are written.
        role: Becomes the manual role, which no sync changes.
        counselor_email: None leaves what is stored.
    """

    kind: ChangeKind
    user_id: UserId
    role: Role
    counselor_email: str | None
    profile: ManualProfile | None


def chunk_bounds(sizes: Iterable[int]) -> list[tuple[int, int]]:
    """How to cut changes of these sizes (bytes) into chunks: (start, stop) of each, none empty.

    A chunk has at most 250 changes, which `upsert` writes within seconds, and about 200 kB, so that five fill a
    batch of SQS (1 MiB).
    """
    bounds: list[tuple[int, int]] = []
    start = total = 0
    position = -1
    for position, size in enumerate(sizes):
        if position > start and (position - start == _CHUNK_CHANGES or total + size > _CHUNK_BYTES):
            bounds.append((start, position))
            start, total = position, 0
        total += size
    if position >= start:
        bounds.append((start, position + 1))
    return bounds
