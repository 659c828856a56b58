"""What a change makes of a user: the attributes that differ, before and after."""

from binascii import b2a_base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import Struct, structs

from roster_sync.domain.change import Change, ChangeKind, ManualChange
from roster_sync.domain.identifiers import SourcedId, UserId
from roster_sync.domain.manual_edit import Kept, ManualEdit
from roster_sync.domain.user import SisUser

Attributes = Mapping[str, Any]
"""A user's attributes by their names in the Users table: texts, sorted lists of texts, lists and maps of texts, bytes
in base64. An attribute that is not stored is not there; one that is stored as NULL is None."""

ACTIVE: Final = "active"
INACTIVE: Final = "inactive"

KEPT: Final = timedelta(days=30)
"""How long it is known what a run changed."""

SAMPLES_OF_A_KIND: Final = 20
"""Changes of each kind that are shown where not all are."""

BOOKKEEPING: Final = frozenset({"fence", "run_id", "change_part", "last_change", "created_at", "updated_at"})
"""What tells of runs and times, and so differs with every write."""


class Written(Struct, frozen=True, gc=False, array_like=True):
    """A write of a user.

    Attributes:
        run_id: Who wrote.
        part: Names what that run kept of it; None if it is not known.
        at: When, as it is stored.
    """

    run_id: str
    part: str | None
    at: str


class UserChange(Struct, frozen=True, gc=False, omit_defaults=True):
    """What a run makes of one user.

    Attributes:
        sourced_id: The first of the user's; None for a manual user, and for one whom a run created.
        before: Of the attributes that differ, those that were there.
        after: Of the attributes that differ, those that are there now. Of a user whom a run created neither is kept:
            nothing was there, and all is what is stored.
        previous: The write before; None for whom a run created.
    """

    kind: ChangeKind
    user_id: UserId
    sourced_id: SourcedId | None = None
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    previous: Written | None = None


def part_name(attempt: int, number: int) -> str:
    """How a user names the part of a run's changes that it was written with."""
    return f"{attempt}.{number}"


def difference(kind: ChangeKind, user_id: UserId, before: Attributes, after: Attributes) -> UserChange:
    """What differs between two states of a user, but for bookkeeping."""
    names = {name for name in {*before, *after} - BOOKKEEPING if _differs(name, before, after)}
    sourced_id = after.get("sourced_id") or before.get("sourced_id")
    return UserChange(kind, user_id, sourced_id, _those(names, before), _those(names, after))


def written(attributes: Attributes) -> Written | None:
    """The write that a stored user is of; None if it is not noted."""
    if "run_id" not in attributes or "updated_at" not in attributes:
        return None
    return Written(attributes["run_id"], attributes.get("change_part"), attributes["updated_at"])


def _differs(name: str, before: Attributes, after: Attributes) -> bool:
    return (name in before) is not (name in after) or before.get(name) != after.get(name)


def _those(names: set[str], of: Attributes) -> dict[str, Any]:
    return {name: of[name] for name in sorted(names) if name in of}


def synced(before: Attributes, change: Change, products: frozenset[str], now: datetime) -> Attributes:
    """A user's attributes after a change by a sync, or after one that takes another run's back."""
    if change.restoration:
        stay = {name: value for name, value in before.items() if name not in change.restoration.gone}
        return {**stay, **change.restoration.before}
    if change.user is None:
        return {**before, "status": INACTIVE, "deactivated_at": before.get("deactivated_at", stored_time(now))}
    kept = {name: before[name] for name in ("manual_role", "manual_counselor_email") if name in before}
    return {
        **kept,
        **sis_attributes(change.user),
        "status": ACTIVE,
        "role": before.get("manual_role", change.user.sis_role.value),
        "counselor_email": change.user.sis_counselor_email or before.get("manual_counselor_email"),
        **_products(before, products),
        **_present({"fingerprint": text_of(change.fingerprint), "record_digest": text_of(change.record_digest)}),
    }


def uploaded(before: Attributes, change: ManualChange, products: frozenset[str], now: datetime) -> Attributes:
    """A user's attributes after a change by an upload."""
    after = {**before, "manual_role": change.role.value, "role": change.role.value, **_products(before, products)}
    if change.counselor_email:
        after["manual_counselor_email"] = change.counselor_email
        after["counselor_email"] = before.get("sis_counselor_email", change.counselor_email)
    profile = change.profile
    if profile is None:
        return after
    after |= {
        "status": ACTIVE if profile.active else INACTIVE,
        "deactivated_at": None if profile.active else before.get("deactivated_at", stored_time(now)),
        "email": profile.email,
        "given_name": profile.given_name,
        "family_name": profile.family_name,
        "identifier": profile.identifier,
        "grades": sorted(profile.grades),
        "school_ids": sorted(profile.school_ids),
    }
    return {name: value for name, value in after.items() if value or name == "counselor_email"}


def edited(before: Attributes, edit: ManualEdit) -> Attributes:
    """A user's attributes after a change by hand."""
    after = dict(before)
    if edit.role is not Kept.KEPT:
        _set_or_remove(after, "manual_role", edit.role.value if edit.role else None)
        after["role"] = edit.role.value if edit.role else before["sis_role"]
    if edit.counselor_email is not Kept.KEPT:
        _set_or_remove(after, "manual_counselor_email", edit.counselor_email)
        counselor = before.get("sis_counselor_email") or edit.counselor_email
        _set_or_remove(after, "counselor_email", counselor)
        if counselor is None and edit.from_sis:
            after["counselor_email"] = None
    return after


def sis_attributes(user: SisUser) -> dict[str, Any]:
    """The SIS-owned attributes as they are stored."""
    lists = {name: sorted(getattr(user, name)) for name in ("sourced_ids", "grades", "school_ids", "agents")}
    return _present(
        {
            **structs.asdict(user),
            **lists,
            "sis_role": user.sis_role.value,
            "sourced_id": user.sourced_ids[0],
            "user_ids": [{"type": type_, "identifier": identifier} for type_, identifier in user.user_ids],
            "metadata": dict(user.metadata),
        }
    )


def text_of(value: bytes | None) -> str | None:
    """Bytes as an attribute's text."""
    return b2a_base64(value, newline=False).decode() if value else None


def stored_time(moment: datetime) -> str:
    """A time as it is stored."""
    # As pynamodb writes and reads times.
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+0000")


def _products(before: Attributes, products: frozenset[str]) -> dict[str, list[str]]:
    return _present({"products": sorted({*before.get("products", ()), *products})})


def _set_or_remove(attributes: dict[str, Any], name: str, value: str | None) -> None:
    if value is None:
        attributes.pop(name, None)
    else:
        attributes[name] = value


def _present(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value}


@dataclass(frozen=True, slots=True)
class KeptChanges:
    """What one chunk of a run changes, kept before anything of it is written.

    Attributes:
        fence: Of the run's lease at the time: a user who has a lower one was not written after all.
    """

    attempt: int
    number: int
    fence: int
    changes: Sequence[UserChange]
