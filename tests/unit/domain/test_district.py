"""Which district may run, and why another may not."""

import pytest

from roster_sync.domain.district import School, Settings, mapped_schools, why_not_run
from tests.support.builders import a_school, settings

OFFERED = frozenset({"serve", "jobs"})


def test_a_district_with_a_product_and_a_mapped_school_may_run() -> None:
    reason = why_not_run(settings(), [a_school(), a_school(school_id="high", oneroster_id=None)], OFFERED)

    assert reason is None


@pytest.mark.parametrize(
    ("incomplete", "reason"),
    [
        (None, "The OneRoster settings are empty. Enter base URL, consumer key and consumer secret."),
        (
            settings(base_url=None),
            "The OneRoster settings are empty. Enter base URL, consumer key and consumer secret.",
        ),
        (settings(consumer_key=None), "The consumer key is missing. Enter it in the OneRoster settings."),
        (settings(consumer_secret=None), "The consumer secret is missing. Enter it in the OneRoster settings."),
        (
            settings(products=frozenset()),
            "No product is switched on. Switch on at least one in the OneRoster settings.",
        ),
        (
            settings(products=frozenset({"discontinued"})),
            "No product is switched on. Switch on at least one in the OneRoster settings.",
        ),
    ],
)
def test_incomplete_settings_keep_a_district_from_running_and_the_reason_says_what_to_do(
    incomplete: Settings | None, reason: str
) -> None:
    assert why_not_run(incomplete, [a_school()], OFFERED) == reason


@pytest.mark.parametrize("schools", [[], [a_school(oneroster_id=None)]])
def test_a_district_without_a_mapped_school_does_not_run(schools: list[School]) -> None:
    reason = why_not_run(settings(), schools, OFFERED)

    assert reason == "No school has a OneRoster ID. Give at least one school its OneRoster ID."


def test_schools_are_found_by_the_provider_s_id() -> None:
    schools = [a_school(), a_school(school_id="high", oneroster_id="org-2"), a_school(school_id="x", oneroster_id=None)]

    assert mapped_schools(schools) == {"org-1": "elementary", "org-2": "high"}
