"""The user that a plain record describes, in less than half of `normalise`'s time.

`normalise` looks at each value for what may be wrong with it. Here it is asked of the packed user as a whole whether
anything might be: if so, there is no answer, and `normalise` must be asked.
"""

from collections.abc import Iterable

from roster_sync.domain.fingerprint import has_plain_texts, pack
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
_CEDS_GRADES = ("IT", "PR", "PK", "TK", "KG", *(f"{grade:02d}" for grade in range(1, 14)), "PS", "UG", "Other")
_STANDARD_GRADES: dict[tuple[str, ...], tuple[str, ...]] = {
    (): (),
    **{(grade,): (grade,) for grade in _CEDS_GRADES},
    **{(spelt,): (grade,) for spelt, grade in GRADES.items()},
}


def packed_user(record: PlainRecord, rules: Rules) -> tuple[SisUser, bytes] | NotStored | None:
    """What `normalise` makes of the record without finding an issue, also packed; None if only `normalise` can tell."""
    sourced_id = record.sourced_id
    if not _is_usable(sourced_id):
        return None
    status, enabled = record.status, record.enabled_user
    if (status != "active" and status is not None) or (
        enabled != "true" and enabled is not True and enabled is not None
    ):
        return NotStored.GONE if status == "tobedeleted" else None
    if rules.role_metadata_key:
        return None
    role = rules.roles.get(record.role)
    if role is None:
        return NotStored.ROLE_NOT_IMPORTED if record.role in ONEROSTER_ROLES else None
    orgs, schools = record.orgs, rules.schools
    if len(orgs) == 1 and (school_id := schools.get(orgs[0].sourced_id)):
        school_ids: tuple[SchoolId, ...] = (school_id,)
    else:
        school_ids = tuple(sorted({schools[org.sourced_id] for org in orgs if org.sourced_id in schools}))
        if not school_ids:
            return NotStored.UNMAPPED_SCHOOL if orgs and _are_usable(orgs) else None
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
        if len(user_ids) > LIST_MAX_LENGTH:
            return None
    email, counselor_email, metadata = record.email, None, record.metadata
    if role is _STUDENT and metadata and (key := rules.counselor_metadata_key):
        value = metadata[key] if key in metadata else metadata_value(metadata, key)
        if isinstance(value, str):
            counselor_email = value
            if value and not _is_email(value):
                return None
        elif value is not None:
            return None
    if email and not _is_email(email):
        return None
    pairs: tuple[tuple[str, str], ...] = ()
    if metadata and rules.metadata_keys:
        issues: list[Issue] = []
        pairs = metadata_pairs(metadata, rules.metadata_keys, sourced_id, issues)
        if issues:
            return None
    user = SisUser(
        (sourced_id,),
        role,
        record.username or None,
        record.given_name or None,
        record.middle_name or None,
        record.family_name or None,
        email or None,
        record.identifier or None,
        record.phone or None,
        record.sms or None,
        grades,
        school_ids,
        agents,
        user_ids,
        counselor_email or None,
        pairs,
    )
    packed = pack(user)
    return (user, packed) if len(packed) <= TEXT_MAX_LENGTH and has_plain_texts(packed) else None


def _is_email(text: str) -> bool:
    """Whether printable text without spaces at its ends is an e-mail address, beyond doubt."""
    return 0 < text.rfind("@") < len(text) - 1 and " " not in text and len(text) <= EMAIL_MAX_LENGTH


def _is_usable(sourced_id: SourcedId) -> bool:
    return len(sourced_id) <= SOURCED_ID_MAX_LENGTH and not sourced_id.isspace() and sourced_id != ""


def _are_usable(references: Iterable[PlainReference]) -> bool:
    return all(_is_usable(reference.sourced_id) for reference in references)


def _pairs(user_ids: tuple[PlainUserId, ...]) -> tuple[tuple[str, str], ...]:
    if len(user_ids) == 1 and user_ids[0].identifier:
        return ((user_ids[0].type or "", user_ids[0].identifier),)
    pairs = {(user_id.type or "", user_id.identifier) for user_id in user_ids if user_id.identifier}
    return tuple(sorted(pairs))
