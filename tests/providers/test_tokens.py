"""A token of OAuth 2 is fetched once, used by all threads, renewed when it ends, and told to nobody else."""

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

import pytest

from roster_sync.domain.sign_in import SignIn, SignInMethod
from roster_sync.oneroster.auth import Consumer
from roster_sync.oneroster.client import OneRosterClient
from roster_sync.oneroster.errors import (
    FirewallError,
    ForbiddenError,
    ProviderBrokenError,
    ScopeRefusedError,
    SignInRefusedError,
    ThrottledError,
    TokenRefusedError,
    TokenUrlError,
)
from roster_sync.oneroster.retry import RetryPolicy
from roster_sync.oneroster.token import OAuth2 as Tokens
from roster_sync.security.egress import Answer
from tests.support.provider import KEY, ROOT, SECRET, OAuth2, Received, Scripted, users
from tests.support.roster_server import RosterServer

ROSTER = users(200)
ELSEWHERE = "https://tokens.example.org/token"
PAGE = "https://sis.example.org/ims/oneroster/v1p1/users"


def a_client(server: RosterServer, method: SignInMethod = SignInMethod.OAUTH2_BASIC, **client: Any) -> OneRosterClient:
    settings: dict[str, Any] = {
        "consumer_key": KEY,
        "consumer_secret": SECRET,
        "page_size": 10,
        "retry": RetryPolicy(attempts=1),
        "sign_in": SignIn(method, f"{server.base_url.removesuffix(ROOT)}/token"),
    }
    return OneRosterClient(server.base_url, allow_local=True, **settings | client)


def read_all(provider: OAuth2, **client: Any) -> int:
    """How many users a client receives that knows the way."""
    with RosterServer({"users": ROSTER}, sign_in=provider) as server, closing(a_client(server, **client)) as opened:
        return sum(len(page.raw_records) for page in opened.pages("users"))


class TestHowLong:
    @pytest.mark.parametrize(
        "answer",
        [
            {"token_type": "Bearer", "expires_in": 3600},
            {"token_type": "bearer", "expires_in": "3600"},
            {"token_type": "BEARER", "expires_in": 1},
            {"token_type": "bearer", "expires_in": "24"},
            {"expires_in": "soon"},
            {"expires_in": None},
            {},
        ],
    )
    def test_one_token_serves_a_whole_fetch(self, answer: Mapping[str, object]) -> None:
        provider = OAuth2(token=answer)

        received = read_all(provider)

        assert received == 200
        assert provider.tokens == ["token-0"]

    @pytest.mark.parametrize(
        ("expires_in", "kept_s"),
        [
            (3600, 3540),
            ("3600", 3540),
            (3600.0, 3540),
            (300, 270),
            (1, 3540),
            ("24", 24 * 3600 - 60),
        ],
    )
    def test_it_is_renewed_shortly_before_it_ends(self, expires_in: object, kept_s: int) -> None:
        clock = [0.0]
        tokens = fetched_by(giving(expires_in=expires_in), clock)
        first = tokens.signed(PAGE)

        clock[0] = kept_s - 1
        before = tokens.signed(PAGE)
        clock[0] = kept_s
        after = tokens.signed(PAGE)

        assert before.headers == first.headers
        assert after.headers == {"Authorization": "Bearer token-2"}

    @pytest.mark.parametrize("expires_in", [None, "soon", 0, -1, "nan", 10**400, [], {}])
    def test_where_its_end_is_not_told_it_is_used_until_it_is_refused(self, expires_in: object) -> None:
        clock = [0.0]
        tokens = fetched_by(giving(expires_in=expires_in), clock)
        first = tokens.signed(PAGE)

        clock[0] = 1e9
        later = tokens.signed(PAGE)

        assert later.headers == first.headers

    def test_a_token_that_was_ended_early_is_renewed_in_the_middle_of_a_fetch(self) -> None:
        provider = OAuth2(uses=8)

        received = read_all(provider, parallel=1)

        assert received == 200
        assert len(provider.tokens) == 3

    def test_one_vendor_answers_500_for_a_bad_token(self) -> None:
        provider = OAuth2(uses=12, bad_token=500)

        received = read_all(provider, parallel=1)

        assert received == 200
        assert len(provider.tokens) == 2

    def test_a_500_that_means_something_else_costs_one_token_and_no_more(self) -> None:
        provider = OAuth2()
        with (
            RosterServer({"users": ROSTER}, lambda _: Scripted(b"", 500), sign_in=provider) as server,
            closing(a_client(server)) as client,
        ):
            server.routes["orgs"] = [Scripted({"orgs": [{"sourcedId": "O"}]})]
            client.page("orgs", limit=10, offset=0)
            for _ in range(3):
                with pytest.raises(ProviderBrokenError):
                    client.page("users", limit=10, offset=0)

        assert len(provider.tokens) == 2

    def test_a_renewed_token_that_is_refused_too_is_not_renewed_again(self) -> None:
        class Closes(OAuth2):
            """Takes a token once, and then none."""

            def answer(self, request: Received) -> Scripted | None:
                used = request.method == "GET" and any(self._used.values())
                return Scripted(b"", 401) if used else super().answer(request)

        provider = Closes()
        with pytest.raises(SignInRefusedError, match="does not take the token"):
            read_all(provider, parallel=1)

        assert provider.tokens == ["token-0", "token-1"]

    def test_a_token_that_was_never_taken_is_not_renewed(self) -> None:
        provider = OAuth2(uses=0)
        with pytest.raises(SignInRefusedError):
            read_all(provider)

        assert provider.tokens == ["token-0"]

    def test_threads_that_find_it_ended_renew_it_once(self) -> None:
        """All five have sent their requests with the first token before any is refused."""
        barrier = threading.Barrier(5)
        tokens = fetched_by(giving(), [0.0])
        tokens.renew_after(tokens.signed(PAGE), 200)
        again: list[Mapping[str, str]] = []

        def refused() -> None:
            request = tokens.signed(PAGE)
            barrier.wait(10)
            assert tokens.renew_after(request, 401)
            again.append(tokens.signed(PAGE).headers)

        threads = [threading.Thread(target=refused) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)

        assert again == [{"Authorization": "Bearer token-2"}] * 5


