"""Shows who asks by tokens: OAuth 2.0 client credentials (RFC 6749 §4.4), as providers take them."""

import math
import threading
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from roster_sync.domain.errors import ConfigurationError, RosterSyncError
from roster_sync.domain.sign_in import SignInMethod
from roster_sync.oneroster.address import host_of
from roster_sync.oneroster.auth import Consumer, SignedRequest, bearer_header, encode_query, is_token
from roster_sync.oneroster.errors import TokenUrlError, decoded, error_of_token_answer, oauth_error
from roster_sync.oneroster.retry import seconds_of_retry_after
from roster_sync.security.egress import Answer, TooLargeError

Post = Callable[[str, Mapping[str, str], bytes], Answer]
"""Sends a body with headers to a URL."""

CORE_SCOPE: Final = "https://purl.imsglobal.org/spec/or/v1p1/scope/roster-core.readonly"
"""OneRoster 1.1 §3.7: orgs and users, and what belongs to classes."""
SCOPE: Final = f"{CORE_SCOPE} https://purl.imsglobal.org/spec/or/v1p1/scope/roster.readonly"
"""OneRoster 1.1 §3.7: all but demographics, which nobody reads here."""

_GRANT: Final = {"grant_type": "client_credentials"}
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_ACCEPT: Final = {"Accept": "application/json"}
_RENEWED_AHEAD_S: Final = 60.0
# A life below a minute is one in hours: nobody could use a token of so few seconds.
_LEAST_SECONDS: Final = 60.0
_SECONDS_OF_AN_HOUR: Final = 3600.0
_NOTHING_THERE: Final = frozenset({404, 405, 410, 501})


@dataclass(frozen=True, slots=True)
class _Token:
    text: str = field(repr=False)
    useless_at: float


class OAuth2:
    """Shows a token that is fetched when the first request needs one, and used until shortly before it ends.

    A token that was taken and then is refused was ended early: it is renewed, once, while the other threads wait.
    """

    def __init__(
        self,
        consumer: Consumer,
        method: SignInMethod,
        token_url: str,
        *,
        post: Post,
        monotonic: Callable[[], float],
    ) -> None:
        self._consumer = consumer
        self._method = method
        self._token_url = token_url
        self._post = post
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._token: _Token | None = None
        self._cookies: Mapping[str, str] = {}
        self._taken = False
        self._renewed_for_failure = False
        self._refusal: ConfigurationError | None = None

    @property
    def confidential(self) -> tuple[str, ...]:
        """The secret, and the token of now."""
        token = self._token
        return (self._consumer.secret, token.text) if token else (self._consumer.secret,)

    def signed(self, url: str) -> SignedRequest:
        """The request with a token.

        Raises:
            TokenRefusedError: See `oneroster.errors`; so for TokenUrlError and TransientError. Of a refusal it is not
                asked again.
        """
        with self._lock:
            if self._refusal:
                raise self._refusal
            if self._token is None or self._monotonic() >= self._token.useless_at:
                try:
                    self._token = self._fetched()
                except ConfigurationError as error:
                    self._refusal = error
                    raise
                self._taken = False
            return SignedRequest(url, bearer_header(self._token.text) | self._cookie(url))

    def renew_after(self, request: SignedRequest, status: int) -> bool:
        """Renew a token that is refused after it was taken; one that never was is no better the second time."""
        with self._lock:
            of_now = self._token is not None and request.headers["Authorization"].endswith(f" {self._token.text}")
            if 200 <= status < 300:
                self._taken = self._taken or of_now
                return False
            # One vendor answers 500 for a bad token; mostly it means something else, so that is tried once.
            if status != 401 and not (status == 500 and not self._renewed_for_failure):
                return False
            if of_now:
                if not self._taken:
                    return False
                self._renewed_for_failure = self._renewed_for_failure or status == 500
                self._token = None
            return True

    def _fetched(self) -> _Token:
        parameters, headers = dict(_GRANT), dict(_ACCEPT)
        if not self._method.endswith("-unscoped"):
            parameters["scope"] = CORE_SCOPE if self._method.endswith("-core") else SCOPE
        if self._method.startswith(SignInMethod.OAUTH2_BODY):
            parameters |= {"client_id": self._consumer.key, "client_secret": self._consumer.secret}
        else:
            # As it is, and not in percent (RFC 6749 §2.3.1): hardly a provider undoes that.
            pair = f"{self._consumer.key}:{self._consumer.secret}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        url, body = self._token_url, encode_query(parameters).encode()
        if self._method.startswith(SignInMethod.OAUTH2_QUERY):
            url, body = f"{url}{'&' if urlsplit(url).query else '?'}{body.decode()}", b""
        else:
            headers |= _FORM
        asked_at = self._monotonic()
        try:
            answer = self._post(url, headers | self._cookie(url), body)
        except TooLargeError as error:
            raise TokenUrlError(
                f"{host_of(url)} gives no token at the token URL. Enter the token URL that the provider gives."
            ) from error
        content = decoded(answer)
        text = content.get("access_token") if answer.status == 200 and isinstance(content, dict) else None
        if not isinstance(content, dict) or not isinstance(text, str) or not is_token(text):
            raise error_of_token_answer(
                answer,
                token_url=self._token_url,
                retry_after_s=seconds_of_retry_after(answer.headers, datetime.now(UTC)),
                confidential=(self._consumer.secret,),
            )
        self._cookies = answer.cookies
        return _Token(text, asked_at + _useful_seconds(content.get("expires_in")))

    def _cookie(self, url: str) -> dict[str, str]:
        """What came with the token, for the host that gave it: it may lead to the one server that knows the token."""
        if not self._cookies or host_of(url) != host_of(self._token_url):
            return {}
        return {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}


