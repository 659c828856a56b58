"""The settings' routes."""

from typing import Any, ClassVar

import pytest

from roster_sync.domain.errors import TooManyTestsError
from roster_sync.domain.run import RunState
from tests.support.builders import DISTRICT, NOW
from tests.unit.api.conftest import Client

COMPLETE: dict[str, Any] = {
    "base_url": "https://SIS.example.org/",
    "consumer_key": "key",
    "consumer_secret": "s3cret",
    "products": ["serve"],
}
STORED_SECRET = f"{DISTRICT}:terc3s".encode()


def stored_secret(client: Client) -> bytes | None:
    settings = client.districts.settings(DISTRICT)
    assert settings
    return settings.consumer_secret


def test_a_district_without_settings_gets_the_defaults_and_the_reason(client: Client) -> None:
    answer = client.send("GET", "/settings")

    assert answer.status == 200
    assert answer.json == {
        "district_id": DISTRICT,
        "base_url": None,
        "consumer_key": None,
        "consumer_secret_set": False,
        "token_url": None,
        "sign_in": None,
        "products": [],
        "offered_products": ["jobs", "journey", "serve"],
        "counselor_metadata_key": None,
        "role_metadata_key": None,
        "roles": {},
        "metadata_keys": [],
        "deactivation_percent": 10,
        "deactivation_minimum": 20,
        "change_percent": 30,
        "change_minimum": 20,
        "limits_lifted_until": None,
        "sync_time": "04:00",
        "timezone": "America/New_York",
        "next_night": None,
        "pause_from": None,
        "pause_until": None,
        "school_year_from": None,
        "school_year_until": None,
        "deactivate_outside_school_year": False,
        "parallel_requests": 5,
        "page_size": 1000,
        "delta_nights": False,
        "full_fetch_days": 7,
        "first_run_preview": False,
        "previewed_at": None,
        "credentials_expire_on": None,
        "version": 0,
        "updated_at": None,
        "why_not_run": "The OneRoster settings are empty. Enter base URL, consumer key and consumer secret.",
        "notices": [],
    }


def test_the_secret_goes_in_encrypted_and_never_comes_out(client: Client) -> None:
    put = client.send("PUT", "/settings", body=COMPLETE)
    got = client.send("GET", "/settings")

    assert stored_secret(client) == STORED_SECRET
    for answer in (put, got):
        assert answer.json["consumer_secret_set"] is True
        assert "s3cret" not in str(answer.json)
        assert "terc3s" not in str(answer.json)


def test_what_is_saved_is_what_comes_back(client: Client) -> None:
    body = {
        **COMPLETE,
        "products": ["serve", "jobs"],
        "counselor_metadata_key": " counselorEmail ",
        "role_metadata_key": "staffRole",
        "roles": {"Aide": "sponsor"},
        "metadata_keys": ["homeroom"],
        "deactivation_percent": 15,
        "deactivation_minimum": 0,
        "change_percent": 40,
        "change_minimum": 0,
        "limits_lifted_until": "2026-11-25T09:00:00Z",
        "pause_from": "2027-06-20",
        "pause_until": "2027-08-10",
        "school_year_from": "2026-08-24",
        "school_year_until": "2027-06-12",
        "deactivate_outside_school_year": True,
        "parallel_requests": 2,
        "page_size": 5000,
        "delta_nights": True,
        "full_fetch_days": 14,
        "first_run_preview": True,
        "credentials_expire_on": "2027-10-01",
    }

    answer = client.send("PUT", "/settings", body=body)

    del body["consumer_secret"]
    expected = {
        **body,
        "base_url": "https://sis.example.org",
        "products": ["jobs", "serve"],
        "roles": {"aide": "sponsor"},
        "counselor_metadata_key": "counselorEmail",
        "version": 1,
        "updated_at": "2026-11-24T09:00:00Z",
    }
    assert answer.status == 200
    assert {name: answer.json[name] for name in expected} == expected


