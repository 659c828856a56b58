"""The portal through its handler."""

from collections.abc import Iterator

import pytest

from functions.portal import app
from tests.support.deployed import Context, event_of


@pytest.fixture(autouse=True)
def deployed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SIGN_IN_URL", "https://roster-sync.auth.us-east-1.amazoncognito.com")
    monkeypatch.setenv("UPLOADS_URL", "https://uploads.s3.us-east-1.amazonaws.com")
    app.portal.cache_clear()
    yield
    app.portal.cache_clear()


def test_the_page_is_served() -> None:
    answer = app.handler(event_of("portal"), Context())

    assert (answer["statusCode"], answer["headers"]["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_the_page_gets_its_client_from_the_stage() -> None:
    event = {**event_of("portal"), "pathParameters": {"proxy": "config.json"}}

    answer = app.handler(event, Context())

    assert '"client_id": "4f5g6h7j8k9l0m1n2p3q4r5s6t"' in answer["body"]
