"""Providers that spell grades in their own way; the standard's are the codes of CEDS (OneRoster 1.1 §4.13)."""

import pytest
from msgspec import structs

from roster_sync.domain.user import SisUser
from tests.support.reading import ReadRecord, a_record


@pytest.mark.parametrize(
    ("sent", "grades"),
    [
        (["09"], ("09",)),
        ("09", ("09",)),
        ("9", ("09",)),
        (9, ("09",)),
        ([9], ("09",)),
        ([9.0], ("09",)),
        (["9th grade"], ("09",)),
        (["Grade 9"], ("09",)),
        ("09,10", ("09", "10")),
        (["10", "09", 9], ("09", "10")),
        ("K", ("KG",)),
        (["Kindergarten"], ("KG",)),
        (["kg"], ("KG",)),
        (["pre-k"], ("PK",)),
        (["other"], ("Other",)),
        (["ungraded"], ("UG",)),
        (["Form 3"], ("Form 3",)),
        (None, ()),
        ([], ()),
        ("", ()),
        ([None, ""], ()),
    ],
)
def test_grades_are_known_in_any_usual_spelling_and_kept_in_others(
    read_record: ReadRecord, plain_user: SisUser, sent: object, grades: tuple[str, ...]
) -> None:
    user, seen = read_record(a_record(grades=sent))

    assert user == structs.replace(plain_user, grades=grades)
    assert seen.codes == []


@pytest.mark.parametrize("sent", [[{}], [["09"]], {"grade": "09"}])
def test_a_grade_that_is_no_text_is_dropped_and_named(
    read_record: ReadRecord, plain_user: SisUser, sent: object
) -> None:
    user, seen = read_record(a_record(grades=sent))

    assert user == structs.replace(plain_user, grades=())
    assert seen.codes == [("value_dropped", "U-1")]