@pytest.mark.parametrize("secret", [{}, {"consumer_secret": None}, {"consumer_secret": " "}])
def test_a_put_without_the_secret_keeps_it(client: Client, secret: dict[str, Any]) -> None:
    client.send("PUT", "/settings", body=COMPLETE)

    answer = client.send("PUT", "/settings", body={**COMPLETE, "consumer_secret": None, **secret, "page_size": 500})

    assert answer.status == 200
    assert stored_secret(client) == STORED_SECRET


def test_credentials_that_end_within_30_days_are_reminded_of(client: Client) -> None:
    answer = client.send("PUT", "/settings", body={**COMPLETE, "credentials_expire_on": "2026-12-24"})

    assert answer.json["notices"] == [
        "The consumer key expires in 30 days, on 24 December 2026. Ask the provider for a new one and enter it."
    ]


def test_another_host_needs_its_secret(client: Client) -> None:
    client.send("PUT", "/settings", body=COMPLETE)
    other_host = {"base_url": "https://evil.example.com", "consumer_key": "key"}

    refused = client.send("PUT", "/settings", body=other_host)
    accepted = client.send("PUT", "/settings", body={**other_host, "consumer_secret": "theirs"})

    assert (refused.status, refused.json["detail"]) == (
        422,
        "The base URL names another host. Enter the consumer secret of that host too.",
    )
    assert accepted.status == 200


def test_a_preview_counts_for_the_host_it_was_made_of(client: Client) -> None:
    client.send("PUT", "/settings", body={**COMPLETE, "first_run_preview": True})
    client.districts.save_previewed(DISTRICT, NOW, 1)

    same = client.send("PUT", "/settings", body={**COMPLETE, "first_run_preview": True, "page_size": 7})
    other = client.send(
        "PUT", "/settings", body={**COMPLETE, "first_run_preview": True, "base_url": "https://new.example.org"}
    )

    assert same.json["previewed_at"] == "2026-11-24T09:00:00Z"
    assert other.json["previewed_at"] is None


def test_another_host_needs_its_secret_even_after_the_base_url_was_emptied(client: Client) -> None:
    client.send("PUT", "/settings", body=COMPLETE)
    client.send("PUT", "/settings", body={"base_url": None})

    answer = client.send("PUT", "/settings", body={"base_url": "https://evil.example.com"})

    assert answer.status == 422


def test_another_path_of_the_same_host_keeps_the_secret(client: Client) -> None:
    client.send("PUT", "/settings", body=COMPLETE)

    answer = client.send("PUT", "/settings", body={"base_url": "https://sis.example.org/ims/oneroster/v1p1"})

    assert (answer.status, stored_secret(client)) == (200, STORED_SECRET)


def test_limits_are_lifted_for_seven_days_at_most(client: Client) -> None:
    late = client.send("PUT", "/settings", body={**COMPLETE, "limits_lifted_until": "2026-12-01T09:00:01Z"})
    put = client.send("PUT", "/settings", body={**COMPLETE, "limits_lifted_until": "2026-12-01T04:00:00-05:00"})

    assert (late.status, late.json["detail"]) == (
        422,
        "The limits can be lifted for seven days at most. Enter an earlier time.",
    )
    assert (put.status, put.json["limits_lifted_until"]) == (200, "2026-12-01T09:00:00Z")
    assert put.json["notices"] == [
        "The limits are lifted until 2026-12-01 09:00 UTC: until then a sync may change any number of users."
    ]


def test_a_lift_of_the_past_is_no_notice_and_ends_with_a_put_that_leaves_it_out(client: Client) -> None:
    past = client.send("PUT", "/settings", body={**COMPLETE, "limits_lifted_until": "2026-11-24T09:00:00Z"})
    left_out = client.send("PUT", "/settings", body=COMPLETE)

    assert (past.status, past.json["notices"]) == (200, [])
    assert left_out.json["limits_lifted_until"] is None


