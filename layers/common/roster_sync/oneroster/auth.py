"""OAuth 1.0a message signing: consumer key and secret, no token (OneRoster 1.1 §3.7)."""

from collections.abc import Mapping
from urllib.parse import quote

from oauthlib.oauth1 import SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256
from requests import PreparedRequest, Request
from requests_oauthlib import OAuth1


def encode_query(parameters: Mapping[str, str | int]) -> str:
    """A query as RFC 3986 wants it, and as signatures are computed: everything but A-Z a-z 0-9 - . _ ~ in percent."""
    return "&".join(f"{quote(name, safe='')}={quote(str(value), safe='')}" for name, value in parameters.items())


class Signer:
    """Signs requests with one consumer's key and secret: HMAC-SHA256, until the other method is asked for."""

    def __init__(self, consumer_key: str, consumer_secret: str) -> None:
        self._oauth, self._other = (
            OAuth1(consumer_key, client_secret=consumer_secret, signature_method=method, decoding=None)
            for method in (SIGNATURE_HMAC_SHA256, SIGNATURE_HMAC_SHA1)
        )

    def change_method(self) -> None:
        """Sign by HMAC-SHA1 from now on, or by HMAC-SHA256 again: some providers take only one of them."""
        self._oauth, self._other = self._other, self._oauth

    def signed(self, url: str) -> PreparedRequest:
        """A GET of `url` with timestamp and nonce of its own: sign each attempt anew.

        Send the prepared URL and no other: the signature covers its exact spelling.
        """
        return Request("GET", url, headers={"Accept": "application/json"}, auth=self._oauth).prepare()
