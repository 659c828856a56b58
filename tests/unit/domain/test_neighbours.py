"""Whatever one record holds, it never raises, and what becomes of its neighbours is what would without it."""

import json
from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from roster_sync.domain.diff import Comparison
from roster_sync.domain.fetch_proof import FetchProof
from roster_sync.domain.identifiers import SourcedId
from roster_sync.domain.limits import limits_of
from roster_sync.domain.roster import Roster
from roster_sync.domain.user import SisUser
from roster_sync.oneroster.records import JsonRecordReader
from tests.support.builders import DISTRICT, NOW, RUN, settings
from tests.support.reading import AFTER, BEFORE, RULES, a_record

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3),
    max_leaves=8,
)
_fields = st.sampled_from([*a_record(), "roles", "primaryOrg", "userProfiles"])
_spelt = st.sampled_from([str, str.lower, str.upper])
_words = st.sampled_from(
    ["student", "Pupil", "active", "inactive", "school-1", "true", "K", "a@b.org", {"sourcedId": "school-1"}]
)
_records = st.dictionaries(
    st.builds(lambda field, spell: spell(field), _fields, _spelt), _json | _words | st.lists(_words, max_size=3)
).map(lambda fields: {**a_record(), **fields})


def night(records: Sequence[object]) -> dict[SourcedId, SisUser]:
    """The users of a first night; each record is among them, left out, or named."""
    comparison = Comparison(DISTRICT, Roster(RULES.schools.values(), frozenset(), RUN), RULES, JsonRecordReader())
    comparison.add([json.dumps(record).encode() for record in records])
    outcome = comparison.finish(
        FetchProof(True, None, len(records), len(records)), lambda _: {}, limits_of(settings(), [], NOW)
    )
    users = [change.user for change in map(comparison.change, outcome.planned) if change.user]
    kept = sum(len(user.sourced_ids) for user in users)
    assert comparison.received == kept + outcome.counts.skipped + outcome.counts.invalid
    return {user.sourced_ids[0]: user for user in users}


OTHERS = night([BEFORE, AFTER])


@given(_records | _json)
@example(a_record(sourcedId="A-1", givenName="Another"))
@example(a_record(email=BEFORE["email"]))
def test_one_record_never_changes_what_becomes_of_its_neighbours(record: object) -> None:
    seen = night([BEFORE, record, AFTER])

    assert {sourced_id: seen[sourced_id] for sourced_id in OTHERS} == OTHERS


@given(st.lists(_records | _json, max_size=4))
def test_of_any_records_each_becomes_a_user_is_left_out_or_is_named(records: list[object]) -> None:
    seen = night([BEFORE, *records, AFTER])

    assert OTHERS.keys() <= seen.keys()