@pytest.mark.parametrize("what", ["pause", "school_year"])
@pytest.mark.parametrize(("first", "last"), [("2027-06-20", None), (None, "2027-06-20"), ("2027-06-20", "2027-06-19")])
def test_a_pause_and_a_school_year_have_both_days_in_order(
    client: Client, what: str, first: str | None, last: str | None
) -> None:
    answer = client.send("PUT", "/settings", body={**COMPLETE, f"{what}_from": first, f"{what}_until": last})

    assert (answer.status, answer.json["detail"]) == (
        422,
        f"A {what.replace('_', ' ')} has a first and a last day, in this order. Enter both, or neither.",
    )


def test_a_product_that_is_not_offered_is_refused(client: Client) -> None:
    answer = client.send("PUT", "/settings", body={**COMPLETE, "products": ["serve", "yoga"]})

    assert (answer.status, answer.json["detail"]) == (
        422,
        "There is no product yoga. Choose from jobs, journey, serve.",
    )
    assert client.districts.settings(DISTRICT) is None


def test_a_base_url_that_may_not_be_called_is_refused(client: Client) -> None:
    answer = client.send("PUT", "/settings", body={**COMPLETE, "base_url": "ftp://sis.example.org"})

    assert (answer.status, answer.json["detail"]) == (422, "The base URL must begin with https://.")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("deactivation_percent", 0),
        ("deactivation_percent", 101),
        ("deactivation_minimum", -1),
        ("change_percent", 0),
        ("change_minimum", -1),
        ("limits_lifted_until", "tonight"),
        ("limits_lifted_until", "2026-11-25T09:00:00"),
        ("pause_from", "summer"),
        ("deactivate_outside_school_year", "no"),
        ("parallel_requests", 0),
        ("parallel_requests", 21),
        ("page_size", 0),
        ("page_size", 10_001),
        ("delta_nights", "yes"),
        ("first_run_preview", "yes"),
        ("full_fetch_days", 0),
        ("full_fetch_days", 32),
        ("credentials_expire_on", "in autumn"),
        ("roles", {"aide": "janitor"}),
        ("metadata_keys", [" "]),
        ("consumer_secret", "s" * 1001),
    ],
)
def test_a_value_out_of_bounds_is_refused(client: Client, name: str, value: object) -> None:
    answer = client.send("PUT", "/settings", body={**COMPLETE, name: value})

    assert answer.status == 422
    assert answer.json["errors"][0]["pointer"].startswith(f"#/{name}")


def test_two_administrators_who_save_at_once_collide(client: Client) -> None:
    client.send("PUT", "/settings", body=COMPLETE)
    seen = client.send("GET", "/settings").json["version"]

    first = client.send("PUT", "/settings", body={**COMPLETE, "page_size": 100, "version": seen})
    second = client.send("PUT", "/settings", body={**COMPLETE, "page_size": 200, "version": seen})

    assert (first.status, second.status) == (200, 409)
    assert second.json["detail"] == "The settings were changed meanwhile. Load them again."
    assert client.send("GET", "/settings").json["page_size"] == 100


def test_an_etag_of_settings_that_are_stored_no_more_fails_the_precondition(client: Client) -> None:
    seen = client.send("GET", "/settings").headers["ETag"]

    first = client.send("PUT", "/settings", body=COMPLETE, headers={"If-Match": seen})
    second = client.send("PUT", "/settings", body={**COMPLETE, "page_size": 200}, headers={"If-Match": seen})

    assert (seen, first.status, first.headers["ETag"]) == ('"0"', 200, '"1"')
    assert (second.status, second.json["detail"]) == (412, "The settings were changed meanwhile. Load them again.")
    assert client.send("GET", "/settings").json["page_size"] == 1000


def test_the_etag_that_a_put_answers_is_good_for_the_next(client: Client) -> None:
    saved = client.send("PUT", "/settings", body=COMPLETE)

    again = client.send("PUT", "/settings", body=COMPLETE, headers={"If-Match": saved.headers["ETag"]})

    assert again.status == 200


@pytest.mark.parametrize("condition", ["3", "abc", '"1", "2"', '""', '"٣"', "9" * 20])
def test_a_condition_that_names_no_stored_version_stores_nothing(client: Client, condition: str) -> None:
    answer = client.send("PUT", "/settings", body=COMPLETE, headers={"If-Match": condition})

    assert answer.status == 412
    assert client.send("GET", "/settings").json["version"] == 0


