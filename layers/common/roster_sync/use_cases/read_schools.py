"""Find out which schools the provider has, and which of them are mapped."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from roster_sync.domain.diff import Comparison
from roster_sync.domain.errors import ConfigurationError, TransientError
from roster_sync.domain.identifiers import SchoolId, SourcedId
from roster_sync.domain.issue import Issue, IssueCode, RecordKind
from roster_sync.domain.normalise import references_in
from roster_sync.use_cases.provider import Provider, ProviderFailedError


@dataclass(frozen=True, slots=True)
class SchoolsFound:
    """The provider's schools against the district's.

    Attributes:
        mapped: The mapped schools that the provider has; all mapped ones if it does not tell.
        at_provider: Its orgs of type school; None if it does not tell.
        issues: The mapped schools that it does not have; their users are left as they are.
    """

    mapped: Mapping[SourcedId, SchoolId]
    at_provider: Set[SourcedId] | None
    issues: list[Issue]


def read_schools(mapped: Mapping[SourcedId, SchoolId], provider: Provider) -> SchoolsFound:
    """Read /orgs.

    Raises:
        ProviderFailedError: The provider has none of the mapped schools.
    """
    found: set[SourcedId] = set()
    at_provider: set[SourcedId] = set()
    try:
        for page in provider.pages("orgs"):
            for record in page.records:
                sourced_ids = references_in([record])
                found |= sourced_ids
                if _is_school(record):
                    at_provider |= sourced_ids
    except (ConfigurationError, TransientError):
        # Some providers share users but no orgs.
        return SchoolsFound(dict(mapped), None, [])
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
    return SchoolsFound(known, at_provider, issues)


def unseen_schools(comparison: Comparison, mapped: int) -> list[Issue]:
    """An issue for each mapped school of which nobody came; its OneRoster ID may be wrong, and nobody tells.

    For a provider that does not tell which schools it has.

    Raises:
        ProviderFailedError: Nobody came of any mapped school.
    """
    unseen = comparison.leave_unseen_schools_alone()
    if len(unseen) == mapped:
        raise ProviderFailedError(
            "The provider sent no user of a school with any of the OneRoster IDs entered here, and does not tell which "
            "schools it has. Check the IDs, and that the SIS shares these schools with this system."
        )
    message = (
        'The provider sent nobody of a school with the OneRoster ID "{}", and does not tell which schools it has; the '
        "school's users were left as they are."
    )
    return [
        Issue(IssueCode.SCHOOL_UNKNOWN, message.format(sourced_id), sourced_id, record_kind=RecordKind.ORG)
        for sourced_id in unseen
    ]


def _is_school(record: object) -> bool:
    kind = record.get("type") if isinstance(record, Mapping) else None
    return isinstance(kind, str) and kind.strip().casefold() == "school"
