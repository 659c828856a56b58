"""One provider record to a user, or to the reason why it is none (OneRoster 1.1 §4.13)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from hashlib import blake2b
from typing import Any, TypeVar

from roster_sync.domain.district import DEFAULT_ROLES, Settings
from roster_sync.domain.identifiers import SchoolId, SourcedId
from roster_sync.domain.issue import Issue, IssueCode, RecordKind
from roster_sync.domain.record import SEED_BYTES
from roster_sync.domain.user import Role, SisUser

SOURCED_ID_MAX_LENGTH = 255
TEXT_MAX_LENGTH = 1_000
EMAIL_MAX_LENGTH = 254
"""RFC 5321 §4.5.3.1.3, less the angle brackets."""
LIST_MAX_LENGTH = 100
"""Of grades, agents and userIds."""

_VERSION = 3
"""Of what this module makes of a record. Raise it with every change that makes something else of one: it keeps
records from being taken for what they were under the old version."""

_EXACT = 2**53
"""Below it a float is just the integer that it is written as."""

_Value = TypeVar("_Value", str, SourcedId, tuple[str, str])

ONEROSTER_ROLES = frozenset(
    {
        *("administrator", "aide", "guardian", "parent", "proctor", "relative", "student", "teacher"),
        *("districtadministrator", "systemadministrator"),
    }
)
"""Those of 1.1, and those of 1.2 that belong to no school; whichever is not imported is no finding."""
_ROLE_SPELLINGS = {
    **{f"{role}s": role for role in ONEROSTER_ROLES},
    **dict.fromkeys(("pupil", "pupils", "learner", "learners"), "student"),
    **dict.fromkeys(("instructor", "instructors", "educator", "educators"), "teacher"),
    **dict.fromkeys(("admin", "admins", "siteadministrator", "siteadministrators"), "administrator"),
}
"""What else the roles are called, in letters only; a siteAdministrator is 1.2's administrator of a school."""
_FAMILY = frozenset({"guardian", "parent", "relative"})
_GONE = frozenset({"tobedeleted", "inactive", "deleted"})
_TRUE = frozenset({"true", "t", "1", "1.0", "yes", "y"})
_FALSE = frozenset({"false", "f", "0", "0.0", "no", "n"})

_ORDINALS = ("1st", "2nd", "3rd", *(f"{grade}th" for grade in range(4, 14)))
_CEDS_GRADES: Mapping[str, Sequence[str]] = {
    "IT": ("infant", "toddler", "infant/toddler"),
    "PR": ("preschool",),
    "PK": ("pre-k", "prek", "prekindergarten", "pre-kindergarten"),
    "TK": ("transitional kindergarten",),
    "KG": ("k", "kindergarten"),
    **{
        f"{grade:02d}": (str(grade), f"{grade}.0", f"grade {grade}", ordinal, f"{ordinal} grade")
        for grade, ordinal in enumerate(_ORDINALS, 1)
    },
    "PS": ("postsecondary",),
    "UG": ("ungraded",),
    "Other": (),
}
"""The codes that OneRoster 1.1 §4.13 takes from CEDS, and what else they are called."""
GRADES = {
    in_case: code
    for code, spellings in _CEDS_GRADES.items()
    for spelling in (code, *spellings)
    for in_case in (spelling, spelling.lower(), spelling.upper(), spelling.title())
}
"""The code of each spelling."""


class NotStored(Enum):
    """Why a record becomes no user."""

    GONE = "gone"
    """`status` tobedeleted or `enabledUser` false."""
    UNMAPPED_SCHOOL = "unmapped_school"
    ROLE_NOT_IMPORTED = "role_not_imported"
    INVALID = "invalid"
    """Unusable; an issue says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How a district wants its provider's records read.

    Attributes:
        schools: The mapped schools.
        roles: Which roles are imported, by lower-case name.
        seed: Differs between rules that may make different users of one record.
    """

    schools: Mapping[SourcedId, SchoolId]
    roles: Mapping[str, Role]
    counselor_metadata_key: str | None = None
    role_metadata_key: str | None = None
    metadata_keys: tuple[str, ...] = ()
    seed: int = field(init=False)

    def __post_init__(self) -> None:
        """Derive the seed."""
        keys = (self.counselor_metadata_key, self.role_metadata_key, self.metadata_keys)
        text = repr((_VERSION, sorted(self.schools.items()), sorted(self.roles.items()), keys))
        object.__setattr__(self, "seed", int.from_bytes(blake2b(text.encode(), digest_size=SEED_BYTES).digest()))


