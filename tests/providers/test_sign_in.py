"""How a provider wants to be signed in to is found out with the first page, within few attempts, and kept to."""

from contextlib import closing
from typing import Any

import pytest

from roster_sync.domain.errors import ConfigurationError
from roster_sync.domain.sign_in import SignIn, SignInMethod
from roster_sync.oneroster.client import OneRosterClient
from roster_sync.oneroster.errors import (
    ClockSkewError,
    ForbiddenError,
    RequestRefusedError,
    SignInRefusedError,
    TokenRefusedError,
    TokenUrlError,
)
from roster_sync.oneroster.retry import RetryPolicy
from tests.support.provider import KEY, ROOT, SECRET, Bearer, OAuth1, OAuth2, Received, Scripted, Seen, users
from tests.support.provider import SignIn as Door
from tests.support.roster_server import RosterServer, standard

ROSTER = users(40)
TOKEN = "eyJhbGciOiJub25lIn0.e30."
ONCE = RetryPolicy(attempts=1)


class Reading:
    """A client of a provider with one way to sign in, and what came of reading its users."""

    def __init__(self, provider: Door, *, behaviour: Any = standard, **client: Any) -> None:
        settings: dict[str, Any] = {"consumer_key": KEY, "consumer_secret": SECRET, "page_size": 10, "retry": ONCE}
        with RosterServer({"users": ROSTER}, behaviour, sign_in=provider) as server:
            settings |= client
            if settings.get("token_url"):
                settings["token_url"] = f"{self.origin(server)}{settings['token_url']}"
            if settings.get("sign_in"):
                method, path = settings["sign_in"]
                settings["sign_in"] = SignIn(method, path and f"{self.origin(server)}{path}")
            self.error: Exception | None = None
            self.received = 0
            with closing(OneRosterClient(server.base_url, allow_local=True, **settings)) as opened:
                for _ in range(2):
                    try:
                        self.received = sum(len(page.raw_records) for page in opened.pages("users"))
                    except ConfigurationError as error:
                        self.error = error
                        break
            self.sign_in = opened.sign_in
            self.requests_made = opened.requests_made
            self.token_path = (
                (opened.sign_in.token_url or "").removeprefix(self.origin(server)) if opened.sign_in else ""
            )
            self.seen = server.seen
            self.shown = [
                seen for seen in server.seen if "Authorization" in seen.headers or "oauth_signature" in seen.parameters
            ]

    @staticmethod
    def origin(server: RosterServer) -> str:
        return server.base_url.removesuffix(ROOT)


FOUND = {
    "OAuth 1, HMAC-SHA256": (OAuth1, SignInMethod.OAUTH1_SHA256, ""),
    "OAuth 1, HMAC-SHA1": (lambda: OAuth1("HMAC-SHA1"), SignInMethod.OAUTH1_SHA1, ""),
    "OAuth 1, HMAC-SHA256 in the query": (lambda: OAuth1(in_query=True), SignInMethod.OAUTH1_SHA256_QUERY, ""),
    "OAuth 1, HMAC-SHA1 in the query": (
        lambda: OAuth1("HMAC-SHA1", in_query=True),
        SignInMethod.OAUTH1_SHA1_QUERY,
        "",
    ),
    "OAuth 2, Basic": (OAuth2, SignInMethod.OAUTH2_BASIC, "/token"),
    "OAuth 2, Basic, no scope": (
        lambda: OAuth2(scope="refused", path="/oauth/token"),
        SignInMethod.OAUTH2_BASIC_UNSCOPED,
        "/oauth/token",
    ),
    "OAuth 2, Basic, roster-core": (lambda: OAuth2(scope="core"), SignInMethod.OAUTH2_BASIC_CORE, "/token"),
    "OAuth 2, body": (
        lambda: OAuth2(client="body", path="/oauth2/token"),
        SignInMethod.OAUTH2_BODY,
        "/oauth2/token",
    ),
    "OAuth 2, body, roster-core": (
        lambda: OAuth2(client="body", scope="core"),
        SignInMethod.OAUTH2_BODY_CORE,
        "/token",
    ),
    "OAuth 2, body, no scope": (
        lambda: OAuth2(client="body", scope="refused", path=f"{ROOT}/token"),
        SignInMethod.OAUTH2_BODY_UNSCOPED,
        f"{ROOT}/token",
    ),
    "OAuth 2, query": (lambda: OAuth2(in_query=True), SignInMethod.OAUTH2_QUERY, "/token"),
    "OAuth 2, query, roster-core": (
        lambda: OAuth2(in_query=True, scope="core"),
        SignInMethod.OAUTH2_QUERY_CORE,
        "/token",
    ),
    "OAuth 2, query, no scope": (
        lambda: OAuth2(in_query=True, scope="refused"),
        SignInMethod.OAUTH2_QUERY_UNSCOPED,
        "/token",
    ),
    "bearer": (Bearer, SignInMethod.BEARER, ""),
}


