"""Providers that send numbers, booleans, spaces or nothing where the standard has text."""

import pytest
from msgspec import structs

from roster_sync.domain.user import SisUser
from tests.support.reading import ReadRecord, a_record

FIELDS = {
    "username": "username",
    "givenName": "given_name",
    "middleName": "middle_name",
    "familyName": "family_name",
    "identifier": "identifier",
    "phone": "phone",
    "sms": "sms",
}


@pytest.mark.parametrize("field", [*FIELDS, "email"])
@pytest.mark.parametrize("nothing", [None, "", "   "])
def test_null_and_empty_text_are_nothing(
    read_record: ReadRecord, plain_user: SisUser, field: str, nothing: str | None
) -> None:
    user, seen = read_record(a_record(**{field: nothing}))

    assert user == structs.replace(plain_user, **{FIELDS.get(field, field): None})
    assert seen.codes == []


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    ("sent", "kept"),
    [(4711, "4711"), (4711.0, "4711"), (True, "true"), (" Ann  Lee ", "Ann  Lee"), ("A\u0000nn", "Ann")],
)
def test_numbers_booleans_and_untidy_text_become_text(
    read_record: ReadRecord, plain_user: SisUser, field: str, sent: object, kept: str
) -> None:
    user, seen = read_record(a_record(**{field: sent}))

    assert user == structs.replace(plain_user, **{FIELDS[field]: kept})
    assert seen.codes == []


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    "sent", [["Ann"], {"value": "Ann"}, "x" * 1_001, "x" * 1_000_000], ids=lambda sent: str(sent)[:20]
)
def test_what_is_no_text_or_endless_is_dropped_and_named(
    read_record: ReadRecord, plain_user: SisUser, field: str, sent: object
) -> None:
    user, seen = read_record(a_record(**{field: sent}))

    assert user == structs.replace(plain_user, **{FIELDS[field]: None})
    assert seen.codes == [("value_dropped", "U-1")]


@pytest.mark.parametrize("email", [" ann@example.org", "ann+school@example.org", "ÄNN@example.org"])
def test_an_email_address_is_kept_as_it_is_given(read_record: ReadRecord, plain_user: SisUser, email: str) -> None:
    user, seen = read_record(a_record(email=email))

    assert (user, seen.codes) == (structs.replace(plain_user, email=email), [])


@pytest.mark.parametrize("email", ["ann", "ann @example.org", "@", 5, ["ann@example.org"], f"{'a' * 250}@example.org"])
def test_an_email_address_that_is_none_is_dropped_and_named(
    read_record: ReadRecord, plain_user: SisUser, email: object
) -> None:
    user, seen = read_record(a_record(email=email))

    assert user == structs.replace(plain_user, email=None)
    assert seen.codes == [("email_invalid", "U-1")]


@pytest.mark.parametrize(
    ("sent", "kept"), [(4711, "4711"), ("a/b c+%", "a/b c+%"), ("ü" * 255, "ü" * 255), ("{D-1}", "{D-1}")]
)
def test_a_sourced_id_is_kept_to_the_letter(
    read_record: ReadRecord, plain_user: SisUser, sent: object, kept: str
) -> None:
    user, seen = read_record(a_record(sourcedId=sent), sourced_id=kept)

    assert user == structs.replace(plain_user, sourced_ids=(kept,))
    assert seen.codes == []
