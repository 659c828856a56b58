"""Ids that stay with people, and the keys by which people are recognised."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_sync.domain.identifiers import DistrictId, SourcedId
from roster_sync.domain.identity import (
    NO_KEY,
    email_key,
    identifier_key,
    person_key,
    user_id_from_email,
    user_id_from_sourced_id,
)
from tests.support.builders import DISTRICT, OTHER_DISTRICT

_sourced_ids = st.text(min_size=1, max_size=255).map(SourcedId)


def test_the_id_of_a_provider_s_user_never_changes_between_releases() -> None:
    user_id = user_id_from_sourced_id(DistrictId("northfield"), SourcedId("T-1041"))

    assert user_id == "fac48e31-e13c-5a90-86e0-ecfa35361296"


def test_the_id_of_an_uploaded_user_never_changes_between_releases() -> None:
    user_id = user_id_from_email(DistrictId("northfield"), "c.ito@northfield.example")

    assert user_id == "763feeee-98cd-57a3-977c-4fe02b4048bf"


@given(_sourced_ids, _sourced_ids, st.integers(0, 3), st.integers(0, 3))
def test_two_provider_s_users_have_one_id_only_if_sourced_id_and_generation_are_equal(
    one: SourcedId, other: SourcedId, generation: int, other_generation: int
) -> None:
    same = user_id_from_sourced_id(DISTRICT, one, generation) == user_id_from_sourced_id(
        DISTRICT, other, other_generation
    )

    assert same == ((one, generation) == (other, other_generation))


@given(_sourced_ids)
def test_districts_never_share_an_id(sourced_id: SourcedId) -> None:
    ours, theirs = (user_id_from_sourced_id(district, sourced_id) for district in (DISTRICT, OTHER_DISTRICT))

    assert ours != theirs


def test_the_case_of_a_sourced_id_tells_users_apart() -> None:
    lower, upper = (user_id_from_sourced_id(DISTRICT, SourcedId(sourced_id)) for sourced_id in ("s-1", "S-1"))

    assert lower != upper


def test_an_email_address_that_is_somebody_s_sourced_id_gives_another_id() -> None:
    from_upload = user_id_from_email(DISTRICT, "ruth@example.org")

    assert from_upload != user_id_from_sourced_id(DISTRICT, SourcedId("ruth@example.org"))


@pytest.mark.parametrize("spelling", ["Ruth@Example.org", " ruth@example.org\t", "RUTH@EXAMPLE.ORG"])
def test_every_spelling_of_an_email_address_is_one_user(spelling: str) -> None:
    assert user_id_from_email(DISTRICT, spelling) == user_id_from_email(DISTRICT, "ruth@example.org")
    assert email_key(spelling) == email_key("ruth@example.org")


@pytest.mark.parametrize("key_of", [email_key, lambda empty: person_key(empty, "Ada", "Berg")])
@pytest.mark.parametrize("empty", [None, ""])
def test_nobody_is_recognised_by_an_email_address_that_is_not_there(
    key_of: Callable[[str | None], int], empty: str | None
) -> None:
    assert key_of(empty) == NO_KEY


@pytest.mark.parametrize("empty", [None, ""])
def test_nobody_is_recognised_by_an_identifier_that_is_not_there(empty: str | None) -> None:
    assert identifier_key(empty, "Ada", "Berg") == NO_KEY


@pytest.mark.parametrize("empty", [None, ""])
def test_nobody_is_recognised_by_an_email_address_without_any_name(empty: str | None) -> None:
    assert person_key("ruth@example.org", empty, empty) == NO_KEY
    assert person_key("ruth@example.org", "Ruth", empty) != NO_KEY


@given(st.emails(), st.text(min_size=1), st.text(min_size=1))
def test_whoever_has_an_email_address_or_identifier_has_a_key(email: str, given_name: str, family_name: str) -> None:
    keys = (email_key(email), person_key(email, given_name, family_name), identifier_key(email, None, None))

    assert NO_KEY not in keys


@pytest.mark.parametrize("key_of", [person_key, identifier_key])
def test_a_person_s_names_are_compared_without_case(key_of: Callable[..., int]) -> None:
    assert key_of("a-1", "ADA", "Núñez") == key_of("a-1", "Ada", "NÚÑEZ")


@pytest.mark.parametrize("key_of", [person_key, identifier_key])
@pytest.mark.parametrize("other", [("a-2", "Ada", "Berg"), ("a-1", "Eda", "Berg"), ("a-1", "Ada", "Burg")])
def test_a_difference_in_any_part_makes_another_person(key_of: Callable[..., int], other: tuple[str, str, str]) -> None:
    assert key_of(*other) != key_of("a-1", "Ada", "Berg")


@pytest.mark.parametrize("key_of", [person_key, identifier_key])
def test_given_and_family_name_are_not_interchangeable(key_of: Callable[..., int]) -> None:
    assert key_of("a-1", "Ada", None) != key_of("a-1", None, "Ada")


def test_the_case_of_an_identifier_tells_people_apart() -> None:
    assert identifier_key("x1", "Ada", "Berg") != identifier_key("X1", "Ada", "Berg")
