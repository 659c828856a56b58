"""The API over in-memory stores."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from roster_sync.api.resolver import Api
from roster_sync.api.services import Services
from roster_sync.domain.errors import ConfigurationError, TooManyTestsError, TransientError
from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId
from roster_sync.domain.usage import Usage
from roster_sync.domain.user import Role, StoredUser, normalised_email
from tests.support.builders import DEFAULT_SCHEDULE, DISTRICT, NOW
from tests.support.description import description, resolved
from tests.support.events import api_event, district_admin
from tests.support.fakes import (
    InMemoryAudit,
    InMemoryBeginnings,
    InMemoryChangeLog,
    InMemoryDeadLetters,
    InMemoryDeletions,
    InMemoryDistricts,
    InMemoryEvents,
    InMemoryExportConsents,
    InMemoryHeld,
    InMemoryRuns,
    InMemoryUsers,
    InMemoryUserSearch,
)


@dataclass
class InMemoryUploads:
    """ApiUploads; `files` holds what was kept, and nothing is kept if it `fails`."""

    files: dict[tuple[DistrictId, RunId], bytes] = field(default_factory=dict)
    fails: bool = False

    def put(self, district_id: DistrictId, run_id: RunId, content: bytes) -> None:
        if self.fails:
            raise TransientError("The file store did not answer.")
        self.files[district_id, run_id] = content

    def url(self, district_id: DistrictId, run_id: RunId, valid_for: timedelta) -> str:
        return f"https://uploads.example/{district_id}/{run_id}?seconds={valid_for.seconds}"


class PagedUsers(InMemoryUsers):
    """ApiUsers; a cursor is the last user's id."""

    def page(
        self,
        district_id: DistrictId,
        *,
        school_id: SchoolId | None = None,
        role: Role | None = None,
        active: bool | None = None,
        email: str | None = None,
        synced: bool | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> tuple[list[StoredUser], str | None]:
        found = [
            user
            for user in self.all(district_id)
            if (school_id is None or school_id in user.school_ids)
            and (role is None or role is user.role)
            and (active is None or active is user.active)
            and (email is None or normalised_email(email) == normalised_email(user.email or ""))
            and (synced is None or synced is bool(user.sourced_ids))
            and (cursor is None or user.user_id > cursor)
        ]
        return found[:limit], found[limit - 1].user_id if len(found) > limit else None


@dataclass(frozen=True)
class Answer:
    """An answer of the API; `json` is None without a body."""

    status: int
    json: Any
    headers: Mapping[str, str]


class Client:
    """Sends requests to the API, signed in as the district's administrator unless told otherwise."""

    def __init__(self) -> None:
        self.audit = InMemoryAudit()
        self.districts = InMemoryDistricts(self.audit)
        self.deletions = InMemoryDeletions(self.districts)
        self.deletions_asked: list[DistrictId] = []
        self.runs = InMemoryRuns(self.audit)
        self.dead_letters = InMemoryDeadLetters(self.runs)
        self.sent: list[tuple[DistrictId, list[str]]] = []
        self.held = InMemoryHeld(self.audit)
        self.users = PagedUsers()
        self.log = InMemoryChangeLog()
        self.uploads = InMemoryUploads()
        self.beginnings = InMemoryBeginnings()
        self.events = InMemoryEvents()
        self.now = NOW
        self.requested: list[tuple[DistrictId, RunId]] = []
        self.request_sync: Callable[[DistrictId, RunId], None] = lambda *request: self.requested.append(request)
        self.tested: list[Mapping[str, Any]] = []
        self.test_refused: TooManyTestsError | None = None
        self.report: dict[str, Any] = {"ok": True, "steps": []}
        self.meanwhile: Callable[[], object] = lambda: None
        self.claims: Mapping[str, str] | None = district_admin(DISTRICT)
        numbers = count(1)
        self._api = Api(
            Services(
                districts=self.districts,
                runs=self.runs,
                dead_letters=self.dead_letters,
                held=self.held,
                users=self.users,
                search=InMemoryUserSearch(self.users),
                log=self.log,
                uploads=self.uploads,
                beginnings=self.beginnings,
                export_consents=InMemoryExportConsents(),
                deletions=self.deletions,
                request_deletion=self.deletions_asked.append,
                active_districts=self._active,
                audit=self.audit,
                request_sync=self._request_sync,
                send_changes=lambda district_id, bodies: self.sent.append((district_id, list(bodies))),
                encrypt=lambda district_id, text: f"{district_id}:{text[::-1]}".encode(),
                test_connection=self._test,
                normalise_base_url=_normalised,
                normalise_token_url=_normalised,
                offered_products=frozenset({"serve", "jobs", "journey"}),
                default_schedule=DEFAULT_SCHEDULE,
                clock=lambda: self.now,
                start_metering=lambda: lambda: Usage(write_units=3),
                nonce=lambda: f"{next(numbers):08x}",
                events=self.events,
            )
        )

    def send(self, method: str, path: str, **request: Any) -> Answer:
        """Send a request to a path below the district's."""
        return self.send_to(method, f"/districts/{DISTRICT}{path}", **request)

    def send_to(self, method: str, path: str, **request: Any) -> Answer:
        """Send a request to any path."""
        answer = self._api.answer(api_event(method, path, **{"claims": self.claims, **request}), LambdaContext())
        body = answer["body"]
        _require_described(method, path, answer)
        return Answer(
            answer["statusCode"],
            json.loads(body) if body else None,
            {name: value[0] for name, value in answer["multiValueHeaders"].items()},
        )

    def _request_sync(self, district_id: DistrictId, run_id: RunId) -> None:
        self.request_sync(district_id, run_id)

    def _active(self, cursor: str | None, limit: int) -> tuple[list[DistrictId], str | None]:
        ids = sorted(each.district_id for each in self.districts.active() if each.district_id > (cursor or ""))
        return ids[:limit], ids[limit - 1] if len(ids) > limit else None

    def _test(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        if self.test_refused:
            raise self.test_refused
        self.tested.append(request)
        self.meanwhile()
        return self.report


def _require_described(method: str, path: str, answer: Mapping[str, Any]) -> None:
    """What the API answers in any test is what its description says of that operation."""
    for template, item in description()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method.lower() in item:
            described = item[method.lower()]["responses"]
            assert str(answer["statusCode"]) in described, f"{method} {template} may answer {answer['statusCode']}"
            content = resolved(described[str(answer["statusCode"])]).get("content", {})
            assert [*content] == answer["multiValueHeaders"].get("Content-Type", []), f"{method} {template}"


def _normalised(base_url: str) -> str:
    if not base_url.startswith("https://"):
        raise ConfigurationError("The base URL must begin with https://.")
    return base_url.rstrip("/").lower()


@pytest.fixture
def client() -> Client:
    """An API with nothing stored."""
    return Client()
