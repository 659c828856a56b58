"""Who is who: stable user ids, and the keys by which provider records and stored users are recognised.

Keys are 64-bit hashes that hold within one process: a whole district's keys fit in a few megabytes.
"""

from uuid import UUID, uuid5

from roster_sync.domain.identifiers import DistrictId, SourcedId, UserId
from roster_sync.domain.user import normalised_email

NO_KEY = 0
"""The key of somebody who lacks what the key is made of; equal to nobody's."""

_NAMESPACE = UUID("5c1f3f0e-6f0b-4d5e-9f0a-2f1f6f2a7d11")


def user_id_from_sourced_id(district_id: DistrictId, sourced_id: SourcedId, generation: int = 0) -> UserId:
    """The id of a user first seen at the provider; the same at each delivery.

    A higher `generation` gives another id, for a sourcedId whose first one is somebody else's by now: ids stay with
    people, sourcedIds do not always.
    """
    name = f"{district_id}\x1fsourced_id\x1f{sourced_id}"
    return UserId(str(uuid5(_NAMESPACE, f"{name}\x1f{generation}" if generation else name)))


def user_id_from_email(district_id: DistrictId, email: str) -> UserId:
    """The id of a user first seen in a manual upload; the same for each spelling of the e-mail address."""
    return UserId(str(uuid5(_NAMESPACE, f"{district_id}\x1femail\x1f{normalised_email(email)}")))


def email_key(email: str | None) -> int:
    """Equal for equal e-mail addresses, however spelt."""
    return hash(email.strip().casefold()) or 1 if email else NO_KEY


def person_key(email: str | None, given_name: str | None, family_name: str | None) -> int:
    """Equal for records of one person: the same non-empty e-mail address and the same names, at least one of them."""
    if not email or not (given_name or family_name):
        return NO_KEY
    return hash((normalised_email(email), _name(given_name), _name(family_name))) or 1


def identifier_key(identifier: str | None, given_name: str | None, family_name: str | None) -> int:
    """Equal for records with the same identifier and the same names."""
    if not identifier:
        return NO_KEY
    return hash((identifier, _name(given_name), _name(family_name))) or 1


def _name(name: str | None) -> str:
    return name.casefold() if name else ""
