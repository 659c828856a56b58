"""Providers whose dateLastModified is no date, or not as ISO 8601 has it: no reason to lose anybody."""

import pytest

from roster_sync.domain.user import SisUser
from tests.support.reading import ReadRecord, a_record


@pytest.mark.parametrize(
    "date",
    [
        "2026-11-01T00:00:00Z",
        "2026-11-01T00:00:00+01:00",
        "2026-11-01T00:00:00",
        "2026-11-01",
        "11/01/2026 3:04:05 PM",
        "yesterday",
        "",
        None,
        1793491200,
        {"$date": 1793491200},
    ],
)
def test_a_date_in_any_form_is_no_reason_to_lose_anybody(
    read_record: ReadRecord, plain_user: SisUser, date: object
) -> None:
    user, seen = read_record(a_record(dateLastModified=date))

    assert (user, seen.codes) == (plain_user, [])


def test_an_absent_date_is_none(read_record: ReadRecord, plain_user: SisUser) -> None:
    record = a_record()
    del record["dateLastModified"]

    assert read_record(record)[0] == plain_user
