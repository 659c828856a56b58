"""Signs in to a provider in the way that is known, or finds out which one it takes."""

import time
from collections.abc import Callable, Generator, Mapping
from typing import Final

from roster_sync.domain.errors import ConfigurationError
from roster_sync.domain.sign_in import SignIn, SignInMethod
from roster_sync.oneroster.auth import Bearer, Consumer, OAuth1, Signer
from roster_sync.oneroster.errors import (
    ClockSkewError,
    ScopeRefusedError,
    SignInRefusedError,
    TokenRefusedError,
    TokenUrlError,
)
from roster_sync.oneroster.token import OAuth2, Post, discovered
from roster_sync.security.egress import Answer

Get = Callable[[str, Mapping[str, str]], Answer]
"""Sends a GET with headers to a URL."""

_Ways = Generator[SignIn, ConfigurationError]
"""Ways to sign in, each wanted after the one before was refused, and told how."""

_UNKNOWN_WAYS_SHOWN: Final = 2
_RARE: Final = (SignInMethod.OAUTH1_SHA256_QUERY, SignInMethod.OAUTH1_SHA1_QUERY, SignInMethod.BEARER)
_TOKENS: Final = {
    SignInMethod.OAUTH2_BASIC: (SignInMethod.OAUTH2_BASIC_CORE, SignInMethod.OAUTH2_BASIC_UNSCOPED),
    SignInMethod.OAUTH2_BODY: (SignInMethod.OAUTH2_BODY_CORE, SignInMethod.OAUTH2_BODY_UNSCOPED),
    SignInMethod.OAUTH2_QUERY: (SignInMethod.OAUTH2_QUERY_CORE, SignInMethod.OAUTH2_QUERY_UNSCOPED),
}
"""For each way those with fewer scopes, for providers that refuse them."""