class TestConfidence:
    def test_the_cookie_that_came_with_the_token_goes_back(self) -> None:
        provider = OAuth2(cookie="route=node-2==")

        assert read_all(provider) == 200

    def test_the_cookie_goes_to_no_other_host(self) -> None:
        tokens = fetched_by(giving(cookies={"route": "2"}), [0.0])

        assert "Cookie" not in tokens.signed(PAGE).headers
        assert tokens.signed(ELSEWHERE).headers["Cookie"] == "route=2"

    def test_neither_token_nor_secret_is_in_a_repr(self) -> None:
        tokens = fetched_by(giving(), [0.0])

        shown = repr([tokens, tokens.signed(PAGE), vars(tokens)])

        assert "token-1" not in shown
        assert "s3cret" not in shown

    @pytest.mark.parametrize("bad", ["two words", "line\r\nX-Header: 1", "ü", "", 5, None])
    def test_what_cannot_be_a_token_is_not_sent_as_one(self, bad: object) -> None:
        provider = OAuth2(token={"access_token": bad})

        with pytest.raises(TokenUrlError):
            read_all(provider)

    def test_what_a_provider_repeats_of_secret_and_token_is_left_out(self) -> None:
        class Repeats(OAuth2):
            def answer(self, request: Received) -> Scripted | None:
                shown = request.headers.get("Authorization", "")
                told = f"{shown} of {SECRET}"
                return super().answer(request) if request.method == "POST" else Scripted({"message": told}, 403)

        with pytest.raises(ForbiddenError, match=r'"Bearer \*\*\* of \*\*\*"'):
            read_all(Repeats())


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (
            Scripted({"error": "invalid_client", "error_description": f"bad {SECRET}"}, 400),
            TokenRefusedError,
            'gives no token for this consumer key and consumer secret (400). It says: "bad ***". Enter both again',
        ),
        (Scripted(b"", 401), TokenRefusedError, "Enter both again"),
        (Scripted({"error": "invalid_scope"}, 400), ScopeRefusedError, "permit this consumer key to read rosters"),
        (
            Scripted({"error": "invalid_request", "error_description": "Unknown scope"}, 400),
            ScopeRefusedError,
            '"Unknown scope"',
        ),
        (Scripted({"error": "unauthorized_client"}, 400), TokenRefusedError, "permit it the grant type"),
        (Scripted({"error": "access_denied"}), TokenRefusedError, "permit it the grant type"),
        (Scripted(b"", 403), TokenRefusedError, "permit it the grant type"),
        (Scripted({"error": "unsupported_grant_type"}, 400), TokenRefusedError, "how its token URL is to be used"),
        (Scripted(b"", 404), TokenUrlError, "Enter the token URL that the provider gives."),
        (Scripted(b"<html><title>Sign in</title>"), TokenUrlError, "Enter the token URL that the provider gives."),
        (Scripted(b"", 302, {"Location": "/login"}), TokenUrlError, "Enter the token URL that the provider gives."),
        (Scripted({"expires_in": 3600}), TokenUrlError, "Enter the token URL that the provider gives."),
        (Scripted(b"<title>Just a moment...</title>", 403), FirewallError, "A firewall in front of"),
        (Scripted(b"", 429, {"Retry-After": "1"}), ThrottledError, "too many requests for tokens"),
        (Scripted(b"", 503), ProviderBrokenError, "failed to give a token (503)"),
    ],
)
def test_what_a_token_url_answers_instead_is_told(answer: Scripted, kind: type[Exception], told: str) -> None:
    class Answers(OAuth2):
        def answer(self, request: Received) -> Scripted | None:
            return answer if request.method == "POST" else super().answer(request)

    with pytest.raises(kind) as caught:
        read_all(Answers())

    assert type(caught.value) is kind
    assert told in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_token_url_that_is_busy_is_asked_again() -> None:
    class Busy(OAuth2):
        def answer(self, request: Received) -> Scripted | None:
            self.asked += request.method == "POST"
            return Scripted(b"", 503) if self.asked == 1 else super().answer(request)

    assert read_all(Busy(), retry=RetryPolicy(attempts=2, shortest_s=0.001, longest_s=0.01)) == 200


def test_a_way_that_needs_a_token_url_and_has_none_says_so() -> None:
    with pytest.raises(TokenUrlError, match="Enter the token URL"):
        OneRosterClient(PAGE, KEY, SECRET, allow_local=False, sign_in=SignIn(SignInMethod.OAUTH2_BASIC))


def giving(expires_in: object = 3600, cookies: Mapping[str, str] | None = None) -> Callable[..., Answer]:
    """Gives a new token each time."""
    numbers = iter(range(1, 100))

    def post(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        content = {"access_token": f"token-{next(numbers)}", "expires_in": expires_in}
        return Answer(200, {}, json.dumps(content).encode(), cookies or {})

    return post


def fetched_by(post: Callable[..., Answer], clock: list[float]) -> Tokens:
    return Tokens(Consumer(KEY, SECRET), SignInMethod.OAUTH2_BASIC, ELSEWHERE, post=post, monotonic=lambda: clock[0])
