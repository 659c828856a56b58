"""Signatures hold for the exact URL that is sent."""

import base64
import hmac
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oauthlib.oauth1.rfc5849.signature import verify_hmac_sha256

from roster_sync.oneroster.auth import Signer, encode_query

ORGS = "https://test.com/ims/oneroster/v1p1/orgs"


class SignedRequest:
    """A request as oauthlib's server side takes it."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        pairs = (pair.split("=", 1) for pair in headers["Authorization"].removeprefix("OAuth ").split(", "))
        oauth = {name: dict(parse_qsl(f"v={value[1:-1]}"))["v"] for name, value in pairs}
        self.uri = url
        self.http_method = "GET"
        self.signature = oauth.pop("oauth_signature")
        self.params = [*parse_qsl(urlsplit(url).query, keep_blank_values=True), *oauth.items()]
        self.nonce = oauth["oauth_nonce"]
        self.timestamp = oauth["oauth_timestamp"]
        self.method = oauth["oauth_signature_method"]


def signed(url: str, key: str = "key", secret: str = "secret") -> SignedRequest:
    request = Signer(key, secret).signed(url)
    assert request.url is not None
    return SignedRequest(request.url, request.headers)


def test_a_query_is_encoded_as_signatures_want_it() -> None:
    assert encode_query({"filter": "a='x (y)*!/+~'", "limit": 5}) == "filter=a%3D%27x%20%28y%29%2A%21%2F%2B~%27&limit=5"


@given(
    value=st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    key=st.text(st.characters(codec="ascii", min_codepoint=32), min_size=1, max_size=20),
    secret=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
)
def test_a_server_accepts_the_signature_whatever_the_parameters(value: str, key: str, secret: str) -> None:
    request = signed(f"https://SIS.example.org:443/x/users?{encode_query({'filter': value, 'limit': 5})}", key, secret)

    assert dict(parse_qsl(urlsplit(request.uri).query, keep_blank_values=True))["filter"] == value
    assert verify_hmac_sha256(request, secret)
    assert not verify_hmac_sha256(request, f"{secret}x")


@pytest.mark.parametrize("value", ["' ( ) * ! / +", "role='student' AND status='active'", "%20%2F", "a&b=c", "ü 漢"])
def test_the_prepared_url_is_the_one_that_was_built(value: str) -> None:
    url = f"{ORGS}?{encode_query({'filter': value})}"

    assert Signer("key", "secret").signed(url).url == url


def test_each_attempt_has_a_nonce_of_its_own_and_hmac_sha256() -> None:
    signer = Signer("key", "secret")

    requests = [SignedRequest(ORGS, signer.signed(ORGS).headers) for _ in range(3)]

    assert len({request.nonce for request in requests}) == 3
    assert {request.method for request in requests} == {"HMAC-SHA256"}
    assert all(request.timestamp.isdigit() for request in requests)


def test_the_signature_is_that_of_rfc_5849() -> None:
    """Base string and key are spelt out, so that no library vouches for itself."""
    query = encode_query({"limit": 100, "offset": 1515, "filter": "role='aide' OR role='x'"})
    request = signed(f"{ORGS}?{query}")

    base_string = (
        "GET&https%3A%2F%2Ftest.com%2Fims%2Foneroster%2Fv1p1%2Forgs&"
        "filter%3Drole%253D%2527aide%2527%2520OR%2520role%253D%2527x%2527%26limit%3D100%26"
        f"oauth_consumer_key%3Dkey%26oauth_nonce%3D{request.nonce}%26oauth_signature_method%3DHMAC-SHA256%26"
        f"oauth_timestamp%3D{request.timestamp}%26oauth_version%3D1.0%26offset%3D1515"
    )
    digest = hmac.digest(b"secret&", base_string.encode(), "sha256")
    assert request.signature == base64.b64encode(digest).decode()