def test_any_version_is_replaced_where_the_condition_names_any(client: Client) -> None:
    client.send("PUT", "/settings", body=COMPLETE)

    answer = client.send("PUT", "/settings", body=COMPLETE, headers={"If-Match": "*"})

    assert (answer.status, answer.json["version"]) == (200, 2)


def test_rule_1_without_an_active_product_or_a_mapped_school_the_run_is_skipped_and_says_why(client: Client) -> None:
    client.send("PUT", "/settings", body={**COMPLETE, "products": []})

    no_product = client.send("POST", "/runs")
    client.send("PUT", "/settings", body=COMPLETE)
    client.send("PUT", "/schools/elementary", body={"name": "Springfield Elementary"})
    no_school = client.send("POST", "/runs")
    client.send("PUT", "/schools/elementary", body={"name": "Springfield Elementary", "oneroster_id": "org-1"})
    runs = client.send("POST", "/runs")

    assert (no_product.status, no_product.json["state"], no_product.json["reason"]) == (
        202,
        RunState.SKIPPED,
        "No product is switched on. Switch on at least one in the OneRoster settings.",
    )
    assert (no_school.json["state"], no_school.json["reason"]) == (
        RunState.SKIPPED,
        "No school has a OneRoster ID. Give at least one school its OneRoster ID.",
    )
    assert (runs.json["state"], runs.json["reason"]) == (RunState.QUEUED, None)
    assert client.requested == [(DISTRICT, runs.json["run_id"])]


def test_rule_3_a_district_may_map_a_role_to_counselor(client: Client) -> None:
    answer = client.send("PUT", "/settings", body={**COMPLETE, "roles": {"counselor": "counselor"}})

    assert answer.json["roles"] == {"counselor": "counselor"}


def test_a_role_that_is_mapped_twice_is_refused(client: Client) -> None:
    answer = client.send("PUT", "/settings", body={"roles": {"aide": "student", "Aide": "sponsor"}})

    assert (answer.status, answer.json["detail"]) == (422, "The role aide is there twice. Remove one of the two.")


def test_rule_4_no_role_of_a_provider_becomes_district_administrator(client: Client) -> None:
    answer = client.send("PUT", "/settings", body={**COMPLETE, "roles": {"principal": "district_administrator"}})

    assert (answer.status, answer.json["detail"]) == (
        422,
        "No OneRoster role can become district administrator. Upload district administrators in a CSV file.",
    )


def test_rule_6_switching_a_product_off_saves_the_others(client: Client) -> None:
    client.send("PUT", "/settings", body={**COMPLETE, "products": ["serve", "jobs"]})

    answer = client.send("PUT", "/settings", body={**COMPLETE, "products": ["jobs"]})

    assert answer.json["products"] == ["jobs"]


