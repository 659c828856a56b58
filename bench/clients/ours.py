"""The client of this project: pages in parallel; each record is read, normalised and fingerprinted."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from bench.clients.client import View
from bench.nights import open_client, settings
from bench.page_server import schools
from bench.provider import Address
from roster_sync.domain.fingerprint import fingerprint, pack
from roster_sync.domain.identifiers import SchoolId, SourcedId
from roster_sync.domain.issue import Issue
from roster_sync.domain.normalise import NotStored, normalise, rules_of, sourced_id_of
from roster_sync.domain.plain_record import packed_user
from roster_sync.domain.user import SisUser
from roster_sync.oneroster.client import OneRosterClient


class _Read(NamedTuple):
    sourced_id: SourcedId | None
    user: SisUser | NotStored
    fingerprint: bytes | None
    issues: Sequence[Issue]


def fingerprint_of(user: SisUser | NotStored) -> bytes | None:
    return None if isinstance(user, NotStored) else fingerprint(pack(user))


class Ours:
    """OneRosterClient, and what a night does with each record that it has not seen before."""

    def __init__(self) -> None:
        self._org_of = {SchoolId(f"school-{number}"): org for number, org in enumerate(schools())}
        self._client: OneRosterClient | None = None

    def pages(self, base_url: str, page_size: int) -> Iterator[Sequence[Any] | None]:  # noqa: ARG002 - open_client's own
        address = Address(base_url, "bench", "secret")
        rules = rules_of(settings(address), {SourcedId(org): school for school, org in self._org_of.items()})
        self._client = client = open_client(address)

        def read(raw: Any) -> _Read:
            plain = client.reader.plain(raw)
            known = packed_user(plain, rules) if plain else None
            if plain and isinstance(known, tuple):
                return _Read(plain.sourced_id, known[0], fingerprint(known[1]), ())
            if plain and isinstance(known, NotStored):
                return _Read(plain.sourced_id, known, None, ())
            issues: list[Issue] = []
            record = client.reader.read(raw)
            sourced_id = sourced_id_of(record, issues)
            if sourced_id is None or not isinstance(record, dict):
                return _Read(None, NotStored.INVALID, None, issues)
            user = normalise(record, sourced_id, rules, issues)
            return _Read(sourced_id, user, fingerprint_of(user), issues)

        try:
            for page in client.pages("users"):
                if page.starts_over:
                    yield None
                yield [read(raw) for raw in page.raw_records]
        finally:
            client.close()

    def view(self, user: Any) -> View:
        if user.user is NotStored.INVALID:
            return {"sourcedId": user.sourced_id, "issue": user.issues[-1].code}
        if user.user is NotStored.GONE:
            return {"sourcedId": user.sourced_id, "active": False}
        if isinstance(user.user, NotStored):
            return {"sourcedId": user.sourced_id, "active": True}
        return {
            "sourcedId": user.sourced_id,
            "active": True,
            "role": user.user.sis_role,
            "username": user.user.username,
            "givenName": user.user.given_name,
            "middleName": user.user.middle_name,
            "email": user.user.email,
            "identifier": user.user.identifier,
            "grades": list(user.user.grades),
            "orgs": [self._org_of[school] for school in user.user.school_ids],
        }

    def doubt(self, distinct: int) -> str | None:
        assert self._client  # noqa: S101 - its pages were read
        return self._client.proof(distinct).reason
