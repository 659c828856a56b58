"""Find out which schools the provider has, and which of them are mapped."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from roster_sync.domain.diff import Comparison
from roster_sync.domain.errors import ConfigurationError, NotOfferedError, TransientError
from roster_sync.domain.identifiers import SchoolId, SourcedId
from roster_sync.domain.issue import Issue, IssueCode, RecordKind
from roster_sync.domain.normalise import references_in
from roster_sync.use_cases.provider import Provider, ProviderFailedError


@dataclass(frozen=True, slots=True)
class SchoolsFound:
    """The provider's schools against the district's.

    Attributes:
        mapped: The mapped schools that the provider has, or may have.
        at_provider: Its orgs of type school; None if it does not tell.
        doubtful: Of the mapped ones those of which it is not known whether the provider has them.
        issues: The mapped schools that it does not have; their users are left as they are.
    """

    mapped: Mapping[SourcedId, SchoolId]
    at_provider: Set[SourcedId] | None
    doubtful: Set[SourcedId]
    issues: list[Issue]


def read_schools(mapped: Mapping[SourcedId, SchoolId], provider: Provider) -> SchoolsFound:
    """Read /orgs, or /schools if the provider does not offer that.

    Raises:
        ProviderFailedError: The provider has none of the mapped schools.
    """
    try:
        orgs = _read(provider, "orgs")
    except NotOfferedError:
        orgs = None
    except (ConfigurationError, TransientError):
        # Some providers share users but no orgs.
        return SchoolsFound(dict(mapped), None, mapped.keys(), [])
    if orgs is None:
        return _among_schools(mapped, provider)
    found, at_provider = orgs
    issues = [
        Issue(
            IssueCode.SCHOOL_UNKNOWN,
            f'The provider has no school with the OneRoster ID "{sourced_id}"; its users were left as they are.',
            sourced_id,
            record_kind=RecordKind.ORG,
        )
        for sourced_id in sorted(mapped.keys() - found)
    ]
    known = {sourced_id: school_id for sourced_id, school_id in mapped.items() if sourced_id in found}
    if not known:
        raise ProviderFailedError(
            "The provider has no school with any of the OneRoster IDs entered here. Choose them anew; Test Settings "
            "lists the provider's schools."
        )
    return SchoolsFound(known, at_provider, frozenset(), issues)


def _among_schools(mapped: Mapping[SourcedId, SchoolId], provider: Provider) -> SchoolsFound:
    """What /schools tells: a mapped org that is not there may be one of another type."""
    try:
        schools = _read(provider, "schools")
    except (ConfigurationError, TransientError):
        schools = None
    if schools is None:
        return SchoolsFound(dict(mapped), None, mapped.keys(), [])
    found, _ = schools
    return SchoolsFound(dict(mapped), found, mapped.keys() - found, [])


def _read(provider: Provider, endpoint: str) -> tuple[set[SourcedId], set[SourcedId]] | None:
    """All orgs of an endpoint, and those of type school; None if it has announced some and gives none."""
    found: set[SourcedId] = set()
    of_schools: set[SourcedId] = set()
    for page in provider.pages(endpoint):
        for record in page.records:
            sourced_ids = references_in([record])
            found |= sourced_ids
            if _is_school(record):
                of_schools |= sourced_ids
    return (found, of_schools) if found or not provider.proof(0).announced else None


def unseen_schools(comparison: Comparison, doubtful: Set[SourcedId], mapped: int) -> list[Issue]:
    """An issue for each doubtful school of which nobody came; its OneRoster ID may be wrong, and nobody tells.

    Args:
        comparison: Has taken in all users.
        doubtful: See `SchoolsFound`.
        mapped: How many schools are mapped.

    Raises:
        ProviderFailedError: Nobody came of any mapped school.
    """
    unseen = comparison.leave_unseen_schools_alone(doubtful)
    if len(unseen) == mapped:
        raise ProviderFailedError(
            "The provider sent no user of a school with any of the OneRoster IDs entered here, and does not tell "
            "whether it has them. Check the IDs, and that the SIS shares these schools with this system."
        )
    message = (
        'The provider sent nobody of a school with the OneRoster ID "{}", and does not tell whether it has one; the '
        "school's users were left as they are."
    )
    return [
        Issue(IssueCode.SCHOOL_UNKNOWN, message.format(sourced_id), sourced_id, record_kind=RecordKind.ORG)
        for sourced_id in unseen
    ]


def _is_school(record: object) -> bool:
    kind = record.get("type") if isinstance(record, Mapping) else None
    return isinstance(kind, str) and kind.strip().casefold() == "school"
