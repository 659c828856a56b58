"""The message that carries a chunk, and how changes become chunks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_sync.domain.change import Change, ChangeKind
from roster_sync.domain.user import Role, SisUser
from roster_sync.messaging.user_changes import MAX_CHANGES, from_json, split, to_json
from tests.support.builders import a_bare_sis_user, a_change, a_chunk, a_deactivation, a_sis_user

# SQS takes 1 MiB; the chunk's own fields add little to 200 kB of changes.
MESSAGE_BYTES = 205_000

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
optional_words = st.none() | words
word_lists = st.lists(words, max_size=3).map(tuple)
pair_lists = st.lists(st.tuples(words, words), max_size=3).map(tuple)
sis_users = st.builds(
    SisUser,
    sourced_ids=st.lists(words, min_size=1, max_size=3).map(tuple),
    sis_role=st.sampled_from(Role),
    username=optional_words,
    given_name=optional_words,
    middle_name=optional_words,
    family_name=optional_words,
    email=optional_words,
    identifier=optional_words,
    phone=optional_words,
    sms=optional_words,
    grades=word_lists,
    school_ids=word_lists,
    agents=word_lists,
    user_ids=pair_lists,
    sis_counselor_email=optional_words,
    metadata=pair_lists,
)
storing = st.builds(
    Change,
    kind=st.sampled_from([kind for kind in ChangeKind if kind is not ChangeKind.DEACTIVATE]),
    user_id=words,
    user=sis_users,
    fingerprint=st.binary(min_size=1, max_size=32),
)
deactivating = words.map(a_deactivation)
changes = st.lists(storing | deactivating, max_size=5)


@given(changes)
def test_a_chunk_arrives_as_it_was_sent(some_changes: list[Change]) -> None:
    chunk = a_chunk(some_changes, attempt=2, fence=3, number=4, products=frozenset({"serve", "jobs"}))

    assert from_json(to_json(chunk)) == chunk


def test_absent_values_are_not_in_the_message() -> None:
    chunk = a_chunk([a_change(user=a_bare_sis_user())])

    body = to_json(chunk)

    assert "null" not in body
    assert "grades" not in body


def test_a_chunk_of_an_unknown_version_is_refused() -> None:
    body = to_json(a_chunk()).replace('"version":1', '"version":99')

    with pytest.raises(ValueError, match="99"):
        from_json(body)


@pytest.mark.parametrize("body", ["", "{}", '{"version":1,"run_id":"r"}'])
def test_what_is_no_chunk_is_refused(body: str) -> None:
    with pytest.raises((KeyError, ValueError)):
        from_json(body)


@given(changes)
def test_splitting_loses_and_reorders_nothing(some_changes: list[Change]) -> None:
    batches = list(split(some_changes))

    assert [change for batch in batches for change in batch] == some_changes
    assert all(batches)


def test_small_changes_are_split_by_number() -> None:
    some_changes = [a_deactivation(f"u-{number}") for number in range(2 * MAX_CHANGES + 1)]

    sizes = [len(batch) for batch in split(some_changes)]

    assert sizes == [MAX_CHANGES, MAX_CHANGES, 1]


@pytest.mark.parametrize("filler", ["x", "é", "\x00", "\U0001f600"])
def test_large_changes_are_split_by_the_bytes_of_their_message(filler: str) -> None:
    large = a_change(user=a_sis_user(username=filler * 1_000))

    batches = list(split([large] * 400))

    assert all(len(to_json(a_chunk(batch)).encode()) <= MESSAGE_BYTES for batch in batches)


def test_a_change_that_alone_exceeds_a_message_travels_alone() -> None:
    huge = a_change(user=a_sis_user(metadata=(("notes", "x" * 300_000),)))

    assert list(split([huge, huge])) == [[huge], [huge]]


def test_the_estimate_is_not_far_above_the_message() -> None:
    batch = next(split([a_change()] * MAX_CHANGES))

    assert len(batch) == MAX_CHANGES
