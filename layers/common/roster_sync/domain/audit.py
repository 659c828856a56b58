"""The log of what people did to a district: who did what when, and what a setting was before and after."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any, Final

from roster_sync.domain.district import School, Settings
from roster_sync.domain.identifiers import DistrictId

KEPT: Final = timedelta(days=400)
"""A school year, and the summer before it."""

_LONGEST: Final = 200
"""Characters of a value."""

_HIDDEN: Final = frozenset({"consumer_key", "consumer_secret", "token_url"})
"""Settings of which only that they changed is told: who has them can sign in to the provider."""

_NOT_ENTERED: Final = frozenset(
    {"district_id", "sign_in", "previewed_at", "version", "updated_at", "nights_from", "nights_after", "former_night"}
)
"""What follows from other settings, or from tests and runs."""


class Act(StrEnum):
    """What somebody did."""

    SETTINGS_SAVED = "settings_saved"
    SETTINGS_TESTED = "settings_tested"
    SCHOOL_ADDED = "school_added"
    SCHOOL_CHANGED = "school_changed"
    SCHOOL_REMOVED = "school_removed"
    USER_CHANGED = "user_changed"
    USERS_UPLOADED = "users_uploaded"
    UPLOAD_URL_GIVEN = "upload_url_given"
    EXPORT_ALLOWED = "export_allowed"
    EXPORT_FORBIDDEN = "export_forbidden"
    USERS_EXPORTED = "users_exported"
    RUN_STARTED = "run_started"
    PREVIEW_STARTED = "preview_started"
    CHANGES_APPROVED = "changes_approved"
    CHANGES_DISCARDED = "changes_discarded"
    RUN_UNDONE = "run_undone"
    RUN_REDRIVEN = "run_redriven"
    DELETION_STARTED = "deletion_started"
    DISTRICT_DELETED = "district_deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """One value before and after, as text; both None where only that it changed is told."""

    name: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of a district's log.

    Attributes:
        entry_id: Sorts by time.
        actor: E-mail address of the account, else its id.
        subject: Id of the run or the school that it is about; None for settings.
        alterations: Of settings and schools.
    """

    district_id: DistrictId
    entry_id: str
    at: datetime
    actor: str
    act: Act
    subject: str | None = None
    alterations: tuple[Alteration, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who asks for something, and when.

    Attributes:
        name: E-mail address of the account, else its id.
        nonce: Tells two things of one moment apart.
    """

    name: str
    at: datetime
    nonce: str

    def did(
        self, act: Act, district_id: DistrictId, subject: str | None = None, alterations: tuple[Alteration, ...] = ()
    ) -> AuditEntry:
        """The line of the log that says so."""
        return AuditEntry(
            district_id=district_id,
            entry_id=f"{self.at:%Y%m%dT%H%M%S%fZ}-{self.nonce}",
            at=self.at,
            actor=self.name,
            act=act,
            subject=subject,
            alterations=alterations,
        )


def settings_altered(before: Settings, after: Settings) -> tuple[Alteration, ...]:
    """The settings that differ, by name; of key and secret only that they do."""
    names = sorted(set(Settings.__slots__) - _NOT_ENTERED)
    return tuple(
        _alteration(name, getattr(before, name), getattr(after, name))
        for name in names
        if getattr(before, name) != getattr(after, name)
    )


def school_altered(before: School | None, after: School | None) -> tuple[Alteration, ...]:
    """What differs of a school; None where there is none."""
    return tuple(
        _alteration(name, getattr(before, name, None), getattr(after, name, None))
        for name in ("name", "oneroster_id")
        if getattr(before, name, None) != getattr(after, name, None)
    )


def school_put(by: Author, before: School | None, after: School) -> AuditEntry | None:
    """The line that says what somebody stored of a school; None if nothing differs."""
    alterations = school_altered(before, after)
    act = Act.SCHOOL_CHANGED if before else Act.SCHOOL_ADDED
    return by.did(act, after.district_id, after.school_id, alterations) if alterations else None


def _alteration(name: str, before: object, after: object) -> Alteration:
    if name in _HIDDEN:
        return Alteration(name=name, before=None, after=None)
    return Alteration(name=name, before=_text(before), after=_text(after))


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, frozenset | tuple):
        value = ", ".join(sorted(value)) or None
    elif isinstance(value, Mapping):
        value = ", ".join(f"{name}: {value[name]}" for name in sorted(value)) or None
    elif isinstance(value, datetime):
        value = value.isoformat(timespec="minutes")
    elif isinstance(value, time):
        value = f"{value:%H:%M}"
    text = None if value is None else str(value)
    return text if text is None or len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
