from local.stack import Stack
from tests.e2e.conftest import ADistrict


def test_a_preview_writes_nothing_and_says_what_the_night_then_does(stack: Stack, a_district: ADistrict) -> None:
    district = a_district(stack)
    before = district.users()

    preview = district.run(district.api.post("runs", {"preview": True})["run_id"])
    samples = district.api.get(f"runs/{preview['run_id']}/samples")["items"]

    assert district.users() == before
    night = district.night()
    assert preview["counts"] == night.run["counts"]
    assert preview["issues_by_code"] == night.run["issues_by_code"]
    assert (preview["state"], preview["chunks_expected"], preview["would_be_blocked"]) == (
        "completed_with_issues",
        0,
        False,
    )
    assert {sample["kind"] for sample in samples} == {"create", "link"}
    expected = district.expected_users()
    for sample in samples:
        if sample["kind"] == "create":
            assert sample["after"]["given_name"] == expected[sample["sourced_id"]]["given_name"]
