"""Providers with records that cannot be used: each is named, and its page goes on."""

import pytest

from tests.providers.conftest import night
from tests.support.reading import ReadRecord, a_record


@pytest.mark.parametrize(
    ("record", "code", "sourced_id"),
    [
        (None, "record_not_an_object", None),
        ("U-1", "record_not_an_object", None),
        ([a_record()], "record_not_an_object", None),
        ({}, "sourced_id_missing", None),
        (a_record(sourcedId=None), "sourced_id_missing", None),
        (a_record(sourcedId=" "), "sourced_id_missing", None),
        (a_record(sourcedId=["U-1"]), "sourced_id_missing", None),
        (a_record(sourcedId="U" * 256), "sourced_id_too_long", "U" * 255),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_has_no_usable_sourced_id_is_named_and_kept_out(
    read_record: ReadRecord, record: object, code: str, sourced_id: str | None
) -> None:
    _, seen = read_record(record)

    assert (seen.invalid, seen.codes) == (1, [(code, sourced_id)])


@pytest.mark.parametrize(
    "odd",
    [b'"\\ud83d"', b'"tab\tin text"', b"NaN", b"1e999", b"9" * 5_000, b"-Infinity"],
    ids=lambda value: str(value)[:12],
)
def test_a_value_that_is_not_quite_json_costs_its_field_at_most(read_record: ReadRecord, odd: bytes) -> None:
    user, seen = read_record(b'{"sourcedId": "U-1", "role": "student", "orgs": ["school-1"], "phone": %b}' % odd)

    assert user is not None
    assert seen.codes == []


def test_a_page_of_nothing_usable_is_named_record_by_record() -> None:
    seen = night([{"sourcedId": f"U-{number}"} for number in range(9)])

    assert seen.users == {}
    assert seen.codes == [(code, f"U-{number}") for number in range(9) for code in ("role_missing", "orgs_missing")]


def test_a_record_that_comes_twice_counts_once() -> None:
    seen = night([a_record(), a_record(), a_record(givenName="Later")])

    assert (list(seen.users), seen.skipped, seen.invalid) == (["U-1"], 0, 0)