def token_urls(base_url: str) -> list[str]:
    """Where providers commonly give tokens, the likeliest first: all of them on the host of the base URL."""
    parts = urlsplit(base_url)
    origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.removesuffix("/v1p1")
    path = path.removesuffix("/ims/oneroster")
    found = [f"{origin}{path}/{name}" for name in ("token", "oauth/token", "oauth2/token")]
    found.append(f"{base_url}/token")
    if path.startswith("/campus/"):
        # Infinite Campus; the application's name is the last one before /ims.
        found.insert(0, f"{origin}/campus/oauth2/token?appName={path.rpartition('/')[2]}")
    found += [f"{origin}/{name}" for name in ("token", "oauth/token", "oauth2/token", "connect/token")]
    return list(dict.fromkeys(found))


def discovered(post: Post, base_url: str) -> str | None:
    """The token URL on the host of a base URL, if it is where such are: asked without showing key or secret."""
    perhaps, nothing_elsewhere = None, False
    for url in token_urls(base_url):
        try:
            answer = post(url, _ACCEPT | _FORM, encode_query(_GRANT).encode())
        except RosterSyncError:
            continue
        if oauth_error(decoded(answer)):
            return url
        challenge = answer.headers.get("WWW-Authenticate", "").lower()
        if answer.status == 400 or (answer.status == 401 and challenge.startswith("basic")):
            perhaps = perhaps or url
        nothing_elsewhere = nothing_elsewhere or answer.status in _NOTHING_THERE
    return perhaps if nothing_elsewhere else None


def _useful_seconds(expires_in: object) -> float:
    """How long a token is used, if it is not refused earlier; without end if that is not said."""
    try:
        seconds = float(expires_in) if isinstance(expires_in, int | float | str) else math.inf
    except (ValueError, OverflowError):
        return math.inf
    if math.isnan(seconds) or seconds <= 0:
        return math.inf
    if seconds < _LEAST_SECONDS:
        seconds *= _SECONDS_OF_AN_HOUR
    return seconds - min(_RENEWED_AHEAD_S, seconds / 10)
