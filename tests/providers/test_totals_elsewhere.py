"""The total under another name, in the answer's body, or plainly wrong: nobody is missed, and the end is proven."""

from dataclasses import replace

import pytest

from tests.support.fetching import Fetch
from tests.support.provider import Scripted, users
from tests.support.roster_server import Asked, answer, with_headers, wrapper_of

ROSTER = users(25)


def beside(asked: Asked, **told: object) -> Scripted:
    return replace(answer(asked, []), content={**told, wrapper_of(asked.endpoint): asked.page()})


@pytest.mark.parametrize("name", ["x_total_count", "X_TOTAL_COUNT", "x_count", "X_Count"])
def test_a_total_is_found_under_its_names_in_any_case(fetch: Fetch, endpoint: str, name: str) -> None:
    fetched = fetch(ROSTER, lambda asked: with_headers(answer(asked, asked.page()), **{name: "25"}), endpoint=endpoint)

    assert fetched.records == ROSTER
    assert (fetched.proof.whole, fetched.proof.announced) == (True, 25)


@pytest.mark.parametrize("told", [{"total": 25}, {"totalCount": "25"}, {"total_records": 25}])
def test_a_total_is_found_in_the_answer_s_body(fetch: Fetch, endpoint: str, told: dict[str, object]) -> None:
    fetched = fetch(ROSTER, lambda asked: beside(asked, **told), endpoint=endpoint)

    assert fetched.records == ROSTER
    assert (fetched.proof.whole, fetched.proof.announced) == (True, 25)


def test_the_page_s_count_in_the_body_is_no_total(fetch: Fetch) -> None:
    fetched = fetch(ROSTER, lambda asked: beside(asked, count=len(asked.page())))

    assert fetched.records == ROSTER
    assert (fetched.proof.whole, fetched.proof.announced) == (True, None)


def test_a_total_of_0_beside_records_is_none(fetch: Fetch, endpoint: str) -> None:
    fetched = fetch(ROSTER, lambda asked: answer(asked, asked.page(), total=0), endpoint=endpoint)

    assert fetched.records == ROSTER
    assert (fetched.proof.whole, fetched.proof.announced) == (True, None)


def test_a_total_that_is_too_high_is_not_pursued_and_leaves_the_fetch_unproven(fetch: Fetch) -> None:
    fetched = fetch(ROSTER, lambda asked: answer(asked, asked.page(), total=100_000))

    assert fetched.records == ROSTER
    assert fetched.proof.reason == "The provider announced 100000 records, 25 different ones came."
    assert len(fetched.spans) < 10
