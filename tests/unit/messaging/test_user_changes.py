"""The message that carries a chunk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_sync.domain.change import Change, ChangeKind, Restoration
from roster_sync.domain.identifiers import UserId
from roster_sync.domain.user import Role, SisUser
from roster_sync.messaging.user_changes import from_json, to_json
from tests.support.builders import LATER_RUN, a_bare_sis_user, a_change, a_chunk, a_deactivation

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
    record_digest=st.none() | st.binary(min_size=1, max_size=32),
)
deactivating = words.map(a_deactivation)
changes = st.lists(storing | deactivating, max_size=5)


@given(changes)
def test_a_chunk_arrives_as_it_was_sent(some_changes: list[Change]) -> None:
    chunk = a_chunk(some_changes, attempt=2, fence=3, number=4, products=frozenset({"serve", "jobs"}))

    assert from_json(to_json(chunk)) == chunk


def test_a_chunk_of_an_approval_says_since_when_its_users_must_be_unchanged() -> None:
    chunk = a_chunk([a_deactivation()], unchanged_since=7)

    assert from_json(to_json(chunk)) == chunk


def test_a_chunk_of_the_version_before_is_read() -> None:
    body = to_json(a_chunk()).replace('"version":2', '"version":1')

    assert from_json(body) == a_chunk()


def test_absent_values_are_not_in_the_message() -> None:
    chunk = a_chunk([a_change(user=a_bare_sis_user())])

    body = to_json(chunk)

    assert "null" not in body
    assert "grades" not in body


def test_a_chunk_of_an_unknown_version_is_refused() -> None:
    body = to_json(a_chunk()).replace('"version":2', '"version":99')

    with pytest.raises(ValueError, match="99"):
        from_json(body)


@pytest.mark.parametrize("body", ["", "{}", '{"version":1,"run_id":"r"}'])
def test_what_is_no_chunk_is_refused(body: str) -> None:
    with pytest.raises((KeyError, ValueError)):
        from_json(body)


def test_what_brings_a_user_back_arrives_whole() -> None:
    restoration = Restoration(
        LATER_RUN, {"status": "active", "grades": ["02"], "counselor_email": None, "metadata": {"a": "b"}}, ("email",)
    )
    chunk = a_chunk([Change(ChangeKind.REACTIVATE, UserId("u-1"), None, None, restoration=restoration)])

    assert from_json(to_json(chunk)) == chunk
