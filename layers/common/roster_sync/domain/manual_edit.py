"""What an administrator sets by hand of one user: the manual role and the manual counselor."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final, Literal

from roster_sync.domain.errors import ConfigurationError
from roster_sync.domain.identifiers import UserId
from roster_sync.domain.user import Role, StoredUser, normalised_email


class Kept(Enum):
    """In place of a value: it stays as it is."""

    KEPT = auto()


KEPT: Final = Kept.KEPT


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualEdit:
    """What is to become of the manual-owned attributes of one user.

    Attributes:
        from_sis: Whether the user has a provider record, which has a role and perhaps a counselor of its own.
        role: Becomes the manual role; None clears it, so that the SIS's counts again.
        counselor_email: Becomes the manual one; None clears it.
    """

    user_id: UserId
    from_sis: bool
    role: Role | Literal[Kept.KEPT] | None = KEPT
    counselor_email: str | Literal[Kept.KEPT] | None = KEPT


def needed_of(edit: ManualEdit, user: StoredUser, named: Sequence[StoredUser]) -> ManualEdit | None:
    """What of an edit is not so already, if the rules let it be; None if all is.

    Args:
        edit: As asked for.
        user: As stored.
        named: The users who have the e-mail address that is to be the counselor's.

    Raises:
        ConfigurationError: A rule is against it; the message says which and what to do.
    """
    if edit.role == user.manual_role:
        edit = replace(edit, role=KEPT)
    if edit.counselor_email == user.manual_counselor_email:
        edit = replace(edit, counselor_email=KEPT)
    if edit.role is not KEPT:
        _check_role(edit.role, user)
    if edit.counselor_email is not KEPT and edit.counselor_email is not None:
        _check_counselor(named)
    return None if edit.role is KEPT and edit.counselor_email is KEPT else edit


def _check_role(role: Role | None, user: StoredUser) -> None:
    if Role.DISTRICT_ADMINISTRATOR in (role, user.role):
        raise ConfigurationError(
            "District administrators are in no school and come by manual upload only. Upload a file to change that."
        )
    if role is None and not user.sourced_ids:
        raise ConfigurationError(
            "This person does not come from the SIS, so there is no other role to go back to. Choose one."
        )


def _check_counselor(named: Sequence[StoredUser]) -> None:
    if not any(each.active and each.role is Role.COUNSELOR for each in named):
        raise ConfigurationError(
            "No active counselor has this e-mail address. Correct it, or add the counselor first by manual upload."
        )


def asked_counselor(edit: ManualEdit) -> str | None:
    """The normalised e-mail address that is to be the counselor's; None if there is none to look up."""
    email = edit.counselor_email
    return normalised_email(email) if email is not KEPT and email else None
