"""Who did what, as an administrator reads it."""

from local.stack import Account
from tests.browser.conftest import AVisitor


def test_a_setting_that_somebody_changed_is_in_the_log(administrator: Account, a_visitor: AVisitor) -> None:
    visitor = a_visitor(administrator)
    visitor.go("OneRoster Settings")
    visitor.page.get_by_text("Advanced", exact=True).click()
    visitor.fill("Users per request", "500")
    visitor.press("Save")
    visitor.sees("Saved.")

    visitor.go("Audit")

    line = visitor.page.get_by_role("row").nth(1)
    assert "Saved the settings" in line.inner_text()
    assert "Users per request: 1000 → 500" in line.inner_text()
    assert administrator.email in line.inner_text()
    visitor.sees("Uploaded a file")
