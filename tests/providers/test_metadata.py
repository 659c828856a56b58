"""Providers whose metadata are not just texts by name."""

import pytest
from msgspec import structs

from roster_sync.domain.user import SisUser
from tests.support.reading import ReadRecord, a_record

KEY = "ic.legacysourceId"


@pytest.mark.parametrize("metadata", [None, {}, [], "", "none", 5, {"other": {"deep": [1, {"x": None}]}}])
def test_metadata_that_are_none_or_hold_nothing_wanted_are_nothing(
    read_record: ReadRecord, plain_user: SisUser, metadata: object
) -> None:
    user, seen = read_record(a_record(metadata=metadata))

    assert user == structs.replace(plain_user, metadata=(), sis_counselor_email=None)
    assert seen.codes == []


@pytest.mark.parametrize(
    ("metadata", "pairs"),
    [
        ({"homeroom": 7, KEY: "a"}, (("homeroom", "7"), (KEY, "a"))),
        ({"homeroom": None, KEY: 4711}, ((KEY, "4711"),)),
        ({"homeroom": False}, (("homeroom", "false"),)),
        ({"homeroom": ["2B"]}, (("homeroom", "2B"),)),
        ({"ic": {"legacysourceId": "a"}}, ((KEY, "a"),)),
        ({KEY: "a", "ic": {"legacysourceId": "b"}}, ((KEY, "a"),)),
        ({"ic": "text"}, ()),
    ],
)
def test_values_become_text_and_keys_with_dots_are_keys_or_paths(
    read_record: ReadRecord, plain_user: SisUser, metadata: dict[str, object], pairs: tuple[tuple[str, str], ...]
) -> None:
    user, seen = read_record(a_record(metadata={"counselor": "ruth@example.org", **metadata}))

    assert user == structs.replace(plain_user, metadata=pairs)
    assert seen.codes == []


@pytest.mark.parametrize("value", [["2B", "3C"], {"room": "2B"}, [], "x" * 1_001], ids=lambda value: str(value)[:20])
def test_a_value_that_cannot_be_text_is_dropped_and_named(
    read_record: ReadRecord, plain_user: SisUser, value: object
) -> None:
    user, seen = read_record(a_record(metadata={"homeroom": value}))

    assert user == structs.replace(plain_user, metadata=(), sis_counselor_email=None)
    assert seen.codes == [("value_dropped", "U-1")]


@pytest.mark.parametrize("value", ["Ruth Powers", 5, {"email": "ruth@example.org"}, ["a@b.org", "c@d.org"]])
def test_a_counselor_email_that_is_none_is_dropped_and_named(
    read_record: ReadRecord, plain_user: SisUser, value: object
) -> None:
    user, seen = read_record(a_record(metadata={"counselor": value}))

    assert user == structs.replace(plain_user, metadata=(), sis_counselor_email=None)
    assert seen.codes == [("counselor_email_invalid", "U-1")]
