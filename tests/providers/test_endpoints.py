"""Each endpoint of rostering is read by the same paging, under the wrapper that the standard gives it."""

import pytest

from tests.support.fetching import Fetch
from tests.support.provider import users
from tests.support.roster_server import wrapper_of

WRAPPERS = {
    "orgs": "orgs",
    "schools": "orgs",
    "users": "users",
    "students": "users",
    "teachers": "users",
    "schools/S 1/students": "users",
    "schools/S 1/teachers": "users",
    "demographics": "demographics",
    "academicSessions": "academicSessions",
    "terms": "academicSessions",
    "classes": "classes",
    "courses": "courses",
    "enrollments": "enrollments",
}


@pytest.mark.parametrize("endpoint", list(WRAPPERS))
def test_an_endpoint_is_read_whole(fetch: Fetch, endpoint: str) -> None:
    fetched = fetch(users(25), endpoint=endpoint)

    assert wrapper_of(endpoint) == WRAPPERS[endpoint]
    assert fetched.records == users(25)
    assert fetched.proof.whole
