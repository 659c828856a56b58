"""What a night makes of a provider's records, each served between two that are as they should be."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from roster_sync.domain.change import ChangeKind
from roster_sync.domain.diff import Comparison
from roster_sync.domain.district import DEFAULT_ROLES
from roster_sync.domain.identifiers import SchoolId, SourcedId
from roster_sync.domain.issue import Issue
from roster_sync.domain.limits import limits_of
from roster_sync.domain.normalise import Rules
from roster_sync.domain.roster import Roster
from roster_sync.domain.user import Role, SisUser
from roster_sync.oneroster.client import OneRosterClient
from tests.support.builders import DISTRICT, NOW, RUN, a_roster_entry, settings
from tests.support.provider import Scripted
from tests.support.roster_server import Asked, Behaviour, wrapper_of

RULES = Rules(
    schools={SourcedId("school-1"): SchoolId("elementary"), SourcedId("school-2"): SchoolId("high")},
    roles=DEFAULT_ROLES,
    counselor_metadata_key="counselor",
    metadata_keys=("homeroom", "ic.legacysourceId"),
)


@dataclass(frozen=True, slots=True)
class Read:
    """What the first night of a district makes of all records.

    Attributes:
        users: Those who are created, by their first sourcedId.
        skipped: Records that are rightly left out.
        invalid: Records that cannot be used.
    """

    users: Mapping[str, SisUser]
    issues: Sequence[Issue]
    skipped: int
    invalid: int

    @property
    def codes(self) -> list[tuple[str, str | None]]:
        """Code and sourcedId of each issue."""
        return [(issue.code.value, issue.sourced_id) for issue in self.issues]


class ReadRecord(Protocol):
    """What becomes of one record, or of the bytes of one, its two neighbours having come as they should."""

    def __call__(
        self, record: object, *, rules: Rules = RULES, sourced_id: str = "U-1"
    ) -> tuple[SisUser | None, Read]: ...


COUNSELOR = a_roster_entry(
    sourced_ids=(), fingerprint=None, role=Role.COUNSELOR, email="ruth@example.org", given_name="Ruth"
)


def a_record(**fields: Any) -> dict[str, Any]:
    """A user as OneRoster 1.1 §4.13 has one, with every field."""
    record = {
        "sourcedId": "U-1",
        "status": "active",
        "dateLastModified": "2026-11-01T00:00:00.000Z",
        "metadata": {"counselor": "ruth@example.org", "homeroom": "2B"},
        "username": "zoe.berg",
        "userIds": [{"type": "LDAP", "identifier": "zberg"}],
        "enabledUser": "true",
        "givenName": "Zoë",
        "familyName": "Berg",
        "middleName": "M.",
        "role": "student",
        "identifier": "1001",
        "email": "Zoe.Berg@example.org",
        "sms": "555-0101",
        "phone": "555-0100",
        "agents": [{"href": "https://sis.example.org/users/P-1", "sourcedId": "P-1", "type": "user"}],
        "orgs": [{"href": "https://sis.example.org/orgs/school-1", "sourcedId": "school-1", "type": "org"}],
        "grades": ["02"],
        "password": "Secret-1",
    }
    return {**record, **fields}


BEFORE = a_record(sourcedId="A-1", email="ada@example.org", givenName="Ada", metadata={}, username="ada")
AFTER = a_record(sourcedId="Z-9", email="zed@example.org", givenName="Zed", role="teacher", username=None)


def served(records: Sequence[object]) -> Behaviour:
    """A provider that sends records as they are, bytes to the letter."""
    raw = [record if isinstance(record, bytes) else json.dumps(record).encode() for record in records]

    def behaviour(asked: Asked) -> Scripted:
        page = b",".join(raw[asked.offset : asked.offset + asked.limit])
        content = b'{"%b": [%b]}' % (wrapper_of(asked.endpoint).encode(), page)
        return Scripted(content, headers={"X-Total-Count": str(len(raw))})

    return behaviour


def first_night(client: OneRosterClient, endpoint: str, rules: Rules) -> Read:
    """Read all that a provider has, as `fetch` does for a district with no user but a counselor."""
    roster = Roster(rules.schools.values(), frozenset(), RUN)
    roster.add([COUNSELOR])
    comparison = Comparison(DISTRICT, roster, rules, client.reader)
    for page in client.pages(endpoint):
        comparison.add(page.raw_records)
    outcome = comparison.finish(client.proof(comparison.received), lambda _: {}, limits_of(settings(), [], NOW))
    changes = [comparison.change(planned) for planned in outcome.planned]
    assert {change.kind for change in changes} <= {ChangeKind.CREATE}
    users = {str(change.user.sourced_ids[0]): change.user for change in changes if change.user}
    return Read(users, outcome.issues, outcome.counts.skipped, outcome.counts.invalid)
