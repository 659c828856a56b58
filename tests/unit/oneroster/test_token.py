"""Token URLs are looked for where providers have them, and on no other host than the base URL's."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_sync.domain.errors import ConfigurationError
from roster_sync.oneroster.address import normalise_base_url
from roster_sync.oneroster.token import discovered, token_urls
from roster_sync.security.egress import Answer, HostUnreachableError

HOSTS = st.sampled_from(["https://sis.example.org", "https://sis.example.org:8443", "http://127.0.0.1:8000"])
PATHS = st.lists(st.sampled_from(["/campus", "/api", "/..", "//evil.example.com", "/@evil.example.com", "/v1p1"]))


@pytest.mark.parametrize(
    ("base_url", "token_url"),
    [
        ("https://sis.example.org/ims/oneroster/v1p1", "https://sis.example.org/token"),
        ("https://sis.example.org/ims/oneroster/v1p1", "https://sis.example.org/oauth/token"),
        ("https://sis.example.org/ims/oneroster/v1p1", "https://sis.example.org/oauth2/token"),
        ("https://sis.example.org/ims/oneroster/v1p1", "https://sis.example.org/ims/oneroster/v1p1/token"),
        ("https://x.aeries.net/aeries/ims/oneroster/v1p1", "https://x.aeries.net/aeries/token"),
        ("https://x.aeries.net/aeries/ims/oneroster/v1p1", "https://x.aeries.net/token"),
        ("https://sis.example.org/api/v1p1", "https://sis.example.org/api/token"),
        (
            "https://x.infinitecampus.org/campus/api/oneroster/v1p1/north/ims/oneroster/v1p1",
            "https://x.infinitecampus.org/campus/oauth2/token?appName=north",
        ),
    ],
)
def test_the_known_conventions_are_among_them(base_url: str, token_url: str) -> None:
    assert token_url in token_urls(base_url)


@given(HOSTS, PATHS)
def test_none_is_on_another_host(host: str, path: list[str]) -> None:
    try:
        base_url = normalise_base_url(f"{host}{''.join(path)}", True)
    except ConfigurationError:
        return

    found = {(urlsplit(url).scheme, urlsplit(url).netloc) for url in token_urls(base_url)}

    assert found == {(urlsplit(base_url).scheme, urlsplit(base_url).netloc)}


def test_a_path_that_does_not_answer_is_none_and_the_next_one_is_asked() -> None:
    def post(url: str, *_: object) -> Answer:
        if url.endswith("/oauth/token"):
            return Answer(401, {}, b'{"error": "invalid_client"}')
        raise HostUnreachableError(url)

    assert discovered(post, "https://sis.example.org/ims/oneroster/v1p1") == "https://sis.example.org/oauth/token"