def rules_of(settings: Settings, schools: Mapping[SourcedId, SchoolId]) -> Rules:
    """The rules that a district's settings amount to."""
    return Rules(
        schools=schools,
        roles={**DEFAULT_ROLES, **settings.roles},
        counselor_metadata_key=settings.counselor_metadata_key,
        role_metadata_key=settings.role_metadata_key,
        metadata_keys=tuple(sorted(settings.metadata_keys)),
    )


def sourced_id_of(record: object, issues: list[Issue]) -> SourcedId | None:
    """A record's sourcedId; None, and an issue, if it has none that can be used. Opaque, so kept to the letter."""
    if not isinstance(record, dict):
        issues.append(Issue(IssueCode.RECORD_NOT_AN_OBJECT, "The provider sent an entry that is no user record."))
        return None
    value = record.get("sourcedId")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        issues.append(Issue(IssueCode.SOURCED_ID_MISSING, "A user record has no sourcedId."))
        return None
    if len(value) > SOURCED_ID_MAX_LENGTH:
        message = f"A sourcedId has {len(value)} characters; at most {SOURCED_ID_MAX_LENGTH} are allowed."
        issues.append(Issue(IssueCode.SOURCED_ID_TOO_LONG, message, value[:SOURCED_ID_MAX_LENGTH]))
        return None
    return SourcedId(value)


def normalise(
    record: Mapping[str, Any], sourced_id: SourcedId, rules: Rules, issues: list[Issue]
) -> SisUser | NotStored:
    """The user that a record describes, or why it becomes none; findings are added to `issues`.

    A record that is rightly left out has nothing to be mended. Never raises for anything that JSON can hold. Passwords
    and whatever else is not listed in SisUser stay behind.
    """
    found: list[Issue] = []
    user = _user(record, sourced_id, rules, found)
    if found and (user is NotStored.INVALID or not isinstance(user, NotStored)):
        kind = _kind_of(record, rules)
        issues += [replace(issue, record_kind=kind) for issue in found]
    return user


def _user(record: Mapping[str, Any], sourced_id: SourcedId, rules: Rules, issues: list[Issue]) -> SisUser | NotStored:
    if not _is_current(record, sourced_id, issues):
        return NotStored.GONE
    metadata = record.get("metadata")
    if not isinstance(metadata, dict):
        metadata = {}
    held = _held_roles(record.get("roles"))
    role = _role(record, metadata, sourced_id, rules, issues)
    if role is NotStored.ROLE_NOT_IMPORTED:
        return role
    org_ids = references_in(record.get("orgs")).union(*(references_in(entry.get("org")) for entry in held))
    org_ids = org_ids or references_in(record.get("primaryOrg"))
    if not org_ids:
        issues.append(Issue(IssueCode.ORGS_MISSING, "A user belongs to no org.", sourced_id))
        return NotStored.INVALID
    schools = rules.schools
    school_ids = {schools[org_id] for org_id in org_ids if org_id in schools}
    if not school_ids:
        return NotStored.UNMAPPED_SCHOOL
    if isinstance(role, NotStored):
        return role

    def text(field: str) -> str | None:
        value = record.get(field)
        if value.__class__ is str:
            value = value.strip()
            if value.isprintable() and len(value) <= TEXT_MAX_LENGTH:
                return value or None
        return None if value is None else _scalar(value, field, sourced_id, issues)

    email = record.get("email")
    if email is not None:
        email = _email(email, IssueCode.EMAIL_INVALID, "email", sourced_id, issues)
    counselor_email = None
    if rules.counselor_metadata_key and role is Role.STUDENT:
        value = metadata_value(metadata, rules.counselor_metadata_key)
        if value is not None:
            field = f"metadata {rules.counselor_metadata_key}"
            counselor_email = _email(value, IssueCode.COUNSELOR_EMAIL_INVALID, field, sourced_id, issues)
    return SisUser(
        (sourced_id,),
        role,
        text("username") or _profile_username(record.get("userProfiles")),
        text("givenName"),
        text("middleName"),
        text("familyName"),
        email,
        text("identifier"),
        text("phone"),
        text("sms"),
        _grades(record.get("grades"), sourced_id, issues),
        tuple(sorted(school_ids)) if len(school_ids) > 1 else tuple(school_ids),
        _agents(record.get("agents"), sourced_id, issues),
        _user_ids(record.get("userIds"), sourced_id, issues),
        counselor_email,
        metadata_pairs(metadata, rules.metadata_keys, sourced_id, issues) if rules.metadata_keys else (),
    )


def _kind_of(record: Mapping[str, Any], rules: Rules) -> RecordKind | None:
    """Whom a record is of, as far as its role tells."""
    names = role_names_of(record)
    name = _known_as(names[0], rules.roles) if names else None
    if name is None or name in _FAMILY:
        return None
    return RecordKind.STUDENT if rules.roles.get(name, name) == Role.STUDENT else RecordKind.STAFF


