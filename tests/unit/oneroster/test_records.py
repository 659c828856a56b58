"""One record that cannot be read takes no other along."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_sync.oneroster.records import JsonRecordReader

DEEP = b'{"sourcedId": "a", "metadata": ' + b"[" * sys.getrecursionlimit() + b"]" * sys.getrecursionlimit() + b"}"


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"9" * 5000, b"NaN", b"-Infinity"])
def test_a_number_beyond_all_bounds_is_null(number: bytes) -> None:
    record = b'{"sourcedId": "a", "identifier": %b}' % number

    assert JsonRecordReader().read(record) == {"sourcedId": "a", "identifier": None}


def test_a_record_nested_too_deep_is_no_record() -> None:
    reader = JsonRecordReader()

    assert reader.sourced_id(DEEP) is None
    assert reader.read(DEEP) is None


def test_a_sourced_id_is_found_beside_values_that_cannot_be_read() -> None:
    assert JsonRecordReader().sourced_id(b'{"identifier": 1e999, "sourcedId": "a"}') == "a"


def test_the_standard_s_fields_are_known_in_any_case_and_metadata_is_left_as_it_is() -> None:
    record = b'{"SOURCEDID": "a", "givenname": "Ada", "Orgs": [{"sourcedid": "o"}], "metadata": {"Email": 1}, "X": 2}'

    assert JsonRecordReader().read(record) == {
        "sourcedId": "a",
        "givenName": "Ada",
        "orgs": [{"sourcedId": "o"}],
        "metadata": {"Email": 1},
        "X": 2,
    }


def test_a_field_in_the_standard_s_spelling_goes_before_another() -> None:
    assert JsonRecordReader().read(b'{"email": "a@b", "EMAIL": "c@d"}') == {"email": "a@b"}


@pytest.mark.parametrize("depth", [300, 900, 2000])
def test_a_record_in_other_case_never_raises_however_deep_it_is_nested(depth: int) -> None:
    deep = b"[" * depth + b"]" * depth

    read = JsonRecordReader().read(b'{"SourcedID": "a", "agents": %b}' % deep)

    assert read is None or (isinstance(read, dict) and read["sourcedId"] == "a")


@given(
    parts=st.lists(st.sampled_from(['{"sourcedId": "a"', ', "n": ', "[", "]", "}", '"\\ud83d', '"', "\t", "12", "ü"]))
)
def test_a_record_is_read_if_the_standard_library_can_read_it_and_never_raises(parts: list[str]) -> None:
    reader = JsonRecordReader()
    record = "".join(parts)

    assert reader.sourced_id(record.encode()) in ("a", None)
    assert (reader.read(record.encode()) is not None) == _is_json(record)


def _is_json(text: str) -> bool:
    try:
        json.loads(text, strict=False)
    except ValueError:
        return False
    return True
