"""A new district is set up by its administrator alone, with nothing but the page."""

import secrets

import pytest

from local.cli_api import DistrictApi
from local.sample_provider import SampleProvider
from local.stack import Account, Stack
from tests.browser.conftest import AVisitor
from tests.browser.visitor import Visitor


@pytest.fixture
def newcomer(stack: Stack) -> tuple[str, Account]:
    """A district nobody has entered anything for, and its administrator."""
    district_id = f"new-{secrets.token_hex(4)}"
    return district_id, stack.create_account(district_id=district_id, role="district_admin")


def enter(visitor: Visitor, provider: SampleProvider, *, secret: str | None = None) -> None:
    visitor.go("OneRoster Settings")
    visitor.fill("Base URL", provider.base_url)
    visitor.fill("Consumer key", provider.consumer_key)
    visitor.fill("Consumer secret", secret or provider.consumer_secret)


def test_from_signing_in_to_a_completed_night(
    stack: Stack, newcomer: tuple[str, Account], provider: SampleProvider, a_visitor: AVisitor
) -> None:
    district_id, account = newcomer
    visitor = a_visitor(account)
    visitor.sees("Set up your district")

    enter(visitor, provider)
    visitor.press("Test Settings")
    visitor.sees("The settings work.")
    visitor.press("Use for counselors counselorEmail")
    for product in ("jobs", "journey", "serve"):
        visitor.page.get_by_label(product).check()
    visitor.press("Save")
    visitor.sees("Saved.")
    visitor.page.get_by_role("link", name="Give your schools their OneRoster IDs").click()
    visitor.press("Accept all 3")
    visitor.sees("Every school of your SIS is among yours.")
    visitor.go("Home")
    visitor.sees("The next sync starts on")
    begins = DistrictApi(stack, district_id).get("settings")["next_night"]
    stack.invoke("DispatchFunction", {"scheduled_time": begins})
    visitor.go("Runs")
    visitor.page.get_by_role("row", name="Nightly sync").get_by_role("link").click()

    visitor.sees("Completed with issues")
    visitor.sees("Records read")
    visitor.go("Users")
    visitor.sees("50 users so far.")
    assert f"#/{district_id}/users" in visitor.page.url


def test_a_wrong_secret_is_named_and_mended(
    newcomer: tuple[str, Account], provider: SampleProvider, a_visitor: AVisitor
) -> None:
    _, account = newcomer
    visitor = a_visitor(account)
    enter(visitor, provider, secret="wrong")
    visitor.press("Test Settings")
    visitor.sees("1 step did not work. Here is why, and what to do.")
    visitor.sees("Enter the consumer key and the consumer secret again")

    visitor.fill("Consumer secret", provider.consumer_secret)
    visitor.press("Test Settings")

    visitor.sees("The settings work.")
    visitor.press("Save")
    visitor.sees("Saved.")
    visitor.page.reload()
    assert visitor.page.get_by_label("Consumer secret").input_value() == ""
    assert provider.consumer_secret not in visitor.page.content()
