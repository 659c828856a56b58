"""The routes of exporting users, and of the consent to that."""

from datetime import timedelta

import pytest

from tests.support.builders import DISTRICT, NOW, a_user
from tests.support.events import district_admin, support
from tests.unit.api.conftest import Client

TOMORROW = {"until": (NOW + timedelta(days=1)).isoformat()}


@pytest.fixture
def peopled(client: Client) -> Client:
    """A client of a district with a user."""
    client.users.put(a_user())
    client.claims = {**district_admin(DISTRICT), "email": "admin@example.org"}
    return client


def test_an_administrator_exports_the_districts_users(peopled: Client) -> None:
    answer = peopled.send("GET", "/export/users")

    assert (answer.status, [item["user_id"] for item in answer.json["items"]]) == (200, ["u-1"])


def test_staff_export_users_only_while_the_districts_consent_holds(peopled: Client) -> None:
    given = peopled.send("PUT", "/export/consent", body=TOMORROW)
    peopled.claims = support()
    with_consent = peopled.send("GET", "/export/users")
    peopled.now = NOW + timedelta(days=1)
    after_it = peopled.send("GET", "/export/users")

    assert (given.status, given.json["given_by"]) == (200, "admin@example.org")
    assert (with_consent.status, len(with_consent.json["items"])) == (200, 1)
    assert (after_it.status, "items" in after_it.json) == (403, False)
    assert after_it.json["detail"].startswith("This district has not consented to an export of its users.")
    assert peopled.send("GET", "/export/consent").json == {"until": None, "given_by": None, "given_at": None}


def test_a_withdrawn_consent_holds_no_more(peopled: Client) -> None:
    peopled.send("PUT", "/export/consent", body=TOMORROW)

    assert peopled.send("DELETE", "/export/consent").status == 204

    peopled.claims = support()
    assert peopled.send("GET", "/export/users").status == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_staff_can_neither_give_nor_withdraw_it(peopled: Client, method: str) -> None:
    peopled.claims = support()

    answer = peopled.send(method, "/export/consent", body=TOMORROW if method == "PUT" else None)

    assert (answer.status, answer.json["detail"]) == (
        403,
        "Only the district's administrator may decide about this. Ask the district.",
    )


@pytest.mark.parametrize("days", [-1, 0, 31])
def test_a_consent_ends_in_the_future_and_within_thirty_days(peopled: Client, days: int) -> None:
    answer = peopled.send("PUT", "/export/consent", body={"until": (NOW + timedelta(days=days)).isoformat()})

    assert answer.status == 422
    assert peopled.send("GET", "/export/consent").json["until"] is None
