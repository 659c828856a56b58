"""Credentials that end, and are reminded of."""

from datetime import date, timedelta

import pytest

from roster_sync.domain.credentials import expiry_issues, expiry_notice, notices, refused_after_good_nights
from tests.support.builders import settings

TODAY = date(2026, 11, 24)
INFINITE_CAMPUS = "https://district.infinitecampus.org/campus/api/oneroster/v1p1/x/ims/oneroster/v1p1"


@pytest.mark.parametrize(
    ("days", "notice"),
    [
        (31, None),
        (30, "The consumer key expires in 30 days, on 24 December 2026."),
        (1, "The consumer key expires tomorrow, on 25 November 2026."),
        (0, "The consumer key expires today, on 24 November 2026."),
        (-1, "The consumer key was to expire on 23 November 2026."),
        (-400, "The consumer key was to expire on 20 October 2025."),
    ],
)
def test_a_noted_date_is_reminded_of_30_days_ahead_and_after(days: int, notice: str | None) -> None:
    noted = settings(credentials_expire_on=TODAY + timedelta(days=days))

    said = expiry_notice(noted, TODAY)

    assert said is None if notice is None else (said or "").startswith(notice)
    assert [issue.message for issue in expiry_issues(noted, TODAY)] == ([said] if said else [])


def test_without_a_date_there_is_nothing_to_remind_of() -> None:
    assert (notices(settings(), TODAY), expiry_issues(settings(), TODAY)) == ([], [])


@pytest.mark.parametrize("base_url", [INFINITE_CAMPUS, "https://sis.example.org/Campus/oneroster/ims/oneroster/v1p1"])
def test_where_a_vendor_lets_keys_expire_a_date_is_asked_for(base_url: str) -> None:
    (notice,) = notices(settings(base_url=base_url), TODAY)

    assert notice.startswith("Infinite Campus lets consumer keys expire within 13 months. Note the date")
    assert notices(settings(base_url=base_url, credentials_expire_on=date(2027, 10, 1)), TODAY) == []
    assert expiry_issues(settings(base_url=base_url), TODAY) == []


def test_a_refusal_after_good_nights_says_until_when_the_key_worked() -> None:
    reason = refused_after_good_nights(settings(), date(2026, 11, 3), "It refused the signature (401). Enter the key.")

    assert reason == (
        "The consumer key worked until 3 November 2026 and is now refused; it may have expired: ask the provider for a "
        "new one, unless it was changed here since. It refused the signature (401). Enter the key."
    )


def test_a_refusal_names_the_vendor_s_term() -> None:
    reason = refused_after_good_nights(settings(base_url=INFINITE_CAMPUS), TODAY, "It refused.")

    assert "Infinite Campus lets consumer keys expire within 13 months. It refused." in reason
