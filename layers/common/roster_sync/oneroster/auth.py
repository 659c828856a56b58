"""Shows who asks: by OAuth 1.0a signatures (RFC 5849, no token) or by a token that the provider gave once for all."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol
from urllib.parse import quote, urlsplit

import requests_oauthlib
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256
from requests import Request

from roster_sync.domain.errors import ConfigurationError

_METHODS: Final = {"sha256": SIGNATURE_HMAC_SHA256, "sha1": SIGNATURE_HMAC_SHA1}
_PARAMETER: Final = re.compile(r'(\w+)="([^"]*)"')
"""Of an Authorization header, encoded just as a query wants it."""
_JWT: Final = re.compile(r"ey[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
"""JSON in base64url, twice, and a signature (RFC 7515 §7.1)."""
_SCHEME: Final = "bearer "


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who asks."""

    key: str
    secret: str = field(repr=False)

    @property
    def gave_token(self) -> bool:
        """Whether the secret is by its looks a token that the provider gave once for all."""
        return self.secret.lower().startswith(_SCHEME) or _JWT.fullmatch(self.secret) is not None


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A GET, ready to be sent: its signature covers the URL's exact spelling."""

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


class Signer(Protocol):
    """One way to sign in; may be used by several threads at once."""

    @property
    def confidential(self) -> tuple[str, ...]:
        """What a provider's own words must not repeat."""

    def signed(self, url: str) -> SignedRequest:
        """A GET of `url`, which `encode_query` has spelt: sign each attempt anew."""

    def renew_after(self, request: SignedRequest, status: int) -> bool:
        """Take note of an answer; True if the request should be signed and sent once more."""


def encode_query(parameters: Mapping[str, str | int]) -> str:
    """A query as RFC 3986 wants it, and as signatures are computed: everything but A-Z a-z 0-9 - . _ ~ in percent."""
    return "&".join(f"{_encoded(name)}={_encoded(str(value))}" for name, value in parameters.items())


class OAuth1:
    """Signs with one consumer's key and secret, with timestamp and nonce of each request's own."""

    def __init__(self, consumer: Consumer, digest: Literal["sha256", "sha1"], *, in_query: bool = False) -> None:
        self._consumer = consumer
        self._in_query = in_query
        self._oauth = requests_oauthlib.OAuth1(
            consumer.key, client_secret=consumer.secret, signature_method=_METHODS[digest], decoding=None
        )

    @property
    def confidential(self) -> tuple[str, ...]:
        """The secret."""
        return (self._consumer.secret,)

    def signed(self, url: str) -> SignedRequest:
        """The request, signed in a header or in its query."""
        request = Request("GET", url, auth=self._oauth).prepare()
        header = request.headers["Authorization"]
        if not self._in_query:
            return SignedRequest(request.url or url, {"Authorization": header})
        # The signature is the same wherever it stands (RFC 5849 §3.4.1.3.1). Put there by the library, it would come
        # with the whole query spelt anew, spaces as plus signs.
        in_query = "&".join("=".join(parameter) for parameter in _PARAMETER.findall(header))
        return SignedRequest(f"{request.url}{'&' if urlsplit(url).query else '?'}{in_query}", {})

    def renew_after(self, request: SignedRequest, status: int) -> bool:  # noqa: ARG002  # there is nothing to renew
        """Never: a refused signature is not better the second time."""
        return False


class Bearer:
    """Shows the secret as it is: some providers give a token that never ends."""

    def __init__(self, consumer: Consumer) -> None:
        """Take the secret for the token, with or without the word Bearer before it.

        Raises:
            ConfigurationError: It cannot be a token.
        """
        secret = consumer.secret
        self._token = secret[len(_SCHEME) :].strip() if secret.lower().startswith(_SCHEME) else secret
        if not is_token(self._token):
            raise ConfigurationError(
                "The consumer secret contains characters that a token cannot have. Enter it again, as it was given."
            )

    @property
    def confidential(self) -> tuple[str, ...]:
        """The token."""
        return (self._token,)

    def signed(self, url: str) -> SignedRequest:
        """The request with the token."""
        return SignedRequest(url, bearer_header(self._token))

    def renew_after(self, request: SignedRequest, status: int) -> bool:  # noqa: ARG002  # there is nothing to renew
        """Never: there is no other token."""
        return False


def bearer_header(token: str) -> dict[str, str]:
    """How a token is shown (RFC 6750 §2.1)."""
    return {"Authorization": f"Bearer {token}"}


def is_token(text: str) -> bool:
    """Whether a text can stand in a header as a token."""
    return text.isascii() and text.isprintable() and text != "" and " " not in text


def _encoded(text: str) -> str:
    return quote(text, safe="")
