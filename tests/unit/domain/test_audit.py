"""What the audit log tells of settings, and what it must not."""

from dataclasses import fields, replace
from datetime import date, time
from typing import Any

import pytest

from roster_sync.domain.audit import Alteration, settings_altered
from roster_sync.domain.district import Settings
from roster_sync.domain.user import Role
from roster_sync.use_cases.change_settings import EnteredSettings
from tests.support.builders import NOW, settings

OTHERS: dict[str, Any] = {
    "base_url": "https://other.example.org",
    "consumer_key": "another key",
    "consumer_secret": b"another secret",
    "token_url": "https://other.example.org/token?client=1",
    "products": frozenset({"serve", "jobs"}),
    "roles": {"aide": Role.SPONSOR},
    "metadata_keys": ("homeroom",),
    "limits_lifted_until": NOW,
    "sync_time": time(5),
    "timezone": "America/Denver",
    "pause_from": date(2026, 12, 20),
    "pause_until": date(2027, 1, 3),
    "deactivation_percent": 50,
    "delta_nights": True,
}


@pytest.mark.parametrize("name", sorted(OTHERS))
def test_a_setting_that_changes_is_told(name: str) -> None:
    [told] = settings_altered(settings(), settings(**{name: OTHERS[name]}))

    assert told.name == name


@pytest.mark.parametrize("name", ["consumer_key", "consumer_secret", "token_url"])
def test_of_key_and_secret_only_that_they_changed_is_told(name: str) -> None:
    """Whoever has them can sign in to the provider."""
    told = settings_altered(settings(), settings(**{name: OTHERS[name]}))

    assert told == (Alteration(name=name, before=None, after=None),)


def test_every_setting_that_can_be_entered_is_looked_at() -> None:
    entered = {field.name for field in fields(EnteredSettings)} - {"sign_in", "version"}
    before = Settings(district_id=settings().district_id)
    others: dict[str, Any] = dict.fromkeys(entered, object())
    nothing = replace(before, **others)

    assert {told.name for told in settings_altered(before, nothing)} == entered


def test_values_are_told_in_words() -> None:
    told = settings_altered(settings(roles={}), settings(**OTHERS))

    after = {each.name: each.after for each in told}
    assert after["products"] == "jobs, serve"
    assert after["roles"] == "aide: sponsor"
    assert after["delta_nights"] == "yes"
    assert after["pause_from"] == "2026-12-20"
    assert after["sync_time"] == "05:00"
    assert after["limits_lifted_until"] == "2026-11-24T09:00+00:00"


def test_a_long_value_is_cut() -> None:
    [told] = settings_altered(settings(), settings(counselor_metadata_key="k" * 255))

    assert told.after == "k" * 199 + "…"


def test_a_save_that_changes_nothing_tells_of_no_value() -> None:
    assert settings_altered(settings(), settings(version=9, previewed_at=NOW)) == ()