@pytest.mark.parametrize(("provider", "method", "token_path"), FOUND.values(), ids=list(FOUND))
def test_each_way_is_found_and_kept_to(provider: Any, method: SignInMethod, token_path: str) -> None:
    secret = TOKEN if method is SignInMethod.BEARER else SECRET

    reading = Reading(
        Bearer(TOKEN) if method is SignInMethod.BEARER else provider(), consumer_secret=secret, find_sign_in=True
    )

    assert reading.error is None
    assert reading.received == 40
    assert reading.sign_in is not None
    assert (reading.sign_in.method, reading.token_path) == (method, token_path)


@pytest.mark.parametrize(("provider", "method", "token_path"), FOUND.values(), ids=list(FOUND))
def test_the_known_way_is_gone_at_once(provider: Any, method: SignInMethod, token_path: str) -> None:
    bearer = method is SignInMethod.BEARER

    reading = Reading(
        Bearer(TOKEN) if bearer else provider(),
        consumer_secret=TOKEN if bearer else SECRET,
        sign_in=(method, token_path or None),
    )

    assert reading.received == 40
    assert reading.requests_made == 12 + bool(token_path)


def test_no_sign_in_is_known_before_the_first_page_came() -> None:
    with closing(OneRosterClient("https://sis.example.org", KEY, SECRET, allow_local=False)) as client:
        assert client.sign_in is None


