"""Nights of a district whose consumer key ends."""

from datetime import timedelta

import pytest

from roster_sync.domain.errors import ConfigurationError, CredentialsRefusedError
from roster_sync.domain.run import RunState
from tests.support.builders import settings
from tests.support.nights import FakeProvider, Nights, a_record

GOOD = [a_record("S-1"), a_record("S-2"), a_record("S-3")]


class Refusing(FakeProvider):
    """Answers 401 to everything."""

    def __init__(self, refusal: ConfigurationError) -> None:
        super().__init__([], orgs=[], lists={"orgs": refusal, "users": refusal})


class ClockWrongError(CredentialsRefusedError):
    """Key and secret are not what is wrong."""

    may_have_expired = False


def test_the_first_refusal_after_good_nights_says_that_the_key_may_have_expired() -> None:
    nights = Nights()
    nights.run(*GOOD)

    run = nights.run(provider=Refusing(CredentialsRefusedError("It refused (401). Enter the key again.")))

    assert run.state is RunState.FAILED
    assert run.reason == (
        "The consumer key worked until 25 November 2026 and is now refused; it may have expired: ask the provider for "
        "a new one, unless it was changed here since. It refused (401). Enter the key again."
    )


def test_so_does_each_refusal_after_it() -> None:
    nights = Nights()
    nights.run(*GOOD)
    refusing = Refusing(CredentialsRefusedError("It refused (401). Enter the key again."))

    first, second = nights.run(provider=refusing), nights.run(provider=refusing)

    assert second.reason == first.reason


@pytest.mark.parametrize("refusal", [ClockWrongError("The clock is wrong."), ConfigurationError("It is forbidden.")])
def test_other_failures_are_told_as_they_are(refusal: ConfigurationError) -> None:
    nights = Nights()
    nights.run(*GOOD)

    run = nights.run(provider=Refusing(refusal))

    assert run.reason == str(refusal)


def test_a_key_that_never_worked_has_not_expired() -> None:
    nights = Nights()

    run = nights.run(provider=Refusing(CredentialsRefusedError("It refused (401). Enter the key again.")))

    assert run.reason == "It refused (401). Enter the key again."


def test_each_run_within_30_days_of_the_noted_date_has_the_reminder_as_a_warning() -> None:
    nights = Nights()
    nights.configure(
        settings(credentials_expire_on=(nights.now + timedelta(days=32)).date()),
        nights.districts.schools(settings().district_id),
    )

    before, within = nights.run(*GOOD), nights.run(*GOOD)

    assert (before.state, nights.issues(before)) == (RunState.COMPLETED, [])
    assert (within.state, nights.issues(within)) == (RunState.COMPLETED_WITH_ISSUES, [("credentials_expire", None)])