class TestSignIn:
    BASIC: ClassVar = {"method": "oauth2-basic", "token_url": "https://sis.example.org/token"}

    def test_what_a_test_reported_is_saved_with_the_settings(self, client: Client) -> None:
        answer = client.send("PUT", "/settings", body={**COMPLETE, "sign_in": self.BASIC})

        assert answer.json["sign_in"] == self.BASIC
        assert client.send("GET", "/settings").json["sign_in"] == self.BASIC

    @pytest.mark.parametrize("left_out", [{}, {"sign_in": None}])
    @pytest.mark.parametrize(
        ("change", "kept"),
        [
            ({}, True),
            ({"page_size": 500}, True),
            ({"base_url": "https://sis.example.org/other/path"}, True),
            ({"base_url": "https://other.example.org", "consumer_secret": "s3cret"}, False),
            ({"consumer_key": "another"}, False),
            ({"consumer_secret": "another"}, False),
            ({"token_url": "https://sis.example.org/oauth/token"}, False),
        ],
    )
    def test_it_is_kept_while_nothing_changes_that_it_hangs_on(
        self, client: Client, change: dict[str, Any], kept: bool, left_out: dict[str, Any]
    ) -> None:
        client.send("PUT", "/settings", body={**COMPLETE, "sign_in": self.BASIC})

        answer = client.send("PUT", "/settings", body={**COMPLETE, "consumer_secret": None, **change, **left_out})

        assert answer.status == 200
        assert answer.json["sign_in"] == (self.BASIC if kept else None)

    def test_a_new_key_that_was_tested_keeps_the_way_it_was_tested_with(self, client: Client) -> None:
        client.send("PUT", "/settings", body={**COMPLETE, "sign_in": self.BASIC})

        answer = client.send("PUT", "/settings", body={**COMPLETE, "consumer_key": "new", "sign_in": self.BASIC})

        assert answer.json["sign_in"] == self.BASIC

    def test_one_with_the_old_hosts_token_url_does_not_move_to_another_host(self, client: Client) -> None:
        client.send("PUT", "/settings", body={**COMPLETE, "sign_in": self.BASIC})

        moved = {**COMPLETE, "base_url": "https://other.example.org", "sign_in": self.BASIC}
        answer = client.send("PUT", "/settings", body=moved)

        assert (answer.status, answer.json["sign_in"]) == (200, None)

    def test_its_token_url_is_on_the_base_urls_host_or_the_one_that_was_entered(self, client: Client) -> None:
        evil = {"method": "oauth2-body", "token_url": "https://EVIL.example.com/token"}

        refused = client.send("PUT", "/settings", body={**COMPLETE, "sign_in": evil})
        entered = client.send(
            "PUT", "/settings", body={**COMPLETE, "sign_in": evil, "token_url": "https://tokens.example.org/token"}
        )

        assert refused.status == 422
        assert refused.json["detail"] == (
            "The way to sign in names a token URL on another host than the base URL. Enter it as token URL, if the "
            "provider gives it."
        )
        assert entered.json["sign_in"] == {"method": "oauth2-body", "token_url": "https://tokens.example.org/token"}

    def test_its_token_url_is_one_that_may_be_called(self, client: Client) -> None:
        plain = {"method": "oauth2-body", "token_url": "http://sis.example.org/token"}

        answer = client.send("PUT", "/settings", body={**COMPLETE, "sign_in": plain})

        assert answer.status == 422

    def test_one_that_needs_a_token_url_has_one(self, client: Client) -> None:
        answer = client.send("PUT", "/settings", body={**COMPLETE, "sign_in": {"method": "oauth2-body"}})

        assert answer.status == 422
        assert answer.json["detail"] == "The way to sign in, oauth2-body, needs a token URL. Enter it."

    def test_a_method_that_is_not_known_is_refused(self, client: Client) -> None:
        answer = client.send("PUT", "/settings", body={**COMPLETE, "sign_in": {"method": "saml"}})

        assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "#/sign_in/method")


class TestTokenUrl:
    ELSEWHERE = "https://tokens.example.org/token"

    def test_another_host_needs_the_secret(self, client: Client) -> None:
        client.send("PUT", "/settings", body=COMPLETE)
        kept = {**COMPLETE, "consumer_secret": None, "token_url": self.ELSEWHERE}

        refused = client.send("PUT", "/settings", body=kept)
        tested = client.send("POST", "/settings/test", body=kept)
        accepted = client.send("PUT", "/settings", body={**kept, "consumer_secret": "s3cret"})
        again = client.send("PUT", "/settings", body={**kept, "page_size": 500})

        for answer in (refused, tested):
            assert (answer.status, answer.json["detail"]) == (
                422,
                "The token URL names another host. Enter the consumer secret of that host too.",
            )
        assert client.tested == []
        assert (accepted.status, accepted.json["token_url"]) == (200, self.ELSEWHERE)
        assert again.status == 200

    def test_the_base_urls_host_needs_no_secret(self, client: Client) -> None:
        client.send("PUT", "/settings", body=COMPLETE)

        same_host = {**COMPLETE, "consumer_secret": None, "token_url": "https://sis.example.org/token"}

        assert client.send("PUT", "/settings", body=same_host).status == 200

    def test_left_out_it_is_no_more(self, client: Client) -> None:
        client.send("PUT", "/settings", body={**COMPLETE, "token_url": self.ELSEWHERE})

        assert client.send("PUT", "/settings", body=COMPLETE).json["token_url"] is None


