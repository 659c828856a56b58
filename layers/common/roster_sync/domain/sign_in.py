"""How key and secret are shown to a provider."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class SignInMethod(StrEnum):
    """What providers take: the two of OneRoster 1.1 §3.7, as differently as they are read.

    OAuth 1.0a signs every request, in a header or in the query. OAuth 2.0 gets a token for key and secret, which go as
    Basic authentication or in the body; with `query`, they go as Basic and the other parameters in the query. Core: of
    the scopes, only roster-core is asked for; unscoped: none. Bearer: the secret itself is the token.
    """

    OAUTH1_SHA256 = "oauth1-sha256"
    OAUTH1_SHA1 = "oauth1-sha1"
    OAUTH1_SHA256_QUERY = "oauth1-sha256-query"
    OAUTH1_SHA1_QUERY = "oauth1-sha1-query"
    OAUTH2_BASIC = "oauth2-basic"
    OAUTH2_BASIC_CORE = "oauth2-basic-core"
    OAUTH2_BASIC_UNSCOPED = "oauth2-basic-unscoped"
    OAUTH2_BODY = "oauth2-body"
    OAUTH2_BODY_CORE = "oauth2-body-core"
    OAUTH2_BODY_UNSCOPED = "oauth2-body-unscoped"
    OAUTH2_QUERY = "oauth2-query"
    OAUTH2_QUERY_CORE = "oauth2-query-core"
    OAUTH2_QUERY_UNSCOPED = "oauth2-query-unscoped"
    BEARER = "bearer"

    @property
    def needs_token_url(self) -> bool:
        """Whether a token is to be had first."""
        return self.startswith("oauth2-")


_WORDS: Final = {
    SignInMethod.OAUTH1_SHA256: "OAuth 1.0a with HMAC-SHA256",
    SignInMethod.OAUTH1_SHA1: "OAuth 1.0a with HMAC-SHA1",
    SignInMethod.OAUTH1_SHA256_QUERY: "OAuth 1.0a with HMAC-SHA256 in the query",
    SignInMethod.OAUTH1_SHA1_QUERY: "OAuth 1.0a with HMAC-SHA1 in the query",
    SignInMethod.OAUTH2_BASIC: "OAuth 2.0, key and secret as Basic authentication",
    SignInMethod.OAUTH2_BASIC_CORE: "OAuth 2.0 for roster-core, key and secret as Basic authentication",
    SignInMethod.OAUTH2_BASIC_UNSCOPED: "OAuth 2.0 without scope, key and secret as Basic authentication",
    SignInMethod.OAUTH2_BODY: "OAuth 2.0, key and secret in the body",
    SignInMethod.OAUTH2_BODY_CORE: "OAuth 2.0 for roster-core, key and secret in the body",
    SignInMethod.OAUTH2_BODY_UNSCOPED: "OAuth 2.0 without scope, key and secret in the body",
    SignInMethod.OAUTH2_QUERY: "OAuth 2.0 with parameters in the query",
    SignInMethod.OAUTH2_QUERY_CORE: "OAuth 2.0 for roster-core, with parameters in the query",
    SignInMethod.OAUTH2_QUERY_UNSCOPED: "OAuth 2.0 without scope and with parameters in the query",
    SignInMethod.BEARER: "the secret as bearer token",
}


@dataclass(frozen=True, slots=True)
class SignIn:
    """A way to sign in that a provider has accepted.

    Attributes:
        token_url: Where it gives tokens; None for a method that needs none.
    """

    method: SignInMethod
    token_url: str | None = None

    @property
    def in_words(self) -> str:
        """For a person."""
        return _WORDS[self.method] + (f", with tokens of {self.token_url}" if self.token_url else "")
