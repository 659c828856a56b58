"""Each bad answer becomes the error of whoever must act, in a sentence of cause and one of remedy."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_sync.domain.errors import ConfigurationError, TransientError
from roster_sync.oneroster.errors import (
    ClockSkewError,
    FirewallError,
    ForbiddenError,
    GatewayError,
    NotFoundAtProviderError,
    NotJsonError,
    ProviderBrokenError,
    RedirectedError,
    RequestRefusedError,
    SignInRefusedError,
    ThrottledError,
    UnexpectedAnswerError,
    clock_skew,
    error_of_answer,
)
from roster_sync.security.egress import Answer

BASE = "https://sis.example.org/db/ims/oneroster/v1p1"
NOW = datetime(2026, 11, 24, 9, 0, 0, tzinfo=UTC)


def error(
    status: int = 200,
    body: bytes = b"{}",
    headers: Mapping[str, str] | None = None,
    *,
    endpoint: str = "users",
    retry_after_s: float | None = None,
) -> ConfigurationError | TransientError:
    return error_of_answer(
        Answer(status, headers or {}, body), base_url=BASE, endpoint=endpoint, now=NOW, retry_after_s=retry_after_s
    )


def redirect(location: str) -> str:
    redirected = error(302, headers={"Location": location})
    assert type(redirected) is RedirectedError
    return str(redirected)


@given(
    status=st.integers(100, 599),
    body=st.binary(max_size=50)
    | st.sampled_from([b"{}", b"[]", b"null", b'"Not licensed. Ask."', b"<html>No. Ask.</html>"]),
    endpoint=st.sampled_from(["users", "schools/S 1/students"]),
    headers=st.dictionaries(st.sampled_from(["Location", "Date", "Content-Encoding"]), st.text(max_size=20)),
    retry_after_s=st.none() | st.floats(0, allow_nan=False),
)
def test_every_answer_ends_in_one_sentence_of_remedy(
    status: int, body: bytes, endpoint: str, headers: dict[str, str], retry_after_s: float | None
) -> None:
    """The probe takes the last sentence for the remedy."""
    text = str(error(status, body, headers, endpoint=endpoint, retry_after_s=retry_after_s))

    assert re.fullmatch(r"(Ask|Check|Enter|Try|Tell) .+\.", text.rpartition(". ")[2])
    assert len(text) < 1000


@pytest.mark.parametrize("status", [429, 500, 502, 503])
@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "1 second"),
        (90, "90 seconds"),
        (300, "5 minutes"),
        (301, "6 minutes"),
        (7201, "3 hours"),
        (86_400 * 3, "3 days"),
        (float("9" * 400), "for years"),
    ],
)
def test_how_long_the_provider_asks_to_wait_is_told(status: int, seconds: float, words: str) -> None:
    text = str(error(status, retry_after_s=seconds))

    assert f"({status}) and asks us to wait {words}. Try again after that (the next sync does)" in text


class TestRedirects:
    def test_the_base_url_that_spares_a_redirect_is_named(self) -> None:
        assert "Enter https://new.example.org/x/ims/oneroster/v1p1 as base URL" in redirect(
            "https://new.example.org/x/ims/oneroster/v1p1/users?limit=5"
        )

    def test_a_path_that_was_moved_on_the_same_host_is_named(self) -> None:
        assert "Enter https://sis.example.org/db2/ims/oneroster/v1p1 as" in redirect("/db2/ims/oneroster/v1p1/users/")

    @pytest.mark.parametrize("location", [f"{BASE}/users/", "users/?limit=5", f"{BASE}/Users", f"{BASE}/users"])
    def test_of_a_redirect_that_no_base_url_spares_the_provider_is_told(self, location: str) -> None:
        told = redirect(location)

        assert f"Ask the provider to answer at {BASE}/users itself." in told

    def test_a_redirect_out_of_encryption_is_told(self) -> None:
        assert "without encryption. Ask the provider to answer over https." in redirect(
            "http://sis.example.org/db/ims/oneroster/v1p1/users"
        )

    def test_a_redirect_to_a_sign_in_page_is_named_without_query_and_user(self) -> None:
        told = redirect("https://me:word@login.example.org/signin?token=t#f")

        assert "to login.example.org/signin. Enter the base URL that the provider gives for OneRoster" in told
        assert not any(private in told for private in ("token", "word", "me:"))

    @pytest.mark.parametrize(
        "location", ["", "https://[", "https://sis.example.org:x/ims/oneroster/v1p1", "ftp:", "//"]
    )
    def test_a_redirect_to_nowhere_is_told(self, location: str) -> None:
        assert "redirects /users to " in redirect(location)


class TestSignatures:
    @pytest.mark.parametrize(
        ("minutes", "differs"),
        [(6, "6 minutes ahead of"), (-90, "90 minutes behind"), (300, "5 hours ahead of"), (-1500, "25 hours behind")],
    )
    def test_a_refused_signature_is_blamed_on_a_clock_that_differs(self, minutes: int, differs: str) -> None:
        date = {"Date": format_datetime(NOW + timedelta(minutes=minutes), usegmt=True)}

        refused = error(401, headers=date)

        assert type(refused) is ClockSkewError
        assert f"its clock is {differs} ours" in str(refused)
        assert str(refused).endswith("Ask the provider to set its server's clock.")

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Date": "yesterday"},
            {"Date": format_datetime(NOW - timedelta(minutes=4))},
            {"Date": "Tue, 99 Nov 2026"},
        ],
    )
    def test_a_refused_signature_is_else_blamed_on_key_and_secret(self, headers: dict[str, str]) -> None:
        refused = error(401, b"", headers)

        assert type(refused) is SignInRefusedError
        assert "Enter the consumer key and the consumer secret again" in str(refused)

    def test_a_clock_without_zone_is_taken_as_utc(self) -> None:
        assert clock_skew({"Date": "Tue, 24 Nov 2026 09:00:30"}, NOW) == timedelta(seconds=30)


class TestStatus:
    @pytest.mark.parametrize(
        ("code", "kind"),
        [
            ("invalid_filter_field", RequestRefusedError),
            ("unauthorised", SignInRefusedError),
            ("Forbidden", ForbiddenError),
            ("unknownobject", NotFoundAtProviderError),
            ("server_busy", ThrottledError),
            ("internal_server_error", ProviderBrokenError),
            ("no_such_code", UnexpectedAnswerError),
        ],
    )
    @pytest.mark.parametrize(
        "frame", ['{"imsx_CodeMinor": "%s"}', '{"imsx_StatusInfo": {"imsx_CodeMinor": "%s"}}'], ids=["flat", "nested"]
    )
    def test_a_failure_told_with_status_200_is_the_one_of_its_code(self, code: str, kind: type, frame: str) -> None:
        told = error(200, (frame % code).encode())

        assert type(told) is kind
        assert code in str(told)

    @pytest.mark.parametrize("status", [404, 405, 410, 501])
    def test_what_is_not_there_is_told_alike(self, status: int) -> None:
        assert type(error(status)) is NotFoundAtProviderError

    def test_at_a_wrong_path_the_path_is_to_be_checked(self) -> None:
        assert "Check the path of the base URL, /db/ims/oneroster/v1p1," in str(error(404, b"<html>Not found</html>"))

    def test_of_a_missing_endpoint_the_provider_is_to_be_asked(self) -> None:
        told = str(error(404, b'{"imsx_CodeMinor": "unknownobject"}', endpoint="teachers"))

        assert "Ask the provider to offer /teachers to this consumer key." in told

    def test_of_an_unknown_school_the_id_is_to_be_checked(self) -> None:
        assert "Check the OneRoster ID in it" in str(error(404, endpoint="schools/S 1/students"))

    @pytest.mark.parametrize(
        ("status", "kind", "remedy"),
        [
            (502, GatewayError, "smaller page size"),
            (504, GatewayError, "smaller page size"),
            (524, GatewayError, "smaller page size"),
            (500, ProviderBrokenError, "tell"),
        ],
    )
    def test_of_a_page_that_takes_too_long_a_smaller_one_is_advised(
        self, status: int, kind: type[ProviderBrokenError], remedy: str
    ) -> None:
        broken = error(status)

        assert type(broken) is kind
        assert remedy in str(broken)


class TestWords:
    @pytest.mark.parametrize(
        ("body", "words"),
        [
            (b'{"imsx_description": "No", "imsx_CodeMinor": "forbidden"}', "No, forbidden"),
            (b'{"IMSX_Description": "No", "imsx_codeMinor": "forbidden"}', "No, forbidden"),
            (b'{"imsx_StatusInfo": {"imsx_description": "No"}}', "No"),
            (b'{"errors": [{"message": "No"}]}', "No"),
            (b'{"statusInfoSet": [{"imsx_description": "Ok"}, {"imsx_codeMajor": "failure", "message": "No"}]}', "No"),
            (b'{"errors": ["text", {"message": "No"}]}', "No"),
            (b'{"error": {"message": "No"}}', "No"),
            (b'{"error": "invalid", "error_description": "No"}', "No"),
            (b'{"error": "invalid"}', "invalid"),
            (b'{"Message": "No"}', "No"),
            (b'{"title": "Bad", "detail": "No"}', "No"),
            (b'"No"', "No"),
            (rb'{"message": "\u202eN\u0007o \n\t \"way\""}', "No 'way'"),
            (b'\xef\xbb\xbf{"message": "No"}', "No"),
            ('{"message": "N\u00f3"}'.encode("latin-1"), "N\u00f3"),
            (b"<s:imsx_StatusInfo><s:imsx_description>No</s:imsx_description></s:imsx_StatusInfo>", "No"),
        ],
    )
    def test_the_provider_s_words_are_found_where_it_puts_them(self, body: bytes, words: str) -> None:
        assert f'It says: "{words}".' in str(error(403, body))

    @pytest.mark.parametrize("body", [b"[]", b"null", b"5", b'{"error": 5}', b'{"message": " "}', b"<html>", b""])
    def test_no_words_are_none(self, body: bytes) -> None:
        assert "It says" not in str(error(403, body))


class TestPages:
    @pytest.mark.parametrize(
        ("body", "what"),
        [
            (
                b"<!DOCTYPE html><title>Springfield\n Portal</title>",
                'a web page, titled "Springfield Portal", instead of',
            ),
            (b"<HTML><body><form><input name=p type='password'>", "a sign-in page instead of JSON"),
            (b'<html><form><input type="hidden" name="SAMLRequest">', "a sign-in page instead of JSON"),
            (b"<?xml version='1.0'?><users/>", "XML instead of JSON"),
            (b"", "nothing at all"),
            (b" \n", "nothing at all"),
            (b"OK", "other text instead of JSON"),
        ],
    )
    def test_what_came_instead_of_json_is_named(self, body: bytes, what: str) -> None:
        told = error(200, body)

        assert type(told) is NotJsonError
        assert what in str(told)

    def test_an_encoding_that_was_not_asked_for_is_named(self) -> None:
        told = str(error(200, b"\x0b\x02\x80", {"Content-Encoding": "gzip, br"}))

        assert "data compressed as br, which was not asked for. Ask the provider to honour" in told

    @pytest.mark.parametrize(
        ("body", "name"),
        [
            (b"<html><title>Just a moment...</title>", "Cloudflare"),
            (b"<html><title>Attention Required! | Cloudflare</title>", "Cloudflare"),
            (b"<html>Request unsuccessful. Incapsula incident ID: 1-2", "Imperva"),
            (b"<HTML>Access Denied https://errors.edgesuite.net/18.1", "Akamai"),
            (b"<html>The requested URL was rejected. Please consult with your administrator.", "F5"),
            (b"<HTML>Request blocked. Generated by cloudfront (CloudFront)", "CloudFront"),
            (b"<html><center>Microsoft-Azure-Application-Gateway/v2</center>", "Azure"),
        ],
    )
    @pytest.mark.parametrize("status", [200, 403])
    def test_a_firewall_s_page_is_told_from_the_provider_s(self, body: bytes, name: str, status: int) -> None:
        told = error(status, body)

        assert type(told) is FirewallError
        assert f"({name})" in str(told)
        assert "requests to /db/ims/oneroster/v1p1 through" in str(told)

    def test_a_web_site_behind_a_firewall_is_a_web_site(self) -> None:
        """Their scripts are in every page that goes through them."""
        assert type(error(200, b'<html><script src="/cdn-cgi/scripts/x.js"></script>')) is NotJsonError

    def test_a_server_that_fails_behind_a_firewall_may_be_tried_again(self) -> None:
        assert type(error(522, b"<html><div id='cf-error-details'>")) is ProviderBrokenError
