"""Whatever an administrator pastes becomes one base URL, or a sentence that names it."""

import re
from urllib.parse import urlsplit

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from roster_sync.domain.errors import ConfigurationError
from roster_sync.oneroster.address import host_of, normalise_base_url, normalise_token_url
from roster_sync.oneroster.auth import Consumer, OAuth1

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
        "https://sis.example.org.",
        "https://sis.example.org/?tenant=1",
        "https://sis.example.org//ims//oneroster/./v1p1//",
        "https://sis.example.org/ims/oneroster/v1p1/orgs/O-1",
        "https//sis.example.org",
        "https;//sis.example.org",
        "https:sis.example.org",
        "https://https://sis.example.org",
        "http://https://sis.example.org",
        '"https://sis.example.org/ims/oneroster/v1p1"',
        "<https://sis.example.org/ims/oneroster/v1p1>,",
        "“https://sis.example.org/ims/oneroster/v1p1”.",
        "(https://sis.example.org/ims/oneroster/v1p1)",
        "\ufeffhttps://sis.exam\u200bple.org/ims/one\u00adroster/v1p1\u2060",
        "\u00a0https://sis.example.org\u3000",
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
        ("https://sis.example.org:80", "https://sis.example.org:80/ims/oneroster/v1p1"),
        ("https://[2001:DB8::1]:8443/x", "https://[2001:db8::1]:8443/x/ims/oneroster/v1p1"),
        ("https://schüle.example", "https://xn--schle-mva.example/ims/oneroster/v1p1"),
        ("https://sis.example.org/campus/api", "https://sis.example.org/campus/api/ims/oneroster/v1p1"),
        (
            "https://sis.example.org/api/oneroster/v1p1/App/ims/oneroster/v1p1/users?limit=1",
            "https://sis.example.org/api/oneroster/v1p1/App/ims/oneroster/v1p1",
        ),
        ("https://sis.example.org/OneRoster/v1p1", "https://sis.example.org/OneRoster/v1p1"),
        ("https://sis.example.org/OneRoster/V1P1/users?limit=1", "https://sis.example.org/OneRoster/v1p1"),
        ("https://sis.example.org/a%20b/%7Ec/%2f/50%", "https://sis.example.org/a%20b/~c/%2F/50%25/ims/oneroster/v1p1"),
    ],
)
def test_path_and_port_are_kept(entered: str, normalised: str) -> None:
    assert normalise_base_url(entered, False) == normalised


@pytest.mark.parametrize("entered", ["http://127.0.0.1:8000", "http://localhost/ims/oneroster/v1p1"])
def test_http_and_hosts_without_a_dot_are_taken_only_where_local_providers_are(entered: str) -> None:
    assert normalise_base_url(entered, True).startswith("http://")
    with pytest.raises(ConfigurationError):
        normalise_base_url(entered, False)