class TestAttempts:
    """Some providers lock a key that fails."""

    @pytest.mark.parametrize(("method", "requests"), [("HMAC-SHA256", 12), ("HMAC-SHA1", 13)])
    def test_a_night_that_knows_no_way_tries_both_signatures(self, method: str, requests: int) -> None:
        reading = Reading(OAuth1(method))

        assert reading.received == 40
        assert reading.requests_made == requests

    def test_a_night_that_knows_no_way_but_a_token_url_tries_basic_and_body(self) -> None:
        reading = Reading(OAuth2(client="body"), token_url="/token")

        assert reading.received == 40
        assert reading.requests_made == 14

    @pytest.mark.parametrize(
        ("provider", "client", "shown"),
        [
            (OAuth1(), {}, 2),
            (OAuth1(), {"sign_in": (SignInMethod.OAUTH1_SHA1, None)}, 1),
            (OAuth1(), {"find_sign_in": True}, 5),
            (OAuth1(), {"find_sign_in": True, "sign_in": (SignInMethod.OAUTH1_SHA1, None)}, 5),
            (OAuth2(), {"token_url": "/token"}, 2),
            (OAuth2(), {"sign_in": (SignInMethod.OAUTH2_BODY, "/token")}, 1),
            (OAuth2(), {"find_sign_in": True}, 4),
            (OAuth2(), {"find_sign_in": True, "token_url": "/token"}, 2),
            (OAuth2(), {"find_sign_in": True, "sign_in": (SignInMethod.OAUTH2_BASIC, "/token")}, 2),
            (OAuth2(in_query=True), {"find_sign_in": True, "token_url": "/token"}, 3),
        ],
    )
    def test_a_wrong_secret_is_shown_so_often_and_no_more(
        self, provider: Door, client: dict[str, Any], shown: int
    ) -> None:
        reading = Reading(provider, consumer_secret="another", **client)

        assert isinstance(reading.error, SignInRefusedError)
        assert "again" in str(reading.error)
        assert sum(bool(shows(seen)) for seen in reading.seen) == shown
        assert reading.sign_in is None

    def test_looking_for_a_token_url_shows_neither_key_nor_secret(self) -> None:
        reading = Reading(OAuth1(in_query=True), find_sign_in=True)

        looked = [seen for seen in reading.seen if seen.endpoint.endswith("token")]
        assert len(looked) == 5
        assert not any(map(shows, looked))

    def test_a_refused_token_request_is_not_repeated_for_the_next_endpoint(self) -> None:
        provider = OAuth2()
        with (
            RosterServer({"users": ROSTER, "orgs": ROSTER}, sign_in=provider) as server,
            closing(
                OneRosterClient(
                    server.base_url,
                    KEY,
                    "another",
                    allow_local=True,
                    sign_in=SignIn(SignInMethod.OAUTH2_BASIC, f"{Reading.origin(server)}/token"),
                )
            ) as client,
        ):
            for endpoint in ("orgs", "users"):
                with pytest.raises(TokenRefusedError):
                    list(client.pages(endpoint))

        assert provider.refused == 1

    def test_a_wrong_clock_is_no_reason_to_try_another_way(self) -> None:
        reading = Reading(SlowClock(), find_sign_in=True)

        assert isinstance(reading.error, ClockSkewError)
        assert len(reading.seen) == 1

    @pytest.mark.parametrize("status", [404, 418])
    def test_what_is_no_refusal_of_the_sign_in_is_no_reason_to_try_another_way(self, status: int) -> None:
        reading = Reading(OAuth1(), behaviour=lambda _: Scripted(b"", status), find_sign_in=True)

        assert type(reading.error) is not SignInRefusedError
        assert len(reading.seen) == 1

    @pytest.mark.parametrize("status", [400, 403])
    def test_where_a_signature_means_nothing_a_token_url_is_looked_for(self, status: int) -> None:
        reading = Reading(OAuth2(bad_token=status), find_sign_in=True)

        assert reading.received == 40
        assert reading.sign_in is not None
        assert reading.sign_in.method is SignInMethod.OAUTH2_BASIC

    @pytest.mark.parametrize(("status", "error"), [(400, RequestRefusedError), (403, ForbiddenError)])
    def test_a_request_that_is_refused_shows_key_and_secret_in_no_other_way(
        self, status: int, error: type[Exception]
    ) -> None:
        reading = Reading(OAuth1(), behaviour=lambda _: Scripted(b"", status), find_sign_in=True)

        assert type(reading.error) is error
        assert {seen.headers.get("Authorization", "")[:5] for seen in reading.shown} == {"OAuth"}
        assert not any("HMAC-SHA1" in seen.headers["Authorization"] for seen in reading.shown)

    @pytest.mark.parametrize("status", [400, 403])
    @pytest.mark.parametrize("secret", [TOKEN, "eyJhbGciOiJub25lIn0.e30.c2lnbmVk", "Bearer opaque"])
    def test_where_a_signature_means_nothing_a_token_is_shown_as_it_is(self, status: int, secret: str) -> None:
        provider = Bearer(secret.removeprefix("Bearer "), unsigned=status)

        reading = Reading(provider, consumer_secret=secret, find_sign_in=True)

        assert reading.received == 40
        assert reading.sign_in == SignIn(SignInMethod.BEARER)
        assert not any("HMAC-SHA1" in seen.headers["Authorization"] for seen in reading.shown)

    @pytest.mark.parametrize(("status", "error"), [(400, RequestRefusedError), (403, ForbiddenError)])
    def test_of_a_token_that_is_refused_the_first_refusal_is_told(self, status: int, error: type[Exception]) -> None:
        reading = Reading(Bearer("another", unsigned=status), consumer_secret=TOKEN, find_sign_in=True)

        assert type(reading.error) is error
        assert [seen.headers["Authorization"][:6] for seen in reading.shown].count("Bearer") == 1
        assert not any("HMAC-SHA1" in seen.headers["Authorization"] for seen in reading.shown)

    @pytest.mark.parametrize("secret", ["a.b.c", "ey.b", "eyJ.b.c.d", "bearer", SECRET])
    def test_a_secret_that_looks_like_no_token_is_not_shown_as_one(self, secret: str) -> None:
        reading = Reading(Bearer(secret, unsigned=403), consumer_secret=secret, find_sign_in=True)

        assert type(reading.error) is ForbiddenError
        assert len(reading.shown) == 1

    def test_a_night_does_not_look_for_a_token(self) -> None:
        reading = Reading(Bearer(TOKEN, unsigned=403), consumer_secret=TOKEN)

        assert type(reading.error) is ForbiddenError
        assert len(reading.shown) == 1

    def test_a_token_that_the_provider_does_not_take_ends_the_search(self) -> None:
        class TakesNoToken(OAuth2):
            def answer(self, request: Received) -> Scripted | None:
                return super().answer(request) or Scripted(b"", 401)

        reading = Reading(TakesNoToken(), find_sign_in=True)

        assert "does not take the token that was given" in str(reading.error)
        assert sum(map(shows, reading.seen)) == 4

    def test_one_endpoint_may_be_refused_and_the_next_one_not(self) -> None:
        class OrgsRefused(OAuth1):
            def answer(self, request: Received) -> Scripted | None:
                return Scripted(b"", 401) if "/orgs" in request.url else super().answer(request)

        with (
            RosterServer({"users": ROSTER, "orgs": ROSTER}, sign_in=OrgsRefused()) as server,
            closing(OneRosterClient(server.base_url, KEY, SECRET, allow_local=True)) as client,
        ):
            with pytest.raises(SignInRefusedError):
                list(client.pages("orgs"))
            received = sum(len(page.raw_records) for page in client.pages("users"))

        assert received == 40


