"""Providers that name a user's schools in other ways than as a list of GUIDRefs."""

import pytest
from msgspec import structs

from roster_sync.domain.user import SisUser
from tests.support.reading import ReadRecord, a_record

REF = {"href": "https://sis.example.org/orgs/school-1", "sourcedId": "school-1", "type": "org"}


@pytest.mark.parametrize(
    ("orgs", "school_ids"),
    [
        ([{"sourcedId": "school-1"}], ("elementary",)),
        ([{**REF, "type": "school"}], ("elementary",)),
        ([{**REF, "href": None}], ("elementary",)),
        ([{**REF, "name": "Springfield Elementary"}], ("elementary",)),
        (REF, ("elementary",)),
        ("school-1", ("elementary",)),
        (["school-1"], ("elementary",)),
        ([None, REF, {}, REF], ("elementary",)),
        ([{**REF, "sourcedId": "district", "type": "district"}, REF], ("elementary",)),
        ([REF, {**REF, "sourcedId": "school-2"}, {**REF, "sourcedId": "school-9"}], ("elementary", "high")),
    ],
)
def test_the_schools_are_found_however_they_are_named(
    read_record: ReadRecord, plain_user: SisUser, orgs: object, school_ids: tuple[str, ...]
) -> None:
    user, seen = read_record(a_record(orgs=orgs))

    assert user == structs.replace(plain_user, school_ids=school_ids)
    assert seen.codes == []


@pytest.mark.parametrize("orgs", [None, [], {}, "", [{}], [{"href": "https://sis.example.org/orgs/school-1"}]])
def test_a_user_without_orgs_is_named(read_record: ReadRecord, orgs: object) -> None:
    user, seen = read_record(a_record(orgs=orgs))

    assert (user, seen.invalid, seen.codes) == (None, 1, [("orgs_missing", "U-1")])


@pytest.mark.parametrize("role", ["student", "teacher", "administrator"])
def test_who_is_of_the_district_alone_is_of_no_mapped_school_and_left_out(read_record: ReadRecord, role: str) -> None:
    user, seen = read_record(a_record(role=role, orgs=[{"sourcedId": "district", "type": "org"}]))

    assert (user, seen.skipped, seen.codes) == (None, 1, [])


def test_an_org_s_number_is_its_sourced_id(read_record: ReadRecord) -> None:
    _, seen = read_record(a_record(orgs=[{"sourcedId": 4711}]))

    assert (seen.skipped, seen.codes) == (1, [])
