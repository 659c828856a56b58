"""A provider gets as many requests at once as it bears, and never more than allowed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_sync.oneroster.parallelism import Parallelism


def answered(parallelism: Parallelism, times: int, *, from_s: float = 0, took_s: float = 0.1) -> None:
    for number in range(times):
        parallelism.answered(from_s + number, from_s + number + took_s)


def overloaded(parallelism: Parallelism, times: int) -> None:
    for number in range(times):
        parallelism.overloaded(number, number)


def test_it_begins_with_the_most_that_is_allowed() -> None:
    assert Parallelism(5).limit == 5


def test_an_overload_halves_the_limit() -> None:
    parallelism = Parallelism(5)

    overloaded(parallelism, 1)

    assert parallelism.limit == 2


def test_failures_of_requests_begun_before_a_halving_do_not_halve_again() -> None:
    parallelism = Parallelism(8)

    for _ in range(8):
        parallelism.overloaded(0, 1)

    assert parallelism.limit == 4


def test_good_answers_raise_the_limit_by_one_a_round_up_to_the_most() -> None:
    parallelism = Parallelism(5)
    overloaded(parallelism, 9)

    limits = []
    for _ in range(20):
        answered(parallelism, 1, from_s=10)
        limits.append(parallelism.limit)

    assert limits[:7] == [2, 2, 2, 3, 3, 3, 4]
    assert limits[-1] == 5


def test_answers_that_take_twice_as_long_halve_the_limit() -> None:
    parallelism = Parallelism(5)
    answered(parallelism, 10, took_s=1)

    answered(parallelism, 10, from_s=10, took_s=4)

    assert parallelism.limit < 5


def test_answers_that_stay_slow_are_usual_before_long() -> None:
    """A provider that is slow for another reason, such as a far offset, is not read one page at a time for it."""
    parallelism = Parallelism(5)
    answered(parallelism, 10, took_s=1)

    answered(parallelism, 200, from_s=10, took_s=4)

    assert parallelism.limit == 5


def test_the_trembling_of_fast_answers_is_no_overload() -> None:
    parallelism = Parallelism(5)

    for number in range(100):
        parallelism.answered(number, number + (0.4 if number % 2 else 0.01))

    assert parallelism.limit == 5


def test_a_pause_that_is_asked_for_holds_for_everybody_until_it_is_over() -> None:
    parallelism = Parallelism(5)

    longer = [parallelism.pause(10, 30), parallelism.pause(11, 5)]

    assert longer == [True, False]
    assert parallelism.pause_s(15) == 25
    assert parallelism.pause_s(40) == parallelism.pause_s(50) == 0


events = st.lists(
    st.tuples(st.sampled_from(["answered", "overloaded"]), st.floats(0, 100), st.floats(0, 60)), max_size=200
)


@given(most=st.integers(1, 50), events=events)
def test_the_limit_is_never_less_than_one_nor_more_than_allowed(
    most: int, events: list[tuple[str, float, float]]
) -> None:
    parallelism, now_s = Parallelism(most), 0.0

    for kind, later_s, took_s in events:
        now_s += later_s
        match kind:
            case "answered":
                parallelism.answered(now_s - took_s, now_s)
            case _:
                parallelism.overloaded(now_s - took_s, now_s)

        assert 1 <= parallelism.limit <= most


@pytest.mark.parametrize("most", [1, 5, 16])
def test_a_provider_that_always_fails_gets_one_request_at_a_time(most: int) -> None:
    parallelism = Parallelism(most)

    overloaded(parallelism, 10)

    assert parallelism.limit == 1
