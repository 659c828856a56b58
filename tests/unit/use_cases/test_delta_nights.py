"""Nights that read only what changed end where nights that read everybody end."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_sync.domain.errors import ConfigurationError
from roster_sync.domain.reading import Fetch
from roster_sync.domain.run import Run, RunState
from tests.support.builders import DISTRICT, NOW, a_school, settings
from tests.support.nights import FakeProvider, Nights, a_record

DELTAS = settings(delta_nights=True, deactivation_percent=100)
EARLIER = "2026-11-20T08:00:00.000Z"


def dated(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"


def person(sourced_id: str, changed: str = EARLIER, **fields: Any) -> dict[str, Any]:
    return a_record(sourced_id, dateLastModified=changed, **fields)


EVERYBODY = [person("S-1"), person("S-2"), person("S-3"), person("S-4", "2026-11-24T08:00:00.000Z")]
NEWEST = EVERYBODY[-1]


def after_a_night(*others: dict[str, Any], **overrides: Any) -> Nights:
    """A district whose first night is over."""
    nights = Nights(district=settings(delta_nights=True, deactivation_percent=100, **overrides))
    first = nights.run(*EVERYBODY, *others)
    assert (first.state, fetch(first)) == (RunState.COMPLETED, Fetch.FULL)
    return nights


def fetch(run: Run) -> Fetch:
    assert run.reading is not None
    return run.reading.fetch


def why(run: Run) -> str:
    assert run.reading is not None
    return run.reading.fetch_reason or ""


def tonight(nights: Nights) -> str:
    return dated(nights.now + timedelta(hours=20))


def test_a_delta_reads_what_changed_and_touches_nobody_else() -> None:
    nights = after_a_night()
    provider = FakeProvider(
        [*EVERYBODY[1:], person("S-1", tonight(nights), givenName="New"), person("S-9", tonight(nights))]
    )

    run = nights.run(provider=provider)

    assert provider.asked == ["orgs", "users?dateLastModified>'2026-11-23T08:00:00.000Z'"]
    assert (run.state, fetch(run), why(run)) == (
        RunState.COMPLETED,
        Fetch.DELTA,
        "Only users whose record changed were read.",
    )
    assert (run.counts.fetched, run.counts.updated, run.counts.created, run.counts.unchanged) == (3, 1, 1, 1)
    assert nights.user("S-1").given_name == "New"
    assert all(user.active for user in nights.users.all(DISTRICT))


def test_absence_deactivates_nobody_until_everybody_is_read_again() -> None:
    nights = after_a_night(full_fetch_days=2)

    delta = nights.run(*EVERYBODY[1:])
    kept = nights.user("S-1").active
    full = nights.run(*EVERYBODY[1:])

    assert (fetch(delta), delta.counts.deactivated, kept) == (Fetch.DELTA, 0, True)
    assert (fetch(full), full.counts.deactivated, nights.user("S-1").active) == (Fetch.FULL, 1, False)


@pytest.mark.parametrize(
    "gone",
    [{"status": "tobedeleted"}, {"enabledUser": "false"}, {"orgs": [{"sourcedId": "org-2"}]}, {"role": "parent"}],
)
def test_a_record_that_says_so_deactivates_on_a_delta_too(gone: dict[str, Any]) -> None:
    nights = after_a_night()

    run = nights.run(*EVERYBODY[1:], person("S-1", tonight(nights), **gone))

    assert (fetch(run), run.counts.deactivated) == (Fetch.DELTA, 1)
    assert not nights.user("S-1").active


def test_the_threshold_holds_on_a_delta_too_and_everybody_is_read_after_it() -> None:
    nights = after_a_night()
    gone = [person(f"S-{number}", tonight(nights), status="tobedeleted") for number in range(1, 5)]

    blocked = nights.run(*gone)
    following = nights.run(*EVERYBODY)

    assert (fetch(blocked), blocked.state) == (Fetch.DELTA, RunState.BLOCKED)
    assert (fetch(following), why(following)) == (Fetch.FULL, "All users were read: the sync before is blocked.")


def test_the_newest_change_comes_from_the_data_and_does_not_go_back() -> None:
    nights = after_a_night()
    later = tonight(nights)

    runs = [nights.run(*EVERYBODY, person("S-5", later)), nights.run(*EVERYBODY[:3], person("S-5", later))]

    assert [run.reading.newest_change for run in runs if run.reading] == [datetime.fromisoformat(later)] * 2


def test_a_run_that_fails_advances_nothing() -> None:
    nights = after_a_night()
    nights.now += timedelta(days=7)
    failing = FakeProvider(EVERYBODY)
    failing.failure = ConfigurationError("The key is wrong. Enter it.")

    failed = nights.run(provider=failing)
    following = nights.run(*EVERYBODY)

    assert (failed.state, failed.reading) == (RunState.FAILED, None)
    assert (fetch(following), why(following)) == (Fetch.FULL, "All users were read: the sync before is failed.")


@pytest.mark.parametrize("change", ["settings", "schools"])
def test_after_a_change_of_settings_or_schools_everybody_is_read(change: str) -> None:
    nights = after_a_night()
    if change == "settings":
        nights.configure(DELTAS, [a_school()])
    else:
        nights.districts.put_school(a_school(school_id="high", oneroster_id="org-2"))

    run = nights.run(*EVERYBODY)

    assert (fetch(run), why(run)) == (Fetch.FULL, "All users were read: settings or schools have changed.")


def test_a_fetch_that_is_not_whole_gives_no_delta_to_build_upon() -> None:
    nights = Nights(district=DELTAS)
    nights.run(provider=FakeProvider(EVERYBODY, announced=9))

    run = nights.run(*EVERYBODY)

    assert fetch(run) is Fetch.FULL
    assert "not provably whole" in why(run)


_FILTERED = "users?dateLastModified>'2026-11-23T08:00:00.000Z'"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ([], "not even the last one known"),
        (ConfigurationError("It does not take a filter (400)."), "refuses to filter"),
    ],
)
def test_a_provider_that_no_longer_filters_is_read_whole_in_the_same_run(answer: Any, reason: str) -> None:
    nights = after_a_night()

    run = nights.run(provider=FakeProvider(EVERYBODY[1:], lists={_FILTERED: answer}))

    assert (run.state, fetch(run), run.counts.deactivated) == (RunState.COMPLETED, Fetch.FULL, 1)
    assert reason in why(run)


def test_changes_that_are_not_whole_are_replaced_by_everybody() -> None:
    class Losing(FakeProvider):
        def proof(self, distinct: int) -> Any:
            lost = "dateLastModified" in self.asked[-1]
            return super().proof(distinct) if not lost else FakeProvider([], announced=distinct + 1).proof(distinct)

    nights = after_a_night()

    run = nights.run(provider=Losing(EVERYBODY))

    assert fetch(run) is Fetch.FULL
    assert "provably whole" in why(run)


@pytest.mark.parametrize(
    ("stored", "changed"),
    [
        pytest.param(
            [
                person("T-1", role="teacher", email="t@x.org", familyName="Same"),
                person("T-2", role="administrator", email="t@x.org", familyName="Same"),
            ],
            {"sourced_id": "T-1", "role": "teacher", "email": "t@x.org", "familyName": "Same", "phone": "1"},
            id="one of several records of a person",
        ),
        pytest.param(
            [person("T-1", email="t@x.org", familyName="Same"), person("T-2")],
            {"sourced_id": "T-2", "email": "T@x.org", "familyName": "same"},
            id="somebody turns out to be another",
        ),
        pytest.param(
            [person("T-1", email="t@x.org")], {"sourced_id": "T-9", "email": "t@x.org"}, id="a new sourcedId, by e-mail"
        ),
        pytest.param(
            [person("T-1", identifier="7", familyName="Same")],
            {"sourced_id": "T-9", "identifier": "7", "familyName": "Same"},
            id="a new sourcedId, by identifier",
        ),
    ],
)
def test_who_cannot_be_recognised_among_the_changed_alone_is_among_everybody(
    stored: list[dict[str, Any]], changed: dict[str, Any]
) -> None:
    nights = after_a_night(*stored)
    new = person(changed=tonight(nights), **changed)
    others = [record for record in stored if record["sourcedId"] not in ("T-1", new["sourcedId"])]

    run = nights.run(*EVERYBODY, *others, new)

    assert (run.state, fetch(run)) == (RunState.COMPLETED, Fetch.FULL)


def test_of_a_provider_that_tells_no_schools_a_delta_lets_nobody_of_an_unchanged_school_be_told_unknown() -> None:
    orgs = ConfigurationError("The consumer key may not read /orgs.")
    nights = Nights(district=DELTAS, schools=[a_school(), a_school(school_id="high", oneroster_id="org-2")])
    everybody = [*EVERYBODY, person("S-8", orgs=[{"sourcedId": "org-2"}])]
    nights.run(provider=FakeProvider(everybody, lists={"orgs": orgs}))

    run = nights.run(provider=FakeProvider(everybody, lists={"orgs": orgs}))

    assert (run.state, fetch(run), nights.issues(run)) == (RunState.COMPLETED, Fetch.DELTA, [])


def test_a_provider_that_was_not_proven_is_read_whole() -> None:
    class Unproven(FakeProvider):
        def page(self, endpoint: str, *, limit: int, offset: int, filter: str | None = None) -> Any:  # noqa: A002
            return super().page(endpoint, limit=limit, offset=offset)

    nights = Nights(district=DELTAS)
    nights.run(provider=Unproven(EVERYBODY))

    run = nights.run(*EVERYBODY)

    assert why(run) == "All users were read: the provider does not honour filters by dateLastModified."


# The property

_SCHOOLS = ["org-1", "org-2", "org-9"]
_fields = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["student", "student", "teacher", "parent"]),
        "givenName": st.sampled_from(["Ada", "Zoë"]),
        "familyName": st.just("Núñez"),
        "email": st.sampled_from([None, None, "own", "own", "shared@example.org"]),
        "identifier": st.sampled_from([None, None, None, "7"]),
        "orgs": st.lists(st.sampled_from(_SCHOOLS).map(lambda org: {"sourcedId": org}), min_size=1, max_size=2),
        "status": st.sampled_from(["active", "active", "active", "tobedeleted"]),
    }
)
_IDS = [f"S-{number}" for number in range(5)]
_snapshots = st.dictionaries(st.sampled_from(_IDS), _fields)
ANCHOR = {"S-anchor": person("S-anchor")}
"""Keeps the district from being empty, which would block its runs."""


class Sis:
    """A provider's data: each change of a record gets the date of its clock."""

    def __init__(self, skew: timedelta) -> None:
        self._skew = skew
        self._records: dict[str, dict[str, Any]] = {}

    def becomes(self, snapshot: Mapping[str, Mapping[str, Any]], now: datetime) -> list[dict[str, Any]]:
        before, self._records = self._records, {}
        for sourced_id, fields in {**ANCHOR, **snapshot}.items():
            email = f"{sourced_id}@example.org" if fields.get("email") == "own" else fields.get("email")
            record = a_record(sourced_id, **{**fields, "email": email, "dateLastModified": None})
            same = {**before.get(sourced_id, {}), "dateLastModified": None} == record
            record["dateLastModified"] = before[sourced_id]["dateLastModified"] if same else dated(now + self._skew)
            self._records[sourced_id] = record
        return list(self._records.values())