class TestTest:
    FOUND: ClassVar = {"method": "oauth1-sha1", "token_url": None}

    def test_what_a_test_of_the_saved_settings_found_is_saved(self, client: Client) -> None:
        version = client.send("PUT", "/settings", body=COMPLETE).json["version"]
        client.report = {"ok": False, "steps": [], "sign_in": self.FOUND}

        client.send("POST", "/settings/test")

        got = client.send("GET", "/settings").json
        assert (got["sign_in"], got["version"]) == (self.FOUND, version)

    @pytest.mark.parametrize("report", [{}, {"sign_in": None}, {"sign_in": {"method": "saml", "token_url": None}}])
    def test_a_test_that_found_none_takes_none_away(self, client: Client, report: dict[str, Any]) -> None:
        client.send("PUT", "/settings", body={**COMPLETE, "sign_in": self.FOUND})
        client.report = {"ok": False, "steps": [], **report}

        client.send("POST", "/settings/test")

        assert client.send("GET", "/settings").json["sign_in"] == self.FOUND

    def test_what_was_found_for_unsaved_settings_is_reported_only(self, client: Client) -> None:
        client.send("PUT", "/settings", body=COMPLETE)
        client.report = {"ok": True, "steps": [], "sign_in": self.FOUND}

        answer = client.send("POST", "/settings/test", body={**COMPLETE, "consumer_key": "another"})

        assert answer.json["sign_in"] == self.FOUND
        assert client.send("GET", "/settings").json["sign_in"] is None

    def test_settings_that_are_changed_during_the_test_win(self, client: Client) -> None:
        client.send("PUT", "/settings", body=COMPLETE)
        client.report = {"ok": True, "steps": [], "sign_in": self.FOUND}
        client.meanwhile = lambda: client.send("PUT", "/settings", body={**COMPLETE, "consumer_key": "another"})

        answer = client.send("POST", "/settings/test")

        assert answer.status == 200
        assert client.send("GET", "/settings").json["sign_in"] is None

    def test_without_a_body_the_saved_settings_are_tested(self, client: Client) -> None:
        answer = client.send("POST", "/settings/test")

        assert (answer.status, answer.json) == (200, {"ok": True, "steps": []})
        assert client.tested == [{"district_id": DISTRICT}]

    def test_unsaved_settings_are_tested_as_entered_and_not_saved(self, client: Client) -> None:
        client.send("POST", "/settings/test", body={**COMPLETE, "page_size": 10})

        assert client.tested == [
            {
                "district_id": DISTRICT,
                "settings": {
                    "base_url": "https://sis.example.org",
                    "consumer_key": "key",
                    "consumer_secret": "s3cret",
                    "products": ["serve"],
                    "page_size": 10,
                },
            }
        ]
        assert client.districts.settings(DISTRICT) is None

    def test_the_saved_secret_is_not_tried_on_another_host(self, client: Client) -> None:
        client.send("PUT", "/settings", body=COMPLETE)

        answer = client.send("POST", "/settings/test", body={"base_url": "https://evil.example.com"})

        assert (answer.status, client.tested) == (422, [])

    def test_one_too_many_is_refused_with_how_long_to_wait(self, client: Client) -> None:
        client.test_refused = TooManyTestsError("Tested too often. Test again in 42 seconds.", 42)

        answer = client.send("POST", "/settings/test")

        assert (answer.status, answer.headers["Retry-After"]) == (429, "42")
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json["detail"] == "Tested too often. Test again in 42 seconds."


@pytest.mark.parametrize("path", ["/settings/test", "/runs"])
def test_a_list_is_not_taken_for_its_first_body(client: Client, path: str) -> None:
    """Where a body may be left out, a list of nulls passed for none."""
    answer = client.send("POST", path, body=[None, None])

    assert (answer.status, client.tested, client.requested) == (422, [], [])
    assert answer.json["detail"] == "The body cannot be used: It must be a JSON object."
