"""What is held comes back as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_sync.domain.fingerprint import fingerprint, pack
from roster_sync.domain.held_users import HeldUsers
from roster_sync.domain.user import Role, SisUser
from tests.support.builders import a_sis_user
from tests.support.rosters import sis_users

_KEYS = st.integers(-(2**63), 2**63 - 1)
_DIGESTS = st.none() | st.binary(min_size=16, max_size=16).filter(any)


def hold(held: HeldUsers, user: SisUser, digest: bytes | None = None, email_key: int = 0, row: int = -1) -> int:
    packed = pack(user)
    return held.append(packed, fingerprint(packed), digest, email_key, row)


@given(st.lists(st.tuples(sis_users(), _DIGESTS, _KEYS, st.integers(-1, 10_000_000))))
def test_everything_held_of_a_user_comes_back_as_it_was(users: list[tuple[SisUser, bytes | None, int, int]]) -> None:
    held = HeldUsers()

    indices = [hold(held, *user) for user in users]

    assert indices == list(range(len(users)))
    assert [(held[i], held.digest(i), held.email_keys[i], held.rows[i]) for i in indices] == users
    assert [held.fingerprint(index) for index in indices] == [fingerprint(pack(user)) for user, *_ in users]


@pytest.mark.parametrize("count", [0, 1, 300])
def test_users_come_back_in_any_order(count: int) -> None:
    held = HeldUsers()
    for number in range(count):
        hold(held, a_sis_user(sourced_ids=(f"S-{number}",)), (number + 1).to_bytes(16))

    backwards = [(held[index].sourced_ids, held.digest(index)) for index in reversed(range(count))]

    assert len(held) == count
    assert backwards == [((f"S-{number}",), (number + 1).to_bytes(16)) for number in reversed(range(count))]


def test_users_can_be_appended_after_others_were_read() -> None:
    held = HeldUsers()
    for number in range(3):
        hold(held, a_sis_user(username=f"u{number}"))
    first = held[0]

    index = hold(held, a_sis_user(username="last"))

    assert (first.username, held[index].username, held[2].username) == ("u0", "last", "u2")


def test_a_role_comes_back_as_a_role() -> None:
    held = HeldUsers()
    for _ in range(3):
        hold(held, a_sis_user(sis_role=Role.COUNSELOR))

    assert held[0].sis_role is Role.COUNSELOR


@pytest.mark.parametrize("count", [0, 3])
def test_there_is_no_user_beyond_the_last(count: int) -> None:
    held = HeldUsers()
    for _ in range(count):
        hold(held, a_sis_user())

    with pytest.raises(IndexError):
        held[count]
