"""What a request asks to probe: stored settings, or unsaved ones in their place."""

from typing import Any

import pytest

from roster_sync.domain.district import Settings
from roster_sync.domain.errors import ConfigurationError
from roster_sync.domain.identifiers import DistrictId
from roster_sync.domain.sign_in import SignIn, SignInMethod
from roster_sync.use_cases.probe.report import Step, StepName
from roster_sync.use_cases.probe.target import ProbeTarget, probe_target
from roster_sync.use_cases.probe_provider import report_of_refusal
from tests.support.builders import DISTRICT, a_probe_target, settings


def probed_target(request: object, stored: Settings | None = None) -> ProbeTarget:
    def normal(text: str) -> str:
        return f"{text.rstrip('/')}/normal"

    return probe_target(request, lambda _: stored, normal, normal)


def refusal(request: object, stored: Settings | None = None) -> Step:
    with pytest.raises(ConfigurationError) as caught:
        probed_target(request, stored)
    report = report_of_refusal(caught.value)
    assert [step.ok for step in report.steps] == [False] + [None] * (len(StepName) - 1)
    assert not report.ok
    return report.steps[0]


def test_a_district_alone_is_probed_as_saved() -> None:
    found = probed_target({"district_id": DISTRICT}, settings(page_size=50))

    assert found == a_probe_target(
        base_url="https://sis.example.org/normal", consumer_secret=b"encrypted", page_size=50, parallel_requests=5
    )


def test_unsaved_settings_take_the_place_of_the_saved() -> None:
    entered = {"base_url": "https://new.example.org", "consumer_key": "k", "consumer_secret": "s", "page_size": 7}

    found = probed_target({"district_id": DISTRICT, "settings": entered}, settings())

    assert found == a_probe_target(
        base_url="https://new.example.org/normal", consumer_key="k", consumer_secret="s", page_size=7
    )


def test_the_saved_secret_is_used_at_its_own_host() -> None:
    entered = {"base_url": "https://sis.example.org/other", "consumer_key": "k"}

    found = probed_target({"district_id": DISTRICT, "settings": entered}, settings())

    assert found.consumer_secret == b"encrypted"


@pytest.mark.parametrize("base_url", ["https://evil.example.com", "https://sis.example.org:8443"])
def test_the_saved_secret_must_be_entered_again_for_another_host(base_url: str) -> None:
    entered = {"base_url": base_url, "consumer_key": "k"}

    refused = refusal({"district_id": DISTRICT, "settings": entered}, settings())

    assert refused.remedy == "Enter the consumer secret of that host too."


def test_the_saved_secret_must_be_entered_again_for_another_hosts_token_url() -> None:
    entered = {"base_url": "https://sis.example.org", "consumer_key": "k", "token_url": "https://evil.example.com"}

    refused = refusal({"district_id": DISTRICT, "settings": entered}, settings())

    assert refused.message == "The token URL names another host."


def test_the_saved_way_to_sign_in_is_tried_first_where_it_was_found() -> None:
    stored = settings(sign_in=SignIn(SignInMethod.OAUTH1_SHA1))
    new_key = {"base_url": "https://sis.example.org", "consumer_key": "k"}
    new_host = {"base_url": "https://new.example.org", "consumer_key": "k", "consumer_secret": "s"}

    saved, rekeyed, moved = (
        probed_target({"district_id": DISTRICT, **request}, stored)
        for request in ({}, {"settings": new_key}, {"settings": new_host})
    )

    assert saved.sign_in == rekeyed.sign_in == stored.sign_in
    assert moved.sign_in is None


@pytest.mark.parametrize("sign_in", [{"method": "bearer"}, {"method": "bearer", "token_url": None}])
def test_a_way_to_sign_in_that_is_entered_is_tried_first(sign_in: dict[str, object]) -> None:
    entered = {"base_url": "https://sis.example.org", "consumer_key": "k", "sign_in": sign_in}

    found = probed_target({"district_id": DISTRICT, "settings": entered}, settings())

    assert found.sign_in == SignIn(SignInMethod.BEARER)


@pytest.mark.parametrize(
    ("overrides", "missing"),
    [
        ({"base_url": None}, "base URL"),
        ({"consumer_key": None}, "consumer key"),
        ({"consumer_secret": None}, "consumer secret"),
        ({"consumer_key": None, "consumer_secret": None}, "consumer key, consumer secret"),
    ],
)
def test_what_is_missing_is_named(overrides: dict[str, Any], missing: str) -> None:
    refused = refusal({"district_id": DISTRICT}, settings(**overrides))

    assert refused.message == f"The OneRoster settings lack: {missing}."


def test_a_district_without_settings_is_named() -> None:
    assert DISTRICT in refusal({"district_id": DISTRICT}).message


@pytest.mark.parametrize(
    "request_",
    [
        None,
        [],
        "springfield",
        {},
        {"district_id": None},
        {"district_id": 7},
        {"district_id": ""},
        {"district_id": "a#b"},
        {"district_id": "a" * 65},
        {"district_id": DISTRICT, "settings": []},
        {"district_id": DISTRICT, "settings": {"base_url": 7}},
        {"district_id": DISTRICT, "settings": {"base_url": " ", "consumer_key": "k", "consumer_secret": "s"}},
        {"district_id": DISTRICT, "settings": {"page_size": "many"}},
        {"district_id": DISTRICT, "settings": {"parallel_requests": 0}},
        {"district_id": DISTRICT, "settings": {"sign_in": {"method": []}}},
        {"district_id": DISTRICT, "settings": {"token_url": 7}},
    ],
)
def test_a_request_that_cannot_be_is_refused_with_a_sentence(request_: object) -> None:
    refused = refusal(request_, settings(district_id=DistrictId("other")))

    assert refused.message.endswith(".")
    assert refused.remedy is not None


def test_an_entered_secret_does_not_show_in_a_traceback() -> None:
    assert "hunter2" not in repr(a_probe_target(consumer_secret="hunter2"))