@pytest.mark.parametrize(
    ("entered", "why", "meant"),
    [
        ("http://sis.example.org/ims/oneroster/v1p1", "must begin with https://", BASE),
        ("http://sis.example.org:80", "must begin with https://", BASE),
        ("ftp://sis.example.org", "must begin with https://", BASE),
        ("htps://sis.example.org", "must begin with https://", BASE),
        ("https://sis.example.org /ims/oneroster/v1p1", "contains spaces", BASE),
        ("https://sis.example.org/ims/\noneroster/v1p1", "contains spaces", BASE),
        ("OneRoster URL: https://sis.example.org", "contains spaces", BASE),
        ("https:\\\\sis.example.org\\ims\\oneroster", r"contains \\ instead of /", BASE),
        (
            "https://sis.example.org\\@other.example",
            r"contains \\ ",
            "https://sis.example.org/@other.example" + BASE[23:],
        ),
        ("https://user:word@sis.example.org", "user name or password", BASE),
        ("https://user@sis.example.org", "user name or password", BASE),
        ("https://sis.example.org/ims/oneroster/v1p2", "OneRoster 1.2", BASE),
        ("https://sis.example.org/ims/oneroster/rostering/v1p2", "OneRoster 1.2", BASE),
        ("https://sis.example.org/ims/oneroster/rostering", "OneRoster 1.2", BASE),
        ("https://sis.example.org/IMS/OneRoster/Rostering/V1P2/users?limit=1", "OneRoster 1.2", BASE),
        ("https://sis.example.org/oneroster/v1p2/users", "OneRoster 1.2", BASE),
        ("https://sis.example.org/oneroster/rostering/v1p2", "OneRoster 1.2", BASE),
        ("https://sis.example.org/ims/oneroster/v1p0", "OneRoster 1.0", BASE),
        (
            "https://sis.example.org/campus/api/ims/oneroster/rostering/v1p2",
            "OneRoster 1.2",
            "https://sis.example.org/campus/api/ims/oneroster/v1p1",
        ),
    ],
)
def test_what_is_refused_names_the_url_that_was_probably_meant(entered: str, why: str, meant: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as caught:
        normalise_base_url(entered, False)

    assert suggestion(caught.value) == meant
    assert "word" not in str(caught.value).replace("password", "")


@pytest.mark.parametrize(
    ("entered", "sentence"),
    [
        ("", "empty"),
        (" \u200b<> ", "empty"),
        ("https://", "no valid host"),
        ("consumer-key-123", "no valid host"),
        ("https://sis.example.org:99999", "no valid host"),
        ("https://sis..example.org", "no valid host"),
        ("https://sis%2eexample.org", "no valid host"),
        ("https://[::1", "no valid host"),
        ("https://straße.example", "no valid host"),
        ("https://sis.example.org/a/../b", "contains /../"),
        ("https://sis.example.org/a/%2E%2e/b", "contains /../"),
    ],
)
def test_what_can_be_no_base_url_is_refused_with_an_example(entered: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        normalise_base_url(entered, False)

    assert suggestion(caught.value) is None


def suggestion(error: ConfigurationError) -> str | None:
    found = re.search(r" Enter (https?://\S+)", str(error))
    return found[1] if found else None


def outcome(text: str, allow_local: bool) -> str | None:
    """The base URL that is taken or suggested."""
    try:
        return normalise_base_url(text, allow_local)
    except ConfigurationError as error:
        return suggestion(error)


PIECES = st.sampled_from(
    [
        *(
            "https:",
            "http:",
            "https",
            "//",
            "/",
            "\\",
            "sis.example.org",
            "b.example",
            ":8443",
            ":80",
            "@",
            "?",
            "#",
            " ",
        ),
        *("ims", "oneroster", "rostering", "v1p1", "v1p2", "users", "limit=5", "..", "%2e", "%2F", "%", "[::1]"),
        *("\u200b", "ü", "。", "'", '"', "<", "."),
    ]
)
PASTED = st.lists(PIECES, max_size=12).map("".join) | st.text()


@given(PASTED, st.booleans())
def test_a_base_url_that_is_taken_or_suggested_is_taken_as_it_is(text: str, allow_local: bool) -> None:
    url = outcome(text, allow_local)

    if url:
        assert normalise_base_url(url, allow_local) == url


@given(PASTED, st.booleans())
def test_a_base_url_is_sent_as_it_is_signed(text: str, allow_local: bool) -> None:
    """A signature covers the exact spelling, and HTTP libraries respell some."""
    url = outcome(text, allow_local)

    if url:
        assert OAuth1(Consumer("key", "secret"), "sha256").signed(url).url == url == urllib3.util.parse_url(url).url


@given(PASTED)
def test_the_host_is_never_another_than_the_one_pasted(text: str) -> None:
    """By a reading of its own: between the scheme and the path, as browsers read it, what is behind an @."""
    url = outcome(text, False)

    if url:
        visible = re.sub(r"[\u200b\u00ad]", "", text).strip(" '\"<.")
        words = visible.split() or [""]
        word = next((word for word in words if "://" in word), words[0])
        beginning = re.match(r"(?:https?(?:[:;][/\\]*|[/\\]{2,})|[a-z][a-z0-9+.-]*://)*", word, re.IGNORECASE)
        assert beginning
        authority = re.split(r"[/\\?#]", word[beginning.end() :].lstrip("/\\"))[0]
        host = urlsplit(f"//{authority.rpartition('@')[2]}").hostname or ""
        assert (urlsplit(url).hostname or "").removesuffix(".") == host.removesuffix(".").encode("idna").decode()


@given(
    host=st.from_regex(r"[a-z][a-z0-9]{0,8}\.(example|test)", fullmatch=True),
    port=st.none() | st.integers(1, 65535),
    path=st.lists(st.from_regex(r"[A-Za-z0-9~_-]{1,8}", fullmatch=True), max_size=3),
    before=st.sampled_from(["", " ", "<", '"', "\u200b", "//"]),
    scheme=st.sampled_from(["", "https://", "HTTPS://", "https//", "https:/"]),
    after=st.sampled_from(["", "/", "/ims", "/ims/oneroster", "/ims/oneroster/v1p1/users?limit=5&offset=0", "/IMS#x"]),
    end=st.sampled_from(["", " ", ">", '"', "\n", "\u200b", "."]),
)
def test_host_port_and_path_survive_however_they_are_pasted(
    host: str, port: int | None, path: list[str], before: str, scheme: str, after: str, end: str
) -> None:
    path = [segment for segment in path if segment.lower() != "ims" and not segment.lower().startswith("v")]
    authority = host if port in (None, 443) else f"{host}:{port}"
    pasted = f"{before if before != '//' or not scheme else ''}{scheme}{authority}{''.join(f'/{s}' for s in path)}"

    url = normalise_base_url(f"{pasted}{after}{end}", False)

    assert url == f"https://{authority}{''.join(f'/{segment}' for segment in path)}/ims/oneroster/v1p1"


def test_the_host_of_a_url_includes_its_port() -> None:
    assert host_of("https://sis.example.org:8443/ims/oneroster/v1p1") == "sis.example.org:8443"


class TestTokenUrl:
    @pytest.mark.parametrize(
        ("entered", "normal"),
        [
            ("https://sis.example.org/token", "https://sis.example.org/token"),
            (" <HTTPS://SIS.Example.org:443/Token> ", "https://sis.example.org/Token"),
            ("sis.example.org:8443/oauth/token/", "https://sis.example.org:8443/oauth/token/"),
            (
                "https://x.infinitecampus.org/campus/oauth2/token?appName=north#top",
                "https://x.infinitecampus.org/campus/oauth2/token?appName=north",
            ),
            ("https://sis.example.org", "https://sis.example.org/"),
        ],
    )
    def test_path_and_query_are_the_providers(self, entered: str, normal: str) -> None:
        assert normalise_token_url(entered, False) == normal

    @pytest.mark.parametrize(
        "entered",
        [
            *("", " ", "http://sis.example.org/token", "ftp://sis.example.org/token", "https:///token"),
            *(
                "https://a b.example.org/token",
                "https://key:secret@sis.example.org/token",
                "https://sis.example.org/a b",
            ),
            "https://sis.example.org/token.?",
            *("https://sis.example.org\\@evil.example.com", "https://localhost/token", "https://sis.example.org:x/"),
        ],
    )
    def test_what_cannot_be_one_is_refused_with_a_remedy(self, entered: str) -> None:
        with pytest.raises(ConfigurationError, match=r"Enter it "):
            normalise_token_url(entered, False)

    @given(PASTED, st.booleans())
    def test_one_that_is_taken_is_taken_as_it_is(self, text: str, allow_local: bool) -> None:
        try:
            url = normalise_token_url(text, allow_local)
        except ConfigurationError:
            return

        assert normalise_token_url(url, allow_local) == url
        assert urlsplit(url).scheme in (("https", "http") if allow_local else ("https",))
        assert "@" not in urlsplit(url).netloc
