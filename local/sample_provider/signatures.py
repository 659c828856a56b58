"""Checks the OAuth 1.0a signature of each request with oauthlib's server side."""

import threading
import time
from collections.abc import Mapping

from oauthlib.common import Request
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256, RequestValidator, SignatureOnlyEndpoint

LIFETIME_S = 300


class Signatures(RequestValidator):
    """One consumer's key and secret, and the nonces that it has used.

    A nonce is remembered until no timestamp that could have come with it is accepted any more.
    """

    # oauthlib reads these settings as attributes; plain http is for loopback, the only place this server listens.
    enforce_ssl = False
    allowed_signature_methods = (SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256)
    timestamp_lifetime = LIFETIME_S
    dummy_client = "nobody"

    def __init__(self, consumer_key: str, consumer_secret: str) -> None:
        super().__init__()
        self._consumer_key = consumer_key
        self._consumer_secret = consumer_secret
        self._arrivals_s: dict[str, float] = {}
        self._lock = threading.Lock()
        self._endpoint = SignatureOnlyEndpoint(self)

    def accepts(self, method: str, url: str, headers: Mapping[str, str]) -> bool:
        """Whether the request is signed by the consumer, now, and for the first time."""
        try:
            accepted, _ = self._endpoint.validate_request(url, method, headers=dict(headers))
        except ValueError:
            # A header or a query that is not well-formed.
            return False
        return bool(accepted)

    def check_client_key(self, client_key: str) -> bool:
        """Any form of key may be compared."""
        return bool(client_key)

    def check_nonce(self, nonce: str) -> bool:
        """The standard leaves the nonce's form to the consumer."""
        return 0 < len(nonce) <= 255

    def validate_timestamp_and_nonce(
        self,
        client_key: str,  # noqa: ARG002
        timestamp: str,  # noqa: ARG002
        nonce: str,
        request: Request,  # noqa: ARG002
        request_token: str | None = None,  # noqa: ARG002
        access_token: str | None = None,  # noqa: ARG002
    ) -> bool:
        """Whether the nonce is new; oauthlib has already looked at the timestamp."""
        now_s = time.monotonic()
        with self._lock:
            while self._arrivals_s and now_s - next(iter(self._arrivals_s.values())) > 2 * LIFETIME_S:
                del self._arrivals_s[next(iter(self._arrivals_s))]
            if nonce in self._arrivals_s:
                return False
            self._arrivals_s[nonce] = now_s
        return True

    def validate_client_key(self, client_key: str, request: Request) -> bool:  # noqa: ARG002
        """Whether this is our consumer."""
        return client_key == self._consumer_key

    def get_client_secret(self, client_key: str, request: Request) -> str:  # noqa: ARG002
        """The secret to compute with; a stranger's request takes as long to refuse."""
        return self._consumer_secret
