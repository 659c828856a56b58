"""Whatever an administrator enters becomes one base URL, or a sentence."""

import pytest

from roster_sync.domain.errors import ConfigurationError
from roster_sync.oneroster.address import host_of, normalise_base_url

BASE = "https://sis.example.org/ims/oneroster/v1p1"


@pytest.mark.parametrize(
    "entered",
    [
        "https://sis.example.org",
        "https://sis.example.org/",
        "https://sis.example.org/ims",
        "https://sis.example.org/ims/oneroster",
        "https://sis.example.org/ims/oneroster/v1p1",
        "https://sis.example.org/ims/oneroster/v1p1/",
        "https://sis.example.org/IMS/OneRoster/V1P1",
        "https://sis.example.org/ims/oneroster/v1p1/users?limit=5",
        "https://sis.example.org/ims/oneroster/v1p1/schools/1/students#top",
        "  https://sis.example.org \n",
        "sis.example.org",
        "sis.example.org/ims/oneroster/v1p1",
        "HTTPS://SIS.Example.ORG",
        "https:/sis.example.org",
        "//sis.example.org",
        "https://sis.example.org:443",
    ],
)
def test_every_spelling_gives_the_same_base_url(entered: str) -> None:
    assert normalise_base_url(entered, False) == BASE


@pytest.mark.parametrize(
    ("entered", "normalised"),
    [
        ("https://sis.example.org/plus360api/v1/db", "https://sis.example.org/plus360api/v1/db/ims/oneroster/v1p1"),
        ("https://sis.example.org/Schools/users", "https://sis.example.org/Schools/users/ims/oneroster/v1p1"),
        ("sis.example.org:8443", "https://sis.example.org:8443/ims/oneroster/v1p1"),
        ("https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443/x/ims/oneroster/v1p1"),
        ("https://schüle.example", "https://xn--schle-mva.example/ims/oneroster/v1p1"),
    ],
)
def test_path_and_port_are_kept(entered: str, normalised: str) -> None:
    assert normalise_base_url(entered, False) == normalised


@pytest.mark.parametrize("entered", ["http://127.0.0.1:8000", "http://localhost/ims/oneroster/v1p1"])
def test_http_is_taken_only_where_local_providers_are(entered: str) -> None:
    assert normalise_base_url(entered, True).startswith("http://")
    with pytest.raises(ConfigurationError, match="must begin with https://"):
        normalise_base_url(entered, False)


@pytest.mark.parametrize(
    ("entered", "sentence"),
    [
        ("", "empty"),
        ("https://", "empty"),
        ("https://sis.example.org/a b", "contains spaces"),
        ("https://sis.example.org\\@other.example", "contains spaces"),
        ("ftp://sis.example.org", "must begin with https://"),
        ("https://sis.example.org:99999", "no valid host"),
        ("https://sis..example.org", "no valid host"),
        ("https://[::1", "no valid host"),
        ("https://user:word@sis.example.org", "user name or password"),
        ("https://user@sis.example.org", "user name or password"),
        ("https://sis.example.org/ims/oneroster/v1p2", "OneRoster 1.2"),
        ("https://sis.example.org/ims/oneroster/rostering/v1p2", "OneRoster 1.2"),
        ("https://sis.example.org/ims/oneroster/v1p0", "OneRoster 1.0"),
    ],
)
def test_what_cannot_be_a_base_url_is_refused_with_a_reason(entered: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        normalise_base_url(entered, False)


def test_normalising_twice_changes_nothing() -> None:
    once = normalise_base_url("sis.example.org/a%20b/c'd", False)

    assert normalise_base_url(once, False) == once


def test_the_host_of_a_url_includes_its_port() -> None:
    assert host_of("https://sis.example.org:8443/ims/oneroster/v1p1") == "sis.example.org:8443"
