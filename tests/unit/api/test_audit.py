"""The route of the audit log, and what each other route writes to it."""

from typing import Any

from roster_sync.domain.run import Counts, RunState
from tests.support.builders import DISTRICT, NOW, OTHER_DISTRICT, RUN, a_run, a_school, a_user, an_author, settings
from tests.support.events import district_admin
from tests.unit.api.conftest import Client
from tests.unit.api.test_settings import COMPLETE
from tests.unit.api.test_users import store

CSV = b"First Name,Last Name,Email,ID,Role,School\nPat,Miller,pat@example.org,1,Counselor,elementary\n"


def told(client: Client) -> list[tuple[str, str | None]]:
    """Act and subject of each line, newest first."""
    return [(line["act"], line["subject"]) for line in client.send("GET", "/audit").json["items"]]


def test_who_changed_which_setting_is_told_but_no_key_and_no_secret(client: Client) -> None:
    client.claims = {**district_admin(DISTRICT), "email": "admin@example.org"}
    client.send("PUT", "/settings", body=COMPLETE)

    answer = client.send("GET", "/audit")

    [line] = answer.json["items"]
    changes = {each["name"]: (each["before"], each["after"]) for each in line["changes"]}
    assert answer.json["next_cursor"] is None
    assert (line["act"], line["actor"], line["at"]) == ("settings_saved", "admin@example.org", "2026-11-24T09:00:00Z")
    assert changes == {
        "base_url": (None, "https://sis.example.org"),
        "consumer_key": (None, None),
        "consumer_secret": (None, None),
        "products": (None, "serve"),
    }
    assert "s3cret" not in str(answer.json)


def test_a_save_that_is_refused_leaves_no_line(client: Client) -> None:
    client.send("PUT", "/settings", body={**COMPLETE, "products": ["none"]})
    client.send("PUT", "/settings", body={**COMPLETE, "version": 7})

    assert told(client) == []


def test_schools_tests_uploads_and_runs_are_told(client: Client) -> None:
    client.districts.save_settings(settings(), 0)
    client.send("PUT", "/schools/elementary", body={"name": "Elementary", "oneroster_id": "org-1"})
    client.send("POST", "/settings/test")
    upload = client.send("POST", "/users/upload", body=CSV, headers={"Content-Type": "text/csv"}).json["run_id"]
    url = client.send("POST", "/users/upload-url").json["run_id"]
    sync = client.send("POST", "/runs").json["run_id"]
    preview = client.send("POST", "/runs", body={"preview": True}).json["run_id"]
    client.send("DELETE", "/schools/elementary")

    assert sorted(told(client), key=str) == sorted(
        [
            ("school_removed", "elementary"),
            ("preview_started", preview),
            ("run_started", sync),
            ("upload_url_given", url),
            ("users_uploaded", upload),
            ("settings_tested", None),
            ("school_added", "elementary"),
        ],
        key=str,
    )


def test_an_undone_run_is_told(client: Client) -> None:
    client.runs.create(a_run(state=RunState.COMPLETED, counts=Counts(created=1), ended_at=NOW))

    client.send("POST", f"/runs/{RUN}/revert")
    client.send("POST", "/runs/none/revert")

    assert told(client) == [("run_undone", RUN)]


def test_a_person_who_is_changed_by_hand_is_told_by_the_run_and_without_a_name(client: Client) -> None:
    store(client, a_user(fence=0))

    answer = client.send("PATCH", "/users/u-1", body={"manual_role": "sponsor"})
    again = client.send("PATCH", "/users/u-1", body={"manual_role": "sponsor"})

    [run] = client.runs.page(DISTRICT)[0]
    assert (answer.status, again.status) == (200, 200)
    assert told(client) == [("user_changed", run.run_id)]
    assert client.audit.lines[0].alterations == ()


def test_leave_to_export_and_exports_are_told_once_each(client: Client) -> None:
    client.send("PUT", "/export/consent", body={"until": "2026-11-25T09:00:00Z"})
    client.send("GET", "/export/users")
    client.send("DELETE", "/export/consent")

    assert sorted(told(client)) == [("export_allowed", None), ("export_forbidden", None), ("users_exported", None)]


def test_the_log_comes_page_by_page(client: Client) -> None:
    for number in range(3):
        client.districts.put_school(a_school(name=f"Name {number}"), an_author(nonce=f"{number:08x}"))

    first = client.send("GET", "/audit", query={"limit": "2"}).json
    second = client.send("GET", "/audit", query={"limit": "2", "cursor": first["next_cursor"]}).json

    lines: list[Any] = [*first["items"], *second["items"]]
    assert [line["act"] for line in lines] == ["school_changed", "school_changed", "school_added"]
    assert second["next_cursor"] is None


def test_another_districts_log_is_not_shown(client: Client) -> None:
    client.districts.put_school(a_school(), an_author())
    client.claims = district_admin(OTHER_DISTRICT)

    assert client.send("GET", "/audit").status == 403
    assert client.send_to("GET", f"/districts/{OTHER_DISTRICT}/audit").json["items"] == []
    assert client.audit.lines[0].district_id == DISTRICT
