"""Runs: tried out first, held back, decided about, taken back."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from local.stack import Stack
from roster_sync.domain.run import RunState
from tests.browser.conftest import AVisitor
from tests.browser.visitor import Visitor
from tests.e2e.district import LiveDistrict, a_live_district
from tests.e2e.test_dead_letters import give_up
from tests.e2e.test_dead_runs import no_consumer


@pytest.fixture
def synced(stack: Stack) -> Iterator[LiveDistrict]:
    """A district of its own, after its first night."""
    with ExitStack() as districts:
        district = districts.enter_context(a_live_district(stack))
        district.night()
        yield district


@pytest.fixture
def visitor(stack: Stack, synced: LiveDistrict, a_visitor: AVisitor) -> Visitor:
    """Its administrator."""
    return a_visitor(stack.create_account(district_id=synced.api.district_id, role="district_admin"))


def lose_a_school(district: LiveDistrict) -> str:
    """Let the provider send nobody of the largest mapped school any more; the school's name."""

    def people(school: str) -> list[object]:
        return [user for user in district.provider.users if school in [org["sourcedId"] for org in user["orgs"]]]

    lost = max(district.schools, key=lambda school: len(people(school)))
    gone = people(lost)
    district.provider.serve([user for user in district.provider.users if user not in gone])
    return next(str(org["name"]) for org in district.provider.orgs if org["sourcedId"] == lost)


def active_users(district: LiveDistrict) -> int:
    return sum(user["status"] == "active" for user in district.users())


def confirm(visitor: Visitor, choose: Callable[[], None], name: str) -> None:
    """Choose something, and say yes to what is asked then."""
    choose()
    visitor.page.get_by_role("dialog").get_by_role("button", name=name).click()


def test_a_preview_shows_what_would_change_and_changes_nobody(synced: LiveDistrict, visitor: Visitor) -> None:
    before = synced.users()
    synced.provider.change_overnight()
    visitor.go("Runs")

    visitor.press("Preview")

    visitor.sees("This was a preview: nobody was changed.")
    visitor.sees("What would be changed")
    assert visitor.violations() == []
    assert synced.users() == before


def test_a_blocked_run_is_looked_at_and_approved_then_undone(synced: LiveDistrict, visitor: Visitor) -> None:
    everybody = active_users(synced)
    lose_a_school(synced)
    synced.night()
    visitor.go("Home")
    visitor.page.get_by_role("link", name="Look at it").click()
    visitor.sees("would be deactivated")
    assert visitor.violations() == []
    kept = visitor.page.get_by_role("rowheader").get_by_role("checkbox").first
    kept.check()
    confirm(visitor, lambda: visitor.press("Keep 1 chosen person"), "Keep 1 chosen person")
    visitor.sees("Kept")

    button = visitor.page.get_by_role("button", name="Deactivate all")
    confirm(visitor, button.click, "Deactivate all")

    visitor.page.get_by_role("heading", level=1, name="Approval").wait_for()
    visitor.sees("Completed")
    visitor.page.get_by_role("heading", name="Details").wait_for()
    after = active_users(synced)
    assert after < everybody - 20
    confirm(visitor, lambda: visitor.press("Undo this run"), "Undo this run")
    visitor.page.get_by_role("heading", level=1, name="Undo").wait_for()
    visitor.page.get_by_role("heading", name="Details").wait_for()
    assert active_users(synced) == everybody


def test_a_run_that_stopped_is_tried_again_where_it_stopped(
    stack: Stack, synced: LiveDistrict, visitor: Visitor
) -> None:
    synced.provider.change_overnight()
    with no_consumer(stack, "FetchFunction"):
        queued = synced.api.post("runs")
        give_up(stack, "SyncRequests")
        synced.run(queued["run_id"])
    visitor.open(f"{synced.api.district_id}/runs/{queued['run_id']}")
    visitor.sees("Failed")

    visitor.press("Try again where it stopped")

    run = synced.run(queued["run_id"], RunState.COMPLETED, RunState.COMPLETED_WITH_ISSUES)
    visitor.sees("Completed")
    assert run["counts"]["updated"] + run["counts"]["created"] > 0


def test_a_blocked_run_is_discarded_for_a_school(synced: LiveDistrict, visitor: Visitor) -> None:
    everybody = active_users(synced)
    school = lose_a_school(synced)
    synced.night()
    visitor.go("Runs")
    visitor.page.get_by_role("row", name="Needs your attention").get_by_role("link").click()

    visitor.page.get_by_label("School", exact=True).select_option(label=school)
    confirm(visitor, lambda: visitor.press(f"Keep all of {school}"), "Keep all")

    visitor.sees("Everything here is decided.")
    assert active_users(synced) == everybody


def test_addresses_of_a_broken_export_are_shown_and_approved(synced: LiveDistrict, visitor: Visitor) -> None:
    uploaded = {counselor.email for counselor in synced.counselors}
    synced.provider.serve(
        {**user, "email": f"x{user['email']}"} if user.get("email") and user["email"] not in uploaded else user
        for user in synced.provider.users
    )
    held = synced.night().run["held"]["email"]
    visitor.go("Home")
    visitor.page.get_by_role("link", name="Look at it").click()

    visitor.sees(f"{held} people would get another e-mail address")
    visitor.sees("E-mail:")
    assert visitor.violations() == []
    button = f"Change the address of all {held}"
    confirm(visitor, lambda: visitor.press(button), button)

    visitor.page.get_by_role("heading", level=1, name="Approval").wait_for()
    visitor.sees("Completed")
    assert sum(str(user.get("email")).startswith("x") for user in synced.users()) == held
    visitor.go("Home")
    visitor.page.get_by_role("heading", name="Last sync").wait_for()
    assert visitor.page.get_by_text("The last sync found unusually many").count() == 0


def test_people_under_new_ids_are_shown_with_both(synced: LiveDistrict, visitor: Visitor) -> None:
    """As a new SIS sends them."""
    before = {user["sourced_id"] for user in synced.users() if "sourced_id" in user}
    synced.provider.serve({**user, "sourcedId": f"n-{user['sourcedId']}"} for user in synced.provider.users)
    run = synced.night().run

    visitor.open(f"{synced.api.district_id}/runs/{run['run_id']}")

    visitor.sees(f"{run['held']['new_id']} people have another ID in your SIS")
    visitor.sees("→ n-")
    assert visitor.violations() == []
    assert {user["sourced_id"] for user in synced.users() if "sourced_id" in user} == before


def test_a_preview_says_whom_a_sync_would_hold_and_asks_for_nothing(synced: LiveDistrict, visitor: Visitor) -> None:
    lose_a_school(synced)
    visitor.go("Runs")

    visitor.press("Preview")

    visitor.sees("a sync would hold them and ask you")
    visitor.page.get_by_role("heading", name="Details").wait_for()
    assert visitor.page.get_by_role("button", name="Deactivate").count() == 0
    assert visitor.page.get_by_role("checkbox").count() == 0