class SigningIn:
    """Signs requests in one way; until the provider has taken one, the next way is tried where one is refused.

    Some providers lock a key that fails, so a wrong secret is shown no more often than it must be: in the known way
    only; in two ways if none is known; with `search` in at most five or six.

    Attributes:
        accepted: The way that the provider took; None before that.
    """

    def __init__(
        self,
        consumer: Consumer,
        base_url: str,
        *,
        known: SignIn | None,
        token_url: str | None,
        search: bool,
        get: Get,
        post: Post,
    ) -> None:
        """Begin with the known way.

        Args:
            consumer: Who asks.
            base_url: In its normal form; token URLs are looked for on its host only.
            known: What the provider took before.
            token_url: As the provider gives it; then OAuth 2.0 alone is tried.
            search: Try all other ways too, if the known one is refused or none is known.
            get: For the signed requests.
            post: For tokens.

        Raises:
            ConfigurationError: The known way cannot be gone with this secret or without a token URL.
        """
        self._consumer = consumer
        self._base_url = base_url
        self._get = get
        self._post = post
        self._most = None if search else 1 if known else _UNKNOWN_WAYS_SHOWN
        self._refusals: dict[SignIn, ConfigurationError] = {}
        self._signers: dict[SignIn, Signer] = {}
        self._ways = self._possible(known, token_url)
        self._take(next(self._ways))
        self.accepted: SignIn | None = None

    @property
    def by_token(self) -> bool:
        """Whether the way of now is by tokens that the provider gives."""
        return self._way.method.needs_token_url

    @property
    def confidential(self) -> tuple[str, ...]:
        """What a provider's own words must not repeat."""
        return self._signer.confidential

    def answer(self, url: str) -> Answer:
        """The answer to a GET of `url`, signed; if a token was renewed meanwhile, the one to the second.

        Raises:
            SignInRefusedError: See `oneroster.errors`; no token is to be had.
        """
        request = self._signer.signed(url)
        answer = self._get(request.url, request.headers)
        if self._signer.renew_after(request, answer.status):
            request = self._signer.signed(url)
            answer = self._get(request.url, request.headers)
            self._signer.renew_after(request, answer.status)
        return answer

    def accept(self) -> None:
        """Keep to the way of now."""
        self.accepted = self._way

    def try_another(self, refusal: ConfigurationError) -> None:
        """Take the next way.

        What is no plain refusal of the sign-in (400, 403) is one at some providers that know tokens only: in a search a
        token URL is looked for then, and nothing else is tried but a secret that is a token by its looks.

        Raises:
            ConfigurationError: There is none, or the way is not what was refused.
        """
        refused = isinstance(refusal, SignInRefusedError)
        if self.accepted or isinstance(refusal, ClockSkewError) or not (refused or self._may_mean_sign_in()):
            raise refusal
        self._refusals[self._way] = refusal
        if len(self._refusals) == self._most or not self._take_next(refusal):
            # One endpoint may be refused and the next one not.
            verdict = self._verdict()
            self._take(next(iter(self._refusals)))
            raise verdict

    def _may_mean_sign_in(self) -> bool:
        return self._most is None and not self._refusals and self._way.method is SignInMethod.OAUTH1_SHA256

    def _take_next(self, refusal: ConfigurationError) -> bool:
        try:
            way = self._ways.send(refusal)
            while way in self._refusals:
                way = self._ways.send(self._refusals[way])
            self._take(way)
        except (StopIteration, ConfigurationError):
            return False
        return True

    def _take(self, way: SignIn) -> None:
        if way not in self._signers:
            self._signers[way] = self._signer_of(way)
        self._signer, self._way = self._signers[way], way

    def _verdict(self) -> ConfigurationError:
        """The refusal to be told of all: the one that blames key or secret, else a token URL's, else the first."""
        refusals = list(self._refusals.values())
        if not isinstance(refusals[0], SignInRefusedError):
            return refusals[0]
        blaming = (found for found in refusals if isinstance(found, TokenRefusedError) and found.blames_consumer)
        return next(blaming, refusals[-1] if self.by_token else refusals[0])

    def _possible(self, known: SignIn | None, token_url: str | None) -> _Ways:
        """The ways in their order: what providers take oftenest first, and what shows the secret itself last."""
        if known:
            refusal = yield known
            if known.token_url and isinstance(refusal, TokenRefusedError):
                token_url = known.token_url
        refused = True
        if token_url is None:
            refused = isinstance((yield SignIn(SignInMethod.OAUTH1_SHA256)), SignInRefusedError)
            if refused:
                yield SignIn(SignInMethod.OAUTH1_SHA1)
            token_url = discovered(self._post, self._base_url)
        if token_url:
            yield from _by_token(token_url)
        elif refused:
            for method in _RARE:
                yield SignIn(method)
        elif self._consumer.gave_token:
            yield SignIn(SignInMethod.BEARER)

    def _signer_of(self, way: SignIn) -> Signer:
        match way.method:
            case SignInMethod.OAUTH1_SHA256 | SignInMethod.OAUTH1_SHA256_QUERY as method:
                return OAuth1(self._consumer, "sha256", in_query=method is SignInMethod.OAUTH1_SHA256_QUERY)
            case SignInMethod.OAUTH1_SHA1 | SignInMethod.OAUTH1_SHA1_QUERY as method:
                return OAuth1(self._consumer, "sha1", in_query=method is SignInMethod.OAUTH1_SHA1_QUERY)
            case SignInMethod.BEARER:
                return Bearer(self._consumer)
            case _ if way.token_url is None:
                raise TokenUrlError("The token URL is missing. Enter the token URL that the provider gives.")
            case method:
                return OAuth2(self._consumer, method, way.token_url, post=self._post, monotonic=time.monotonic)


def _by_token(token_url: str) -> _Ways:
    """Tokens for key and secret, asked for in the ways that are known; what is refused says which one comes next."""
    blamed = True
    for scoped, less_scoped in _TOKENS.items():
        if scoped is SignInMethod.OAUTH2_QUERY and blamed:
            return
        refusal = yield SignIn(scoped, token_url)
        for method in less_scoped:
            if isinstance(refusal, ScopeRefusedError):
                refusal = yield SignIn(method, token_url)
        if not isinstance(refusal, TokenRefusedError):
            # There are no tokens there, or the provider does not take its own.
            return
        blamed = blamed and refusal.blames_consumer
