"""Who may ask: from the claims of a verified token to the districts they may act on."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from roster_sync.domain.errors import RosterSyncError
from roster_sync.domain.identifiers import DistrictId


class NotSignedInError(RosterSyncError):
    """The request carries no verified token."""

    def __init__(self) -> None:
        super().__init__("Sign in, and send the ID token in the Authorization header.")


class ForbiddenError(RosterSyncError):
    """The token's owner may not do this."""

    def __init__(
        self, message: str = "Your account may not act on this district. Sign in with an account of the district."
    ) -> None:
        super().__init__(message)


class AccountRole(StrEnum):
    """What an account is; the user pool lets nobody write this claim for themselves."""

    DISTRICT_ADMIN = "district_admin"
    """Of the one district that the token names."""
    SUPPORT = "support"
    """The vendor's staff: may act on any district."""


@dataclass(frozen=True, slots=True)
class Account:
    """Whom a token was issued to.

    Attributes:
        district_id: None for the vendor's staff, and for an account that was set up without one.
        role: None if the token names none, or one that is not ours.
        name: By which colleagues know who it was: the e-mail address, else the account's id.
    """

    district_id: DistrictId | None
    role: AccountRole | None
    name: str


def account(claims: Mapping[str, str] | None) -> Account:
    """The account of verified claims.

    Raises:
        NotSignedInError: There are no claims.
    """
    if not claims:
        raise NotSignedInError
    district_id = claims.get("custom:district_id")
    role = next((role for role in AccountRole if role == claims.get("custom:role")), None)
    name = claims.get("email") or claims.get("cognito:username") or claims.get("sub") or "unknown"
    return Account(DistrictId(district_id) if district_id else None, role, name)


def require_staff(
    asking: Account, refusal: str = "Only the vendor's staff may see all districts. Ask for your own district."
) -> None:
    """Let the vendor's staff alone do what concerns more than one district's own work.

    Raises:
        ForbiddenError: The account is of a district, or of nobody.
    """
    if asking.role is not AccountRole.SUPPORT:
        raise ForbiddenError(refusal)


def require_access(asking: Account, district_id: DistrictId) -> None:
    """Let an account act on its own district only, and the vendor's staff on any.

    Raises:
        ForbiddenError: The account may not act on this district.
    """
    if asking.role is AccountRole.SUPPORT:
        return
    if asking.role is AccountRole.DISTRICT_ADMIN and asking.district_id == district_id:
        return
    raise ForbiddenError
