"""The user that a plain record describes, in less than half of `normalise`'s time.

`normalise` looks at each value for what may be wrong with it. Here it is asked of all values at once whether anything
might be: if so, there is no answer, and `normalise` must be asked.
"""

from collections.abc import Iterable, Mapping

from roster_sync.domain.identifiers import SchoolId, SourcedId
from roster_sync.domain.issue import Issue
from roster_sync.domain.normalise import (
    EMAIL_MAX_LENGTH,
    GRADES,
    LIST_MAX_LENGTH,
    ONEROSTER_ROLES,
    SOURCED_ID_MAX_LENGTH,
    TEXT_MAX_LENGTH,
    NotStored,
    Rules,
    metadata_pairs,
    metadata_value,
)
from roster_sync.domain.record import PlainRecord, PlainReference, PlainUserId
from roster_sync.domain.user import Role, SisUser

_STUDENT = Role.STUDENT
_ACTIVE = ("active", None)
_ENABLED = ("true", True, None)
_CEDS_GRADES = ("IT", "PR", "PK", "TK", "KG", *(f"{grade:02d}" for grade in range(1, 14)), "PS", "UG", "Other")
_STANDARD_GRADES: dict[tuple[str, ...], tuple[str, ...]] = {
    (): (),
    **{(grade,): (grade,) for grade in _CEDS_GRADES},
    **{(spelt,): (grade,) for spelt, grade in GRADES.items()},
}


def plain_user(record: PlainRecord, rules: Rules) -> SisUser | NotStored | None:
    """What `normalise` makes of the record without finding an issue; None if only `normalise` can tell."""
    sourced_id = record.sourced_id
    if len(sourced_id) > SOURCED_ID_MAX_LENGTH or not sourced_id.strip():
        return None
    if record.status not in _ACTIVE or record.enabled_user not in _ENABLED:
        return NotStored.GONE if record.status == "tobedeleted" else None
    if rules.role_metadata_key:
        return None
    role = rules.roles.get(record.role)
    if role is None:
        return NotStored.ROLE_NOT_IMPORTED if record.role in ONEROSTER_ROLES else None
    school_ids = _school_ids(record.orgs, rules.schools)
    if not school_ids:
        return NotStored.UNMAPPED_SCHOOL if record.orgs and _are_usable(record.orgs) else None
    grades = _STANDARD_GRADES.get(record.grades or ())
    if grades is None:
        return None
    agents: tuple[SourcedId, ...] = ()
    if record.agents:
        if not _are_usable(record.agents) or len(record.agents) > LIST_MAX_LENGTH:
            return None
        agents = tuple(sorted({agent.sourced_id for agent in record.agents}))
    user_ids: tuple[tuple[str, str], ...] = ()
    if record.user_ids:
        user_ids = _pairs(record.user_ids)
    username, given_name, middle_name = record.username, record.given_name, record.middle_name
    family_name, email, identifier = record.family_name, record.email, record.identifier
    phone, sms, metadata = record.phone, record.sms, record.metadata or {}
    counselor_email: str | None = None
    if rules.counselor_metadata_key and role is _STUDENT:
        value = metadata_value(metadata, rules.counselor_metadata_key)
        if isinstance(value, str):
            counselor_email = value
        elif value is not None:
            return None
    if (email and not _is_email(email)) or (counselor_email and not _is_email(counselor_email)):
        return None
    # All in one; what is absent reads "None".
    text = f"|{username}|{given_name}|{middle_name}|{family_name}|{email}|{identifier}|{phone}|{sms}|{counselor_email}|"
    for pair in user_ids:
        text += f"{pair[0]}|{pair[1]}|"
    if not text.isprintable() or len(text) > TEXT_MAX_LENGTH or len(user_ids) > LIST_MAX_LENGTH:
        return None
    if " " in text and ("| " in text or " |" in text):
        return None
    pairs: tuple[tuple[str, str], ...] = ()
    if rules.metadata_keys:
        issues: list[Issue] = []
        pairs = metadata_pairs(metadata, rules.metadata_keys, sourced_id, issues)
        if issues:
            return None
    return SisUser(
        (sourced_id,),
        role,
        username or None,
        given_name or None,
        middle_name or None,
        family_name or None,
        email or None,
        identifier or None,
        phone or None,
        sms or None,
        grades,
        school_ids,
        agents,
        user_ids,
        counselor_email or None,
        pairs,
    )


def _school_ids(orgs: tuple[PlainReference, ...], schools: Mapping[SourcedId, SchoolId]) -> tuple[SchoolId, ...]:
    """The mapped schools among a user's orgs."""
    if len(orgs) == 1:
        school_id = schools.get(orgs[0].sourced_id)
        return (school_id,) if school_id is not None else ()
    return tuple(sorted({schools[org.sourced_id] for org in orgs if org.sourced_id in schools}))


def _is_email(text: str) -> bool:
    """Whether printable text without spaces at its ends is an e-mail address, beyond doubt."""
    return "@" in text and text[0] != "@" and text[-1] != "@" and " " not in text and len(text) <= EMAIL_MAX_LENGTH


def _are_usable(references: Iterable[PlainReference]) -> bool:
    return all(
        len(reference.sourced_id) <= SOURCED_ID_MAX_LENGTH and reference.sourced_id.strip() for reference in references
    )


def _pairs(user_ids: tuple[PlainUserId, ...]) -> tuple[tuple[str, str], ...]:
    if len(user_ids) == 1 and user_ids[0].identifier:
        return ((user_ids[0].type or "", user_ids[0].identifier),)
    pairs = {(user_id.type or "", user_id.identifier) for user_id in user_ids if user_id.identifier}
    return tuple(sorted(pairs))
