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
    visitor.sees("1 would be added, 0 updated, 0 stay as they are.")
    visitor.sees("1 row has an error and would be left out.")
    visitor.sees("Line 3, Email")
    assert not list(district.api.items("users?email=ada.good@example.org"))
    visitor.press("Upload 1 row")
    visitor.sees("1 of 2 rows could not be used. Correct them and upload the file again.")
    visitor.sees("Line 3, Email")
    visitor.sees("This is not a valid e-mail address. Correct it.")


def test_a_file_without_the_columns_is_not_sent(administrator: Account, a_visitor: AVisitor, tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("Name,Phone\r\nAda,1\r\n")
    visitor = a_visitor(administrator)
    visitor.go("Manual upload")

    visitor.page.get_by_label("Choose a CSV file").set_input_files(file)

    visitor.sees("The header lacks the columns Email, Role and School or Move To.")
    assert visitor.page.get_by_role("button", name="Upload").count() == 0


def test_a_file_above_5_mb_is_tried_out_in_parts_then_put_into_the_bucket(
    district: LiveDistrict, administrator: Account, a_visitor: AVisitor, tmp_path: Path
) -> None:
    school = next(iter(district.schools.values()))
    notes = "x" * 2_400
    rows = [f"Ann,Large,ann.large.{number}@example.org,Sponsor,{school},{notes}" for number in range(2_300)]
    rows[2_200] = f"Ben,Large,no-address,Sponsor,{school},{notes}"
    file = tmp_path / "large.csv"
    file.write_text("\r\n".join([f"{HEADER},Remarks", *rows]))
    visitor = a_visitor(administrator)
    visitor.go("Manual upload")

    visitor.page.get_by_label("Choose a CSV file").set_input_files(file)

    visitor.sees("2,300 rows found. Nothing is stored yet.")
    visitor.sees("Line 2202, Email")
    visitor.press("Upload 2,299 rows")
    visitor.page.get_by_role("heading", level=1, name="Manual upload,").wait_for()
    visitor.sees("1 of 2300 rows could not be used. Correct them and upload the file again.")


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

    visitor.fill("Name, e-mail or ID", teacher_too.email)
    visitor.press("Search")
    visitor.page.get_by_role("row", name=teacher_too.email).get_by_role("link").click()

    visitor.sees("Counselor, set by manual upload or by hand. The SIS says “Sponsor (teacher)”")
    expect(visitor.page.get_by_role("row", name="First name")).to_contain_text("givenName")


def test_people_are_found_by_parts_of_their_name_and_by_where_they_come_from(
    district: LiveDistrict, administrator: Account, a_visitor: AVisitor
) -> None:
    student = next(user for user in district.users() if user["role"] == "student" and user["status"] == "active")
    visitor = a_visitor(administrator)
    visitor.go("Users")

    visitor.fill("Name, e-mail or ID", f"{student['family_name'][:4]} {student['given_name'].lower()}")
    visitor.press("Search")
    visitor.sees(str(student["email"]) if "email" in student else f"{student['given_name']}")
    visitor.page.get_by_label("Comes from").select_option(label="Manual upload")
    visitor.press("Search")

    visitor.sees("Nobody was found.")
    visitor.sees("none of the person's schools has a OneRoster ID.")


def test_counselor_addresses_that_name_nobody_are_listed_with_whose_they_are(
    district: LiveDistrict, administrator: Account, a_visitor: AVisitor
) -> None:
    counselors = {each.email.lower() for each in district.counselors}
    named = [str(user["counselor_email"]) for user in district.users() if user.get("counselor_email")]
    unknown = sorted({email.lower() for email in named} - counselors)
    visitor = a_visitor(administrator)
    visitor.go("Users")

    visitor.press("Look for them")

    if not unknown:
        visitor.sees("There are none: every counselor's e-mail address is of an active counselor.")
        return
    visitor.page.get_by_role("row", name=unknown[0]).get_by_role("link").click()
    visitor.sees(f"Only people whose counselor is {unknown[0]}.")


def test_a_role_and_a_counselor_are_set_by_hand_and_cleared(
    district: LiveDistrict, administrator: Account, a_visitor: AVisitor
) -> None:
    teacher = next(user for user in district.users() if user.get("sis_role") == "sponsor" and "manual_role" not in user)
    visitor = a_visitor(administrator)
    visitor.open(f"{district.api.district_id}/users/{teacher['user_id']}")

    visitor.page.get_by_role("combobox", name="Role").select_option(label="Counselor")
    visitor.fill("E-mail of the counselor", "nobody@example.org")
    visitor.press("Save")
    visitor.sees("No active counselor has this e-mail address.")
    visitor.fill("E-mail of the counselor", district.counselors[0].email)
    visitor.press("Save")
    visitor.sees("Counselor, set by manual upload or by hand. The SIS says “Sponsor (teacher)”")
    by_hand = district.api.get(f"users/{teacher['user_id']}")
    visitor.page.get_by_role("combobox", name="Role").select_option(label="As in the SIS: Sponsor (teacher)")
    visitor.fill("E-mail of the counselor", "")
    visitor.press("Save")
    visitor.sees("Sponsor (teacher), as the SIS says.")

    assert (by_hand["role"], by_hand["manual_counselor_email"]) == ("counselor", district.counselors[0].email)
    cleared = district.api.get(f"users/{teacher['user_id']}")
    assert (cleared["role"], cleared["manual_role"], cleared["manual_counselor_email"]) == ("sponsor", None, None)
    history = visitor.page.get_by_role("region", name="History")
    expect(history).to_contain_text("Role: Counselor → Sponsor (teacher)")
    expect(history).to_contain_text("Role: Sponsor (teacher) → Counselor")
    history.get_by_role("rowheader").get_by_role("link").first.click()
    visitor.page.get_by_role("heading", level=1, name="Change by hand").wait_for()


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