def _is_current(record: Mapping[str, Any], sourced_id: SourcedId, issues: list[Issue]) -> bool:
    status = record.get("status")
    if status is not None and status != "active":
        known = _letters_of(status) if isinstance(status, str) else None
        if known in _GONE:
            return False
        if known not in ("active", ""):
            issues.append(Issue(IssueCode.STATUS_UNKNOWN, "A status is neither active nor tobedeleted.", sourced_id))
    enabled = record.get("enabledUser")
    if enabled is None or enabled is True or enabled == "true":
        return True
    known = str(enabled).strip().casefold() if isinstance(enabled, str | int | float) else None
    if known in _FALSE:
        return False
    if known != "" and known not in _TRUE:
        issues.append(Issue(IssueCode.ENABLED_USER_UNKNOWN, "enabledUser is neither true nor false.", sourced_id))
    return True


def _role(
    record: Mapping[str, Any],
    metadata: Mapping[str, Any],
    sourced_id: SourcedId,
    rules: Rules,
    issues: list[Issue],
) -> Role | NotStored:
    roles = rules.roles
    if rules.role_metadata_key:
        override = metadata_value(metadata, rules.role_metadata_key)
        if isinstance(override, str) and (mapped := roles.get(_known_as(override, roles))):
            return mapped
    names = role_names_of(record)
    if not names:
        issues.append(Issue(IssueCode.ROLE_MISSING, "A user has no role.", sourced_id))
        return NotStored.INVALID
    known_as = [_known_as(name, roles) for name in names]
    role = next((roles[name] for name in known_as if name in roles), None)
    if role is not None:
        return role
    unknown = next((name for name, known in zip(names, known_as, strict=True) if known not in ONEROSTER_ROLES), None)
    if unknown is None:
        return NotStored.ROLE_NOT_IMPORTED
    message = f'The role "{_shown(unknown)}" is none that this system knows.'
    issues.append(Issue(IssueCode.ROLE_UNKNOWN, message, sourced_id))
    return NotStored.INVALID


def role_names_of(record: Mapping[str, Any]) -> list[str]:
    """The role of 1.1, else those of 1.2, the primary one first, as they are spelt."""
    value = record.get("role")
    if isinstance(value, str) and value.strip():
        return [value]
    return [entry["role"] for entry in _held_roles(record.get("roles"))]


def _known_as(name: str, roles: Mapping[str, Role]) -> str:
    """The name under which a role is known, if it is: as the district maps it, else as the standard calls it."""
    spelt = name.strip().casefold()
    if spelt in roles:
        return spelt
    letters = _letters_of(spelt)
    return _ROLE_SPELLINGS.get(letters, letters)


def _letters_of(text: str) -> str:
    """Lower-case letters and digits, without what parts the words."""
    return "".join(character for character in text.casefold() if character.isalnum())


def _held_roles(roles: object) -> list[Mapping[str, Any]]:
    """The roles that OneRoster 1.2 gives in place of one role, each with its org; the primary one first."""
    entries = roles if isinstance(roles, list) else [roles]
    held = [
        entry
        for entry in entries
        if isinstance(entry, dict) and isinstance(role := entry.get("role"), str) and role.strip()
    ]
    return sorted(held, key=lambda entry: str(entry.get("roleType")).casefold() != "primary")


def _profile_username(profiles: object) -> str | None:
    """The first username in the profiles that OneRoster 1.2 gives; their passwords stay behind."""
    for profile in profiles if isinstance(profiles, list) else (profiles,):
        credentials = profile.get("credentials") if isinstance(profile, dict) else None
        for credential in credentials if isinstance(credentials, list) else (credentials,):
            username = credential.get("username") if isinstance(credential, dict) else None
            if (
                isinstance(username, str)
                and len(username) <= TEXT_MAX_LENGTH
                and (known := _printable(username.strip()))
            ):
                return known
    return None


def references_in(value: object) -> set[SourcedId]:
    """The sourcedIds of GUIDRefs or records: objects (with or without href), bare strings, or a single one."""
    if value is None:
        return set()
    found = set()
    for reference in value if isinstance(value, list) else (value,):
        sourced_id = reference.get("sourcedId") if isinstance(reference, dict) else reference
        if isinstance(sourced_id, int) and not isinstance(sourced_id, bool):
            sourced_id = str(sourced_id)
        if isinstance(sourced_id, str) and sourced_id.strip() and len(sourced_id) <= SOURCED_ID_MAX_LENGTH:
            found.add(SourcedId(sourced_id))
    return found


