"""Key and secret are shown to the host of the token URL that was entered, and to no other that anybody names."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote_plus

import pytest

from roster_sync.domain.sign_in import SignIn, SignInMethod
from roster_sync.oneroster.client import OneRosterClient
from roster_sync.oneroster.errors import SignInRefusedError
from roster_sync.oneroster.retry import RetryPolicy
from tests.support.provider import KEY, ROOT, SECRET, OAuth2, Received, Scripted, ScriptedProvider, users
from tests.support.provider import SignIn as Door
from tests.support.roster_server import RosterServer

ROSTER = users(40)
PAIR = b64encode(f"{KEY}:{SECRET}".encode()).decode()


@pytest.fixture
def elsewhere() -> Iterator[tuple[ScriptedProvider, OAuth2]]:
    """A server on another port that gives tokens, and what it gives them by."""
    door = OAuth2()
    with ScriptedProvider({}, sign_in=door) as server:
        yield server, door


def origin(server: ScriptedProvider) -> str:
    return server.base_url.removesuffix(ROOT)


def shows_secret(server: ScriptedProvider) -> bool:
    """Whether the secret came in any request, in any way."""
    told = [f"{seen.headers} {seen.parameters} {seen.body}" for seen in server.seen]
    return any(secret in text for text in told for secret in (SECRET, quote_plus(SECRET), PAIR))


class TakesTokensOf:
    """A provider that takes the tokens that another server gives, and gives none itself."""

    def __init__(self, door: OAuth2) -> None:
        self._door = door

    def answer(self, request: Received) -> Scripted | None:
        if request.method == "POST":
            return Scripted(b"", 404)
        return self._door.answer(request)


def a_client(server: ScriptedProvider, **settings: object) -> OneRosterClient:
    given = {"allow_local": True, "page_size": 10, "retry": RetryPolicy(attempts=1)}
    return OneRosterClient(server.base_url, KEY, SECRET, **given | settings)  # type: ignore[arg-type]  # of each its own


@pytest.mark.parametrize("known", [False, True], ids=["entered", "known from a test"])
def test_the_host_of_the_token_url_sees_the_secret_and_the_provider_sees_tokens(
    elsewhere: tuple[ScriptedProvider, OAuth2], known: bool
) -> None:
    tokens, door = elsewhere
    token_url = f"{origin(tokens)}/token"
    way = SignIn(SignInMethod.OAUTH2_BASIC, token_url)
    settings = {"sign_in": way} if known else {"token_url": token_url, "find_sign_in": True}
    with (
        RosterServer({"users": ROSTER}, sign_in=TakesTokensOf(door)) as provider,
        closing(a_client(provider, **settings)) as client,
    ):
        came = [record for page in client.pages("users") for record in page.records]

    assert came == ROSTER
    assert client.sign_in == way
    assert [seen.headers["Authorization"] for seen in tokens.seen] == [f"Basic {PAIR}"]
    assert not shows_secret(provider)
    assert {seen.headers["Authorization"] for seen in provider.seen} == {f"Bearer {door.tokens[0]}"}


class PointsElsewhere:
    """Refuses all signatures, and names a token URL of another host wherever one can be named."""

    def __init__(self, token_url: str, status: int) -> None:
        self._token_url = token_url
        self._status = status

    def answer(self, request: Received) -> Scripted | None:
        named = {"WWW-Authenticate": f'Bearer authorization_uri="{self._token_url}"', "Location": self._token_url}
        status = self._status if request.method == "POST" else 401
        return Scripted({"token_endpoint": self._token_url}, status, named)


@pytest.mark.parametrize("status", [301, 302, 307, 308, 401, 404])
def test_a_token_url_of_another_host_is_never_found(elsewhere: tuple[ScriptedProvider, OAuth2], status: int) -> None:
    tokens, _ = elsewhere
    door: Door = PointsElsewhere(f"{origin(tokens)}/token", status)
    with (
        RosterServer({"users": ROSTER}, sign_in=door) as provider,
        closing(a_client(provider, find_sign_in=True)) as client,
        pytest.raises(SignInRefusedError),
    ):
        list(client.pages("users"))

    assert any("grant_type" in seen.body for seen in provider.seen)
    assert tokens.seen == []


def test_a_token_url_that_is_found_is_on_the_provider_s_host(elsewhere: tuple[ScriptedProvider, OAuth2]) -> None:
    """Another server that gives tokens is not asked."""
    tokens, _ = elsewhere
    with (
        RosterServer({"users": ROSTER}, sign_in=OAuth2()) as provider,
        closing(a_client(provider, find_sign_in=True)) as client,
    ):
        list(client.pages("users"))

    assert client.sign_in == SignIn(SignInMethod.OAUTH2_BASIC, f"{origin(provider)}/token")
    assert tokens.seen == []
