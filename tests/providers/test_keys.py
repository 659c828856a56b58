"""Providers that spell the standard's fields in another case, or send one of them twice."""

import json

import pytest
from msgspec import structs

from roster_sync.domain.user import SisUser
from tests.support.reading import ReadRecord, a_record


def spelt(value: object, how: str) -> object:
    """A record whose keys, but for those of metadata, are in another case."""
    if isinstance(value, list):
        return [spelt(item, how) for item in value]
    if not isinstance(value, dict):
        return value
    return {getattr(key, how)(): item if key == "metadata" else spelt(item, how) for key, item in value.items()}


@pytest.mark.parametrize("how", ["lower", "upper", "title", "swapcase"])
def test_fields_are_known_in_any_case(read_record: ReadRecord, plain_user: SisUser, how: str) -> None:
    user, seen = read_record(spelt(a_record(), how))

    assert (user, seen.codes) == (plain_user, [])


def test_of_a_field_that_comes_twice_the_last_counts(read_record: ReadRecord, plain_user: SisUser) -> None:
    """RFC 8259 §4 leaves it open; it is what most readers of JSON do."""
    record = json.dumps(a_record())[:-1].encode() + b', "givenName": "Ann", "givenName": "Eve"}'

    assert read_record(record)[0] == structs.replace(plain_user, given_name="Eve")


def test_of_a_field_in_several_cases_the_standard_s_counts(read_record: ReadRecord, plain_user: SisUser) -> None:
    record = b'{"EMAIL": "x@example.org", ' + json.dumps(a_record()).encode()[1:-1] + b', "Email": "y@example.org"}'

    assert read_record(record)[0] == plain_user


def test_fields_that_the_standard_does_not_have_are_left_behind(read_record: ReadRecord, plain_user: SisUser) -> None:
    record = a_record(ssn="078-05-1120", birthDate="2015-01-01", address={"street": "742 Evergreen Terrace"})

    assert read_record(record) == (plain_user, read_record(a_record())[1])