def _agents(value: object, sourced_id: SourcedId, issues: list[Issue]) -> tuple[SourcedId, ...]:
    if not value:
        return ()
    entries = [entry for entry in (value if isinstance(value, list) else [value]) if entry is not None]
    if not all(references_in([entry]) for entry in entries):
        issues.append(Issue(IssueCode.VALUE_DROPPED, "An entry of agents has no usable sourcedId.", sourced_id))
    return _bounded(references_in(entries), "agents", sourced_id, issues)


def _scalar(value: object, field: str, sourced_id: SourcedId, issues: list[Issue]) -> str | None:
    """A value that should be a string, as one: numbers and booleans as JSON writes them; others are dropped."""
    if isinstance(value, str):
        text = _printable(value.strip())
        if text is None or len(text) <= TEXT_MAX_LENGTH:
            return text
        message = f"The value of {field} is longer than {TEXT_MAX_LENGTH} characters."
        issues.append(Issue(IssueCode.VALUE_DROPPED, message, sourced_id))
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    if isinstance(value, int | float):
        return str(value)
    if value is not None:
        issues.append(Issue(IssueCode.VALUE_DROPPED, f"The value of {field} is no text.", sourced_id))
    return None


def _printable(value: str) -> str | None:
    """Without control characters, which no name, phone or login has."""
    if not value.isprintable():
        value = "".join(character for character in value if character.isprintable()).strip()
    return value or None


def _email(value: object, code: IssueCode, field: str, sourced_id: SourcedId, issues: list[Issue]) -> str | None:
    """An e-mail address as given; None, and an issue, if it is none."""
    if not isinstance(value, str):
        issues.append(Issue(code, f"The value of {field} is no e-mail address.", sourced_id))
        return None
    trimmed = value.strip()
    if not trimmed:
        return None
    name, at, host = trimmed.rpartition("@")
    if at and name and host and " " not in trimmed and trimmed.isprintable() and len(value) <= EMAIL_MAX_LENGTH:
        return value
    issues.append(Issue(code, f"The value of {field} is no e-mail address.", sourced_id))
    return None


def _grades(value: object, sourced_id: SourcedId, issues: list[Issue]) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str):
        value = value.split(",")
    grades = set()
    for item in value if isinstance(value, list) else (value,):
        grade = _scalar(item, "grades", sourced_id, issues)
        if grade:
            grades.add(GRADES.get(grade) or GRADES.get(grade.casefold(), grade))
    return _bounded(grades, "grades", sourced_id, issues)


def _user_ids(value: object, sourced_id: SourcedId, issues: list[Issue]) -> tuple[tuple[str, str], ...]:
    if not value:
        return ()
    pairs = set()
    for item in value if isinstance(value, list) else (value,):
        if isinstance(item, dict):
            identifier = _scalar(item.get("identifier"), "userIds", sourced_id, issues)
            if identifier:
                pairs.add((_scalar(item.get("type"), "userIds", sourced_id, issues) or "", identifier))
        elif item is not None:
            issues.append(Issue(IssueCode.VALUE_DROPPED, "An entry of userIds is no object.", sourced_id))
    return _bounded(pairs, "userIds", sourced_id, issues)


def _bounded(values: set[_Value], field: str, sourced_id: SourcedId, issues: list[Issue]) -> tuple[_Value, ...]:
    """The values in order; the rest of too many is dropped."""
    if len(values) < 2:
        return tuple(values)
    if len(values) > LIST_MAX_LENGTH:
        message = f"{field} has {len(values)} entries; only {LIST_MAX_LENGTH} were kept."
        issues.append(Issue(IssueCode.VALUE_DROPPED, message, sourced_id))
    return tuple(sorted(values)[:LIST_MAX_LENGTH])


def metadata_value(metadata: Mapping[str, Any], key: str) -> object:
    """The value of a key, else of the path that its dots spell (`ic.legacysourceId` is one key at some providers).

    A list of one is that one.
    """
    value: object = metadata
    for part in (key,) if key in metadata else key.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def metadata_pairs(
    metadata: Mapping[str, Any], keys: tuple[str, ...], sourced_id: SourcedId, issues: list[Issue]
) -> tuple[tuple[str, str], ...]:
    """(key, value) of each key that has a value; findings are added to `issues`."""
    pairs = []
    for key in keys:
        value = _scalar(metadata_value(metadata, key), f"metadata {key}", sourced_id, issues)
        if value is not None:
            pairs.append((key, value))
    return tuple(pairs)


def _shown(value: str) -> str:
    """A foreign value, short and harmless enough for a sentence."""
    return (_printable(value) or "")[:40]