class TestTokenUrl:
    def test_one_that_is_known_no_more_is_looked_for_anew(self) -> None:
        reading = Reading(
            OAuth2(path="/oauth2/token"), find_sign_in=True, sign_in=(SignInMethod.OAUTH2_BASIC, "/token")
        )

        assert reading.received == 40
        assert reading.token_path == "/oauth2/token"

    def test_one_that_was_entered_is_believed(self) -> None:
        reading = Reading(OAuth2(path="/token"), find_sign_in=True, token_url="/other")

        assert isinstance(reading.error, TokenUrlError)
        assert "Enter the token URL that the provider gives." in str(reading.error)
        assert len(reading.seen) == 1

    @pytest.mark.parametrize(
        ("answer", "found"),
        [
            (Scripted({"error": "invalid_request"}, 400), True),
            (Scripted({"error": "INVALID_CLIENT"}, 401), True),
            (Scripted({"message": "Missing credentials"}, 400), True),
            (Scripted(b"", 401, {"WWW-Authenticate": 'Basic realm="tokens"'}), True),
            (Scripted({"error": "Unauthorized"}, 401, {"WWW-Authenticate": "Bearer"}), False),
            (Scripted(b"<html>Sign in</html>"), False),
            (Scripted(b"", 302, {"Location": "/login"}), False),
            (Scripted(b"", 500), False),
        ],
    )
    def test_it_is_known_by_what_it_answers_to_nobody(self, answer: Scripted, found: bool) -> None:
        class Tokens(OAuth2):
            def answer(self, request: Received) -> Scripted | None:
                nobody = request.method == "POST" and "Authorization" not in request.headers
                if nobody and b"client_secret" not in request.body:
                    return answer if request.url.endswith("/oauth/token") else Scripted(b"", 404)
                return super().answer(request)

        reading = Reading(Tokens(path="/oauth/token"), find_sign_in=True)

        assert (reading.sign_in is not None) == found

    def test_where_every_path_is_answered_alike_none_is_taken_for_it(self) -> None:
        class Guarded(OAuth1):
            def answer(self, request: Received) -> Scripted | None:
                return Scripted({"error": "none"}, 400) if request.method == "POST" else super().answer(request)

        reading = Reading(Guarded(in_query=True), find_sign_in=True)

        assert reading.received == 40


def shows(seen: Seen) -> bool:
    """Whether key, signature or secret is in a request."""
    return "Authorization" in seen.headers or "oauth_signature" in seen.parameters or "client_secret" in seen.body


class SlowClock:
    """Refuses everybody, a year behind."""

    def answer(self, request: Received) -> Scripted | None:
        return Scripted({}, 401, {"Date": "Mon, 24 Nov 2025 09:00:00 GMT"})
