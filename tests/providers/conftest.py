"""Each test serves one provider's behaviour over HTTP and reads a collection with the real client."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from roster_sync.domain.normalise import Rules
from roster_sync.domain.sign_in import SignIn as Known
from roster_sync.domain.sign_in import SignInMethod
from roster_sync.domain.user import SisUser
from roster_sync.oneroster.client import OneRosterClient
from roster_sync.oneroster.retry import RetryPolicy
from tests.support.fetching import Fetch, Fetched
from tests.support.provider import KEY, ROOT, SECRET, OAuth1, OAuth2, SignIn
from tests.support.reading import AFTER, BEFORE, RULES, Read, ReadRecord, a_record, first_night, served
from tests.support.roster_server import Behaviour, Records, RosterServer, standard

AT_ONCE = RetryPolicy(attempts=3, total_s=20, shortest_s=0.001, longest_s=0.01)


@dataclass(frozen=True, slots=True)
class Case:
    """One way to sign in: the provider's side, what the client is given, and what it knows from a test."""

    sign_in: Callable[[], SignIn]
    client: Mapping[str, Any]
    method: SignInMethod | None = None

    def given(self, server: RosterServer) -> dict[str, Any]:
        """What the client of a provider is given."""
        return {**self.client, "sign_in": self._known(server.base_url)}

    def _known(self, base_url: str) -> Known | None:
        """The way, with the token URL of this provider if it needs one."""
        if self.method is None:
            return None
        return Known(self.method, f"{base_url.removesuffix(ROOT)}/token" if self.method.needs_token_url else None)


STANDARD = Case(OAuth1, {"consumer_key": KEY, "consumer_secret": SECRET})
SIGN_INS = {
    "OAuth 1, HMAC-SHA256": STANDARD,
    "OAuth 1, HMAC-SHA1 in the query": Case(
        partial(OAuth1, "HMAC-SHA1", in_query=True), STANDARD.client, SignInMethod.OAUTH1_SHA1_QUERY
    ),
    "OAuth 2": Case(OAuth2, STANDARD.client, SignInMethod.OAUTH2_BASIC),
}
ENDPOINTS = ["users", "orgs", "schools/S 1/students"]


@pytest.fixture(params=list(SIGN_INS.values()), ids=list(SIGN_INS))
def sign_in(request: pytest.FixtureRequest) -> Case:
    """Every way to sign in, in turn."""
    case = request.param
    assert isinstance(case, Case)
    return case


@pytest.fixture(params=ENDPOINTS)
def endpoint(request: pytest.FixtureRequest) -> str:
    """Endpoints of different wrappers, in turn."""
    return str(request.param)


def fetching(
    records: Records,
    behaviour: Behaviour = standard,
    *,
    endpoint: str = "users",
    sign_in: Case = STANDARD,
    **client: Any,
) -> Fetched:
    """A fetch in pages of 10, 3 at once, failures tried again without delay; `client` settings replace these."""
    settings: dict[str, Any] = {"allow_local": True, "page_size": 10, "parallel": 3, "retry": AT_ONCE}
    with (
        RosterServer({endpoint: records}, behaviour, sign_in=sign_in.sign_in()) as server,
        closing(OneRosterClient(server.base_url, **sign_in.given(server), **settings | client)) as opened,
    ):
        came: list[Any] = []
        for page in opened.pages(endpoint):
            if page.starts_over:
                came.clear()
            came += page.records
        distinct = {record["sourcedId"] for record in came}
        return Fetched(came, opened.proof(len(distinct)), server.spans_of(endpoint))


@pytest.fixture
def fetch(sign_in: Case) -> Fetch:
    """`fetching` with each way to sign in."""
    return partial(fetching, sign_in=sign_in)


def night(
    records: Sequence[object], *, endpoint: str = "users", rules: Rules = RULES, sign_in: Case = STANDARD
) -> Read:
    """A district's first night with these records."""
    with (
        RosterServer({endpoint: []}, served(records), sign_in=sign_in.sign_in()) as server,
        closing(OneRosterClient(server.base_url, **sign_in.client, allow_local=True, retry=AT_ONCE)) as client,
    ):
        return first_night(client, endpoint, rules)


@pytest.fixture(scope="session")
def read_record() -> ReadRecord:
    """One record between two others, who must come as if it were not there."""
    others = night([BEFORE, AFTER]).users

    def read(record: object, *, rules: Rules = RULES, sourced_id: str = "U-1") -> tuple[SisUser | None, Read]:
        seen = night([BEFORE, record, AFTER], rules=rules)
        assert {other: seen.users[other] for other in others} == others
        assert len(seen.users) + seen.skipped + seen.invalid == 3
        return seen.users.get(sourced_id), seen

    return read


@pytest.fixture(scope="session")
def plain_user() -> SisUser:
    """What becomes of a record that is as it should be."""
    return night([a_record()]).users["U-1"]
