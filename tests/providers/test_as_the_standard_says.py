"""A provider that does all that the standard recommends."""

from functools import partial

import pytest

from roster_sync.domain.sign_in import SignInMethod
from tests.providers.conftest import SIGN_INS, STANDARD, Case
from tests.support.fetching import Fetch
from tests.support.provider import KEY, Bearer, OAuth2, users

TOKEN = "eyJhbGciOiJub25lIn0.e30."
MORE_SIGN_INS = SIGN_INS | {
    "OAuth 2, key and secret in the body": Case(
        partial(OAuth2, client="body"), STANDARD.client, SignInMethod.OAUTH2_BODY
    ),
    "token given once for all": Case(
        partial(Bearer, TOKEN), {"consumer_key": KEY, "consumer_secret": TOKEN}, SignInMethod.BEARER
    ),
}


@pytest.fixture(params=MORE_SIGN_INS.values(), ids=list(MORE_SIGN_INS))
def sign_in(request: pytest.FixtureRequest) -> Case:
    """More ways to sign in than the other tests have time for."""
    case = request.param
    assert isinstance(case, Case)
    return case


def test_a_collection_comes_whole_in_order_and_is_proven(fetch: Fetch, endpoint: str) -> None:
    fetched = fetch(users(95), endpoint=endpoint)

    assert fetched.records == users(95)
    assert fetched.proof.whole
    planned = [(offset, 10) for offset in range(0, 94, 9)]
    assert sorted(fetched.spans) == [*planned, (94, 10)]


def test_an_empty_collection_is_whole(fetch: Fetch, endpoint: str) -> None:
    fetched = fetch([], endpoint=endpoint)

    assert fetched.records == []
    assert fetched.proof.whole
