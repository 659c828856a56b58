"""A person in the Users table: SIS-owned, manual-owned and bookkeeping attributes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId, SourcedId, UserId


class Role(StrEnum):
    """The roles of this system."""

    STUDENT = "student"
    SPONSOR = "sponsor"
    ADMINISTRATOR = "administrator"
    COUNSELOR = "counselor"
    DISTRICT_ADMINISTRATOR = "district_administrator"
    """In no school, comes by manual upload only; no sync creates or touches one."""


class SisUser(Struct, frozen=True, array_like=True, gc=False):
    """The SIS-owned attributes of one person, as they would be stored.

    All sequences are sorted and free of repeats, so that equal people are equal users.
    """

    sourced_ids: tuple[SourcedId, ...]
    sis_role: Role
    username: str | None
    given_name: str | None
    middle_name: str | None
    family_name: str | None
    email: str | None
    identifier: str | None
    phone: str | None
    sms: str | None
    grades: tuple[str, ...]
    school_ids: tuple[SchoolId, ...]
    agents: tuple[SourcedId, ...]
    user_ids: tuple[tuple[str, str], ...]
    """(type, identifier) pairs."""
    sis_counselor_email: str | None
    metadata: tuple[tuple[str, str], ...]
    """(key, value) pairs of the keys that the district asked for."""


class RosterEntry(NamedTuple):
    """What the diff needs to know of one stored user."""

    user_id: UserId
    fingerprint: bytes | None
    """None for a user whom no sync has written."""
    sourced_ids: tuple[SourcedId, ...]
    """Empty for a manual user."""
    active: bool
    role: str
    email: str | None
    given_name: str | None
    family_name: str | None
    identifier: str | None
    school_ids: tuple[SchoolId, ...]
    products: frozenset[str]
    run_id: RunId | None
    """The run or upload that wrote last."""
    last_change: str | None
    """The kind of that run's change."""
    record_digest: bytes | None = None
    """Of the one provider record that the user was stored from; None if of several, or if the record had issues."""
    sis_counselor_email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredUser:
    """One whole item of the Users table."""

    district_id: DistrictId
    user_id: UserId
    active: bool
    role: Role
    """Effective: the manual role if there is one, else the SIS role."""
    sourced_ids: tuple[SourcedId, ...] = ()
    sis_role: Role | None = None
    manual_role: Role | None = None
    username: str | None = None
    given_name: str | None = None
    middle_name: str | None = None
    family_name: str | None = None
    email: str | None = None
    identifier: str | None = None
    phone: str | None = None
    sms: str | None = None
    grades: tuple[str, ...] = ()
    school_ids: tuple[SchoolId, ...] = ()
    agents: tuple[SourcedId, ...] = ()
    user_ids: tuple[tuple[str, str], ...] = ()
    counselor_email: str | None = None
    """Effective: the SIS's if it sent one, else the manual one."""
    sis_counselor_email: str | None = None
    manual_counselor_email: str | None = None
    metadata: Mapping[str, str] | None = None
    products: frozenset[str] = frozenset()
    fingerprint: bytes | None = None
    record_digest: bytes | None = None
    fence: int = 0
    run_id: RunId | None = None
    change_part: str | None = None
    """Names what that run kept of its last change."""
    last_change: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deactivated_at: datetime | None = None


def normalised_email(email: str) -> str:
    """The form in which two e-mail addresses are compared: trimmed and case-folded."""
    return email.strip().casefold()
