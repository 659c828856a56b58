"""Users: found, explained, uploaded."""

from pathlib import Path

from playwright.sync_api import expect

from local.stack import Account
from tests.browser.conftest import AVisitor
from tests.e2e.district import LiveDistrict

HEADER = "First Name,Last Name,Email,Role,School or Move To"


def test_a_file_with_errors_is_previewed_then_reported_line_by_line(
    district: LiveDistrict, administrator: Account, a_visitor: AVisitor, tmp_path: Path
) -> None:
    school = next(iter(district.schools.values()))
    rows = [f"Ada,Good,ada.good@example.org,Counselor,{school}", f"Ben,Bad,no-address,Counselor,{school}"]
    file = tmp_path / "people.csv"
    file.write_text("\r\n".join([HEADER, *rows]))
    visitor = a_visitor(administrator)
    visitor.go("Manual upload")

    visitor.page.get_by_label("Choose a CSV file").set_input_files(file)

    visitor.sees("2 rows found. Nothing is stored yet.")
    visitor.press("Upload 2 rows")
    visitor.sees("1 of 2 rows could not be used. Correct them and upload the file again.")
    visitor.sees("Line 3, Email")
    visitor.sees("This is not a valid e-mail address. Correct it.")


def test_a_file_without_the_columns_is_not_sent(administrator: Account, a_visitor: AVisitor, tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("Name,Phone\r\nAda,1\r\n")
    visitor = a_visitor(administrator)
    visitor.go("Manual upload")

    visitor.page.get_by_label("Choose a CSV file").set_input_files(file)

    visitor.sees("The first line lacks: Email, Role, School or Move To.")
    assert visitor.page.get_by_role("button", name="Upload").count() == 0


def test_the_template_is_one_that_can_be_uploaded(administrator: Account, a_visitor: AVisitor, tmp_path: Path) -> None:
    visitor = a_visitor(administrator)
    visitor.go("Manual upload")
    with visitor.page.expect_download() as started:
        visitor.press("Download the template")
    started.value.save_as(tmp_path / "template.csv")

    visitor.page.get_by_label("Choose a CSV file").set_input_files(tmp_path / "template.csv")
    visitor.press("Upload 1 row")

    visitor.sees("1 row: 1 added, 0 updated, 0 unchanged, 0 not usable.")


def test_a_counselor_is_found_and_explained(
    district: LiveDistrict, administrator: Account, a_visitor: AVisitor
) -> None:
    teacher_too = district.counselors[-1]
    visitor = a_visitor(administrator)
    visitor.go("Users")

    visitor.fill("E-mail address, in full", teacher_too.email)
    visitor.press("Search")
    visitor.page.get_by_role("row", name=teacher_too.email).get_by_role("link").click()

    visitor.sees("Counselor, by manual upload. The SIS says “Sponsor (teacher)”, but an uploaded role always stays.")
    expect(visitor.page.get_by_role("row", name="First name")).to_contain_text("givenName")


def test_issues_of_a_run_are_grouped_and_downloaded(
    administrator: Account, a_visitor: AVisitor, tmp_path: Path
) -> None:
    visitor = a_visitor(administrator)
    visitor.go("Runs")
    visitor.page.get_by_role("row", name="Nightly sync").get_by_role("link").click()

    visitor.page.get_by_text("E-mail address shared by several people").click()
    visitor.sees("Give each person an e-mail address of their own in the SIS.")
    with visitor.page.expect_download() as started:
        visitor.press("Download all as CSV")

    started.value.save_as(tmp_path / "issues.csv")
    assert "email_shared,warning" in (tmp_path / "issues.csv").read_text("utf-8-sig")
