"""What may pass is tried again, within bounds of number and of time."""

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_sync.domain.errors import ConfigurationError, TransientError
from roster_sync.oneroster.errors import (
    ForbiddenError,
    NotFoundAtProviderError,
    ProviderBrokenError,
    RequestRefusedError,
    SignInRefusedError,
    ThrottledError,
    TimedOutError,
    TruncatedError,
)
from roster_sync.oneroster.retry import RetryBudget, RetryPolicy, seconds_of_retry_after, with_retries

NOW = datetime(2026, 11, 24, 9, 0, 0, tzinfo=UTC)
POLICY = RetryPolicy(attempts=5, total_s=100, shortest_s=1, longest_s=30)


class Night:
    """A clock that only pauses and attempts move, and the attempts of a request that fails so and so often."""

    def __init__(self, failures: list[Exception], *, attempt_s: float = 0) -> None:
        self.now_s = 0.0
        self.pauses: list[float] = []
        self.attempts = 0
        self._failures = failures
        self._attempt_s = attempt_s

    def attempt(self) -> str:
        self.attempts += 1
        self.now_s += self._attempt_s
        if self._failures:
            raise self._failures.pop(0)
        return "page"

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self.pauses.append(seconds)

    def budget(self, policy: RetryPolicy) -> RetryBudget:
        return RetryBudget(policy, monotonic=lambda: self.now_s)

    def run(self, policy: RetryPolicy = POLICY, seed: int = 1, budget: RetryBudget | None = None) -> str:
        return with_retries(
            self.attempt,
            policy,
            budget or self.budget(policy),
            monotonic=lambda: self.now_s,
            sleep=self.sleep,
            uniform=random.Random(seed).uniform,
        )


@pytest.mark.parametrize(
    "failure",
    [
        ThrottledError("429", None),
        ProviderBrokenError("503", None),
        TimedOutError("sis.example.org", 1),
        TruncatedError("sis.example.org"),
    ],
)
def test_what_may_pass_is_tried_again(failure: TransientError) -> None:
    night = Night([failure, failure])

    assert night.run() == "page"
    assert night.attempts == 3


@pytest.mark.parametrize(
    "failure",
    [
        RequestRefusedError("400"),
        SignInRefusedError("401"),
        ForbiddenError("403"),
        NotFoundAtProviderError("404"),
    ],
)
def test_what_an_administrator_must_change_is_not_tried_again(failure: ConfigurationError) -> None:
    night = Night([failure])

    with pytest.raises(type(failure)):
        night.run()
    assert night.attempts == 1


@given(
    seed=st.integers(), attempts=st.integers(1, 9), attempt_s=st.floats(0, 50), asked_s=st.floats(0, 1e6) | st.none()
)
def test_attempts_and_time_are_bounded_whatever_is_asked(
    seed: int, attempts: int, attempt_s: float, asked_s: float | None
) -> None:
    night = Night([ThrottledError("429", asked_s)] * 100, attempt_s=attempt_s)
    policy = RetryPolicy(attempts=attempts, total_s=100, shortest_s=1, longest_s=30)

    with pytest.raises(ThrottledError):
        night.run(policy, seed)

    assert night.attempts <= attempts
    assert all((asked_s or 1) <= pause <= max(30, asked_s or 0) for pause in night.pauses)
    assert night.now_s <= 100 + attempt_s


def test_retry_after_is_waited_for() -> None:
    night = Night([ThrottledError("429", 17.0), ProviderBrokenError("503", 19.0)])

    night.run()

    assert night.pauses == [17.0, 19.0]


def test_a_retry_after_that_is_longer_than_other_pauses_is_waited_for_too() -> None:
    night = Night([ThrottledError("429", 90.0)])

    night.run()

    assert night.pauses == [90]


@pytest.mark.parametrize(
    "policy",
    [RetryPolicy(total_s=299, run_s=900), RetryPolicy(total_s=900, run_s=299)],
    ids=["of the request", "of the run"],
)
def test_a_retry_after_for_which_there_is_no_time_ends_the_attempts_at_once(policy: RetryPolicy) -> None:
    night = Night([ThrottledError("429", 300.0)])

    with pytest.raises(ThrottledError):
        night.run(policy)

    assert (night.attempts, night.pauses) == (1, [])


def test_pauses_differ_between_requests() -> None:
    nights = [Night([TruncatedError("sis.example.org")]) for _ in range(5)]

    for seed, night in enumerate(nights):
        night.run(seed=seed)

    assert len({night.pauses[0] for night in nights}) == 5


def test_all_requests_of_a_run_have_its_retries_together() -> None:
    policy = RetryPolicy(attempts=5, run_retries=4)
    budget = Night([]).budget(policy)
    nights = [Night([ThrottledError("429", None)] * 2) for _ in range(3)]

    answers = [night.run(policy, budget=budget) for night in nights[:2]]

    assert answers == ["page", "page"]
    with pytest.raises(ThrottledError):
        nights[2].run(policy, budget=budget)
    assert nights[2].attempts == 1


def test_answers_earn_retries() -> None:
    budget = Night([]).budget(RetryPolicy(run_retries=0, answers_a_retry=4))

    earned = []
    for _ in range(8):
        budget.earn()
        earned.append(budget.spend(0))

    assert earned == [False, False, False, True, False, False, False, True]


def test_no_attempt_begins_after_the_run_s_end() -> None:
    night = Night([ThrottledError("429", 20.0)] * 9)

    with pytest.raises(ThrottledError):
        night.run(RetryPolicy(attempts=9, total_s=500, run_s=50, longest_s=30))

    assert night.now_s == 40


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("Tue, 24 Nov 2026 09:00:30 GMT", 30),
        ("Tue, 24 Nov 2026 10:00:30 +0100", 30),
        ("Tue, 24 Nov 2026 08:00:00 GMT", 0),
        ("soon", None),
        ("Tue, 24 Nov 2026 09:00:30 +9999999999999", None),
        ("-5", None),
        ("٣", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_seconds_and_as_a_date(header: str | None, seconds: float | None) -> None:
    assert seconds_of_retry_after({} if header is None else {"Retry-After": header}, NOW) == seconds


def test_a_date_of_retry_after_is_by_the_provider_s_clock() -> None:
    headers = {"Retry-After": "Tue, 24 Nov 2026 08:55:30 GMT", "Date": "Tue, 24 Nov 2026 08:55:00 GMT"}

    assert seconds_of_retry_after(headers, NOW) == 30