def table(nights: Nights) -> dict[str, tuple[Any, ...]]:
    return {
        user.user_id: (user.active, user.sourced_ids, user.role, user.school_ids, user.given_name, user.email)
        for user in nights.users.all(DISTRICT)
    }


@given(
    st.lists(_snapshots, min_size=2, max_size=5),
    st.timedeltas(timedelta(days=-400), timedelta(hours=20)),
    st.booleans(),
)
def test_deltas_come_to_the_same_as_full_nights_once_everybody_is_read_again(
    snapshots: list[dict[str, dict[str, Any]]], skew: timedelta, by_school: bool
) -> None:
    schools = [a_school(), a_school(school_id="high", oneroster_id="org-2")]
    orgs = [{"sourcedId": org, "type": "school"} for org in _SCHOOLS] if by_school else None
    with_deltas = Nights(district=DELTAS, schools=schools, now=NOW)
    with_full = Nights(district=settings(deactivation_percent=100), schools=schools, now=NOW)
    sis = Sis(skew)
    for snapshot in snapshots:
        records = sis.becomes(snapshot, with_full.now + timedelta(hours=23))

        for nights in (with_deltas, with_full):
            nights.run(provider=FakeProvider(records, orgs=orgs))

        present = {record["sourcedId"] for record in records}
        full, deltas = table(with_full), table(with_deltas)
        for user_id, user in full.items():
            if present.issuperset(user[1]):
                assert deltas[user_id] == user

    for nights in (with_deltas, with_full):
        nights.now += timedelta(days=8)
        last = nights.run(provider=FakeProvider(records, orgs=orgs))
        assert fetch(last) is Fetch.FULL
    assert table(with_deltas) == table(with_full)
