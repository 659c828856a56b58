"""Calling the function that tests a connection."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError

from roster_sync.domain.errors import TooManyTestsError, TransientError
from roster_sync.messaging.connection_test import ConnectionTest
from roster_sync.use_cases.probe_provider import report_of_too_many_tests
from tests.support.invocations import Invocations, serve_invocations


@pytest.fixture
def invocations(monkeypatch: pytest.MonkeyPatch) -> Iterator[Invocations]:
    with serve_invocations() as served:
        monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", served.url)
        yield served


def test_the_report_is_what_the_function_answers(invocations: Invocations) -> None:
    invocations.answer = {"ok": False, "steps": [{"name": "tls"}]}

    report = ConnectionTest("the-function").run({"district_id": "springfield"})

    assert report == {"ok": False, "steps": [{"name": "tls"}]}
    assert invocations.requests == [("the-function", {"district_id": "springfield"})]


def test_a_district_that_was_tested_too_often_is_told_how_long_to_wait(invocations: Invocations) -> None:
    invocations.answer = report_of_too_many_tests(timedelta(seconds=42)).as_dict()

    with pytest.raises(TooManyTestsError, match="Test again in 42 seconds") as refusal:
        ConnectionTest("the-function").run({})

    assert refusal.value.retry_after_s == 42


def test_a_function_that_failed_may_be_tried_again(invocations: Invocations) -> None:
    invocations.answer = {"errorMessage": "hunter2"}
    invocations.function_error = "Unhandled"

    with pytest.raises(TransientError, match=r"^The test did not come to an end\.$"):
        ConnectionTest("the-function").run({})


@pytest.mark.parametrize("status", [429, 500])
def test_a_function_that_cannot_be_called_may_be_tried_again(invocations: Invocations, status: int) -> None:
    invocations.status = status

    with pytest.raises(TransientError, match=r"^The test could not be started\.$"):
        ConnectionTest("the-function").run({})

    assert len(invocations.requests) == 1


def test_a_call_that_the_policy_forbids_is_a_defect(invocations: Invocations) -> None:
    invocations.status = 403

    with pytest.raises(ClientError):
        ConnectionTest("the-function").run({})
