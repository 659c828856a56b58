"""The user that a plain record describes, in less than half of `normalise`'s time.

`normalise` looks at each value for what may be wrong with it. Here it is asked of all values at once whether anything
might be: if so, there is no answer, and `normalise` must be asked.
"""

from collections.abc import Iterable

from roster_sync.domain.identifiers import SourcedId
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
    if len(record.sourced_id) > SOURCED_ID_MAX_LENGTH or not record.sourced_id.strip():
        return None
    if record.status not in _ACTIVE or record.enabled_user not in _ENABLED:
        return NotStored.GONE if record.status == "tobedeleted" else None
    if rules.role_metadata_key:
        return None
    role = rules.roles.get(record.role)
    if role is None:
        return NotStored.ROLE_NOT_IMPORTED if record.role in ONEROSTER_ROLES else None
    schools, orgs = rules.schools, record.orgs
    school_ids = tuple([schools[org.sourced_id] for org in orgs if org.sourced_id in schools])
    if len(school_ids) > 1:
        school_ids = tuple(sorted(set(school_ids)))
    elif not school_ids:
        return NotStored.UNMAPPED_SCHOOL if orgs and _are_usable(orgs) else None

    username, given_name, middle_name = record.username, record.given_name, record.middle_name
    family_name, email, identifier = record.family_name, record.email, record.identifier
    texts = [username, given_name, middle_name, family_name, email, identifier, record.phone, record.sms]
    user_ids: tuple[tuple[str, str], ...] = ()
    if record.user_ids:
        user_ids = _pairs(record.user_ids)
        for pair in user_ids:
            texts += pair
    counselor_email: str | None = None
    metadata = record.metadata or {}
    if rules.counselor_metadata_key and role is _STUDENT:
        value = metadata_value(metadata, rules.counselor_metadata_key)
        if isinstance(value, str):
            counselor_email = value
            texts.append(value)
        elif value is not None:
            return None
    text = "|".join(filter(None, texts))
    if not text.isprintable() or len(text) > TEXT_MAX_LENGTH or len(user_ids) > LIST_MAX_LENGTH:
        return None
    if " " in text and ("| " in text or " |" in text or text.strip() != text):
        return None
    if (email and not _is_email(email)) or (counselor_email and not _is_email(counselor_email)):
        return None
    grades = _STANDARD_GRADES.get(record.grades or ())
    if grades is None:
        return None
    agents: tuple[SourcedId, ...] = ()
    if record.agents:
        if not _are_usable(record.agents) or len(record.agents) > LIST_MAX_LENGTH:
            return None
        agents = tuple(sorted({agent.sourced_id for agent in record.agents}))
    pairs: tuple[tuple[str, str], ...] = ()
    if rules.metadata_keys:
        issues: list[Issue] = []
        pairs = metadata_pairs(metadata, rules.metadata_keys, record.sourced_id, issues)
        if issues:
            return None
    return SisUser(
        (record.sourced_id,),
        role,
        username or None,
        given_name or None,
        middle_name or None,
        family_name or None,
        email or None,
        identifier or None,
        record.phone or None,
        record.sms or None,
        grades,
        school_ids,
        agents,
        user_ids,
        counselor_email or None,
        pairs,
    )


def _is_email(text: str) -> bool:
    """Whether text without spaces at its ends is an e-mail address."""
    return 0 < text.rfind("@") < len(text) - 1 and len(text) <= EMAIL_MAX_LENGTH and " " not in text


def _are_usable(references: Iterable[PlainReference]) -> bool:
    return all(
        len(reference.sourced_id) <= SOURCED_ID_MAX_LENGTH and reference.sourced_id.strip() for reference in references
    )


def _pairs(user_ids: tuple[PlainUserId, ...]) -> tuple[tuple[str, str], ...]:
    if len(user_ids) == 1 and user_ids[0].identifier:
        return ((user_ids[0].type or "", user_ids[0].identifier),)
    pairs = {(user_id.type or "", user_id.identifier) for user_id in user_ids if user_id.identifier}
    return tuple(sorted(pairs))
