"""Signatures hold for the exact URL that is sent."""

import base64
import hmac
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint

from roster_sync.domain.errors import ConfigurationError
from roster_sync.oneroster.auth import Bearer, Consumer, OAuth1, SignedRequest, Signer, encode_query

ORGS = "https://test.com/ims/oneroster/v1p1/orgs"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
HOSTILE = TEXT | st.sampled_from(["' ( ) * ! / +", "role='a' AND b=\"c\"", "%20%2F", "a&b=c", "ü 漢", "~-._"])


class Verifier(RequestValidator):
    """Knows one consumer, takes each nonce."""

    client_key_length = (1, 255)
    allowed_signature_methods = ("HMAC-SHA1", "HMAC-SHA256")
    nonce_length = (20, 64)
    dummy_client = "nobody"

    def __init__(self, consumer: Consumer) -> None:
        super().__init__()
        self._consumer = consumer

    def check_client_key(self, client_key: str) -> bool:
        return True

    def validate_client_key(self, client_key: str, request: object) -> bool:
        return client_key == self._consumer.key

    def get_client_secret(self, client_key: str, request: object) -> str:
        return self._consumer.secret

    def validate_timestamp_and_nonce(self, *values: object, **more: object) -> bool:
        return True


def is_genuine(request: SignedRequest, consumer: Consumer) -> bool:
    """What oauthlib's server side says of a request."""
    genuine, _ = SignatureOnlyEndpoint(Verifier(consumer)).validate_request(
        request.url, "GET", headers=dict(request.headers)
    )
    return bool(genuine)


def oauth_parameters(request: SignedRequest) -> dict[str, str]:
    pairs = (pair.split("=", 1) for pair in request.headers["Authorization"].removeprefix("OAuth ").split(", "))
    return {name: dict(parse_qsl(f"v={value[1:-1]}"))["v"] for name, value in pairs}


def test_a_query_is_encoded_as_signatures_want_it() -> None:
    assert encode_query({"filter": "a='x (y)*!/+~'", "limit": 5}) == "filter=a%3D%27x%20%28y%29%2A%21%2F%2B~%27&limit=5"


@pytest.mark.parametrize("in_query", [False, True], ids=["header", "query"])
@pytest.mark.parametrize("digest", ["sha256", "sha1"])
@settings(max_examples=50)
@given(
    parameters=st.lists(st.tuples(HOSTILE.filter(lambda name: not name.startswith("oauth_")), HOSTILE), max_size=4),
    key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    secret=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
)
def test_a_server_accepts_the_signature_whatever_the_parameters(
    digest: str, in_query: bool, parameters: list[tuple[str, str]], key: str, secret: str
) -> None:
    """Quotes, spaces, plus, percent, other alphabets, and names that come twice."""
    consumer = Consumer(key, secret)
    query = "&".join(encode_query({name: value}) for name, value in parameters)
    url = f"https://SIS.example.org:443/x%20y/users{'?' if query else ''}{query}"

    request = OAuth1(consumer, "sha256" if digest == "sha256" else "sha1", in_query=in_query).signed(url)

    assert is_genuine(request, consumer)
    assert not is_genuine(request, Consumer(key, f"{secret}x"))
    sent = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
    assert sent[: len(parameters)] == parameters
    # The host's case is all that the library changes; what is sent is what was signed.
    assert request.url.startswith(url.replace("SIS", "sis", 1))


def test_each_attempt_has_a_nonce_of_its_own() -> None:
    signer = OAuth1(Consumer("key", "secret"), "sha256")

    signed = [oauth_parameters(signer.signed(ORGS)) for _ in range(3)]

    assert len({parameters["oauth_nonce"] for parameters in signed}) == 3
    assert {parameters["oauth_signature_method"] for parameters in signed} == {"HMAC-SHA256"}
    assert all(parameters["oauth_timestamp"].isdigit() for parameters in signed)


def test_the_signature_is_that_of_rfc_5849() -> None:
    """Base string and key are spelt out, so that no library vouches for itself."""
    query = encode_query({"limit": 100, "offset": 1515, "filter": "role='aide' OR role='x'"})

    oauth = oauth_parameters(OAuth1(Consumer("key", "secret"), "sha256").signed(f"{ORGS}?{query}"))

    base_string = (
        "GET&https%3A%2F%2Ftest.com%2Fims%2Foneroster%2Fv1p1%2Forgs&"
        "filter%3Drole%253D%2527aide%2527%2520OR%2520role%253D%2527x%2527%26limit%3D100%26"
        f"oauth_consumer_key%3Dkey%26oauth_nonce%3D{oauth['oauth_nonce']}%26oauth_signature_method%3DHMAC-SHA256%26"
        f"oauth_timestamp%3D{oauth['oauth_timestamp']}%26oauth_version%3D1.0%26offset%3D1515"
    )
    digest = hmac.digest(b"secret&", base_string.encode(), "sha256")
    assert oauth["oauth_signature"] == base64.b64encode(digest).decode()


@pytest.mark.parametrize("pasted", ["eyJ.a.b", "Bearer eyJ.a.b", "bearer  eyJ.a.b "])
def test_a_token_may_be_pasted_with_its_word(pasted: str) -> None:
    request = Bearer(Consumer("key", pasted)).signed(ORGS)

    assert request.headers == {"Authorization": "Bearer eyJ.a.b"}


@pytest.mark.parametrize("pasted", ["two words", "ümlaut", "line\r\nbreak", "Bearer "])
def test_what_no_token_can_be_is_not_sent_as_one(pasted: str) -> None:
    with pytest.raises(ConfigurationError, match="Enter it again"):
        Bearer(Consumer("key", pasted))


def test_no_secret_is_in_a_repr() -> None:
    consumer = Consumer("key", "s3cret")
    signers: list[Signer] = [OAuth1(consumer, "sha1"), Bearer(consumer)]

    shown = repr([consumer, signers, [signer.signed(ORGS) for signer in signers]])

    assert "s3cret" not in shown
    assert "oauth_signature" not in shown
