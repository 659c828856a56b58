import pytest
import requests

from local.stack import Stack
from tests.e2e.conftest import ADistrict
from tests.e2e.district import LiveDistrict

HEADER = "First Name,Last Name,Email,Role,School or Move To"


def a_file(district: LiveDistrict, rows: int) -> str:
    school_id = next(iter(district.schools.values()))
    lines = [f"Ada,Lovelace,ada.{number}@example.org,Sponsor,{school_id}" for number in range(rows)]
    return "\r\n".join([HEADER, *lines])


def test_a_file_put_to_an_upload_url_is_imported(stack: Stack, a_district: ADistrict) -> None:
    district = a_district(stack)
    upload = district.api.post("users/upload-url")

    requests.put(upload["url"], data=a_file(district, 50), headers=upload["headers"], timeout=60).raise_for_status()

    run = district.run(upload["run_id"])
    assert (run["kind"], run["state"], run["counts"]["created"]) == ("upload", "completed", 50)
    assert len(district.users()) == 50 + len(district.counselors)


def test_more_rows_than_a_request_has_time_for_are_imported_after_it(stack: Stack, a_district: ADistrict) -> None:
    district = a_district(stack)

    answer = district.api.upload(a_file(district, 2_001))

    assert answer["run"]["state"] == "queued"
    run = district.run(answer["run_id"])
    assert (run["state"], run["counts"]["created"]) == ("completed", 2_001)


def test_an_upload_in_utf_16_is_refused_whole(stack: Stack, a_district: ADistrict) -> None:
    district = a_district(stack)
    upload = district.api.post("users/upload-url")

    content = a_file(district, 1).encode("utf-16")
    requests.put(upload["url"], data=content, headers=upload["headers"], timeout=60).raise_for_status()

    run = district.run(upload["run_id"])
    assert run["state"] == "failed"
    assert run["reason"].startswith("The file is encoded as UTF-16, not as UTF-8. Save it as UTF-8")
    assert len(district.users()) == len(district.counselors)


def test_an_administrator_syncs_now(stack: Stack, a_district: ADistrict) -> None:
    district = a_district(stack)

    queued = district.api.post("runs")

    run = district.run(queued["run_id"])
    assert (run["kind"], run["state"]) == ("manual", "completed_with_issues")
    assert {user["sourced_id"] for user in district.users() if "sourced_id" in user} <= set(district.expected_users())


@pytest.mark.parametrize("token", [None, "Bearer none"])
def test_nobody_enters_without_a_token(stack: Stack, token: str | None) -> None:
    headers = {"Authorization": token} if token else {}

    answer = requests.get(f"{stack.api_url}/districts/maplewood/settings", headers=headers, timeout=60)

    assert answer.status_code == 401


def test_a_token_opens_no_other_district(stack: Stack) -> None:
    token = stack.sign_in(district_id="maplewood", role="district_admin")

    answer = requests.get(
        f"{stack.api_url}/districts/oakwood/settings", headers={"Authorization": f"Bearer {token}"}, timeout=60
    )

    assert (answer.status_code, answer.headers["Content-Type"]) == (403, "application/problem+json")
