"""The users' routes: uploads, and reading one."""

from datetime import timedelta
from typing import cast

import pytest

from roster_sync.domain.identifiers import RunId, SchoolId, UserId
from roster_sync.domain.usage import ACCOUNTING_OF_A_FETCH
from roster_sync.domain.user import Role, StoredUser
from tests.support.builders import DISTRICT, LATER_RUN, NOW, OTHER_DISTRICT, a_school, a_user, settings
from tests.unit.api.conftest import Answer, Client

HEADER = "First Name,Last Name,Email,Role,School\n"
NED = "Ned,Flanders,ned@example.org,counselor,Springfield Elementary\n"
UPLOAD = RunId("20261124T090000Z-upload-00000001")


@pytest.fixture
def client(client: Client) -> Client:
    """A client of a district with a school."""
    client.districts.save_settings(settings(version=0), 0)
    client.districts.put_school(a_school())
    return client


def upload(client: Client, content: str | bytes, content_type: str = "text/csv") -> Answer:
    return client.send("POST", "/users/upload", body=content, content_type=content_type)


def store(client: Client, *users: StoredUser) -> None:
    client.users._users.update({(user.district_id, user.user_id): user for user in users})


class TestUpload:
    @pytest.mark.parametrize("content", [HEADER + NED, (HEADER + NED).encode()])
    def test_a_small_file_is_applied_at_once_and_reported(self, client: Client, content: str | bytes) -> None:
        answer = upload(client, content, "text/csv; charset=utf-8")

        assert (answer.status, answer.json["run_id"]) == (200, UPLOAD)
        assert (answer.json["run"]["kind"], answer.json["run"]["state"]) == ("upload", "completed")
        assert (answer.json["run"]["counts"]["fetched"], answer.json["run"]["counts"]["created"]) == (1, 1)
        (user,) = client.users.all(DISTRICT)
        assert (user.email, user.role, user.products) == ("ned@example.org", Role.COUNSELOR, frozenset({"serve"}))

    def test_a_small_file_says_what_it_used_too(self, client: Client) -> None:
        report = upload(client, HEADER + NED)

        assert report.json["run"]["usage"]["write_units"] == 3 + ACCOUNTING_OF_A_FETCH.write_units

    def test_bad_rows_are_reported_by_line_and_column_and_the_good_ones_applied(self, client: Client) -> None:
        answer = upload(client, HEADER + "Rod,Flanders,,student,Springfield Elementary\n" + NED)

        assert (answer.status, answer.json["run"]["state"]) == (200, "completed_with_issues")
        assert answer.json["run"]["reason"] == (
            "1 of 2 rows could not be used. Correct them and upload the file again."
        )
        (issue,) = answer.json["issues"]["items"]
        assert (issue["line"], issue["column"], issue["severity"]) == (2, "Email", "error")
        assert issue["message"] == "The e-mail address is missing. Enter one."
        assert len(client.users.all(DISTRICT)) == 1

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ((HEADER + NED).encode("utf-16"), "The file is encoded as UTF-16, not as UTF-8. Save it as UTF-8"),
            (b"", "The file is empty."),
            (b"First Name,Email\nNed,ned@example.org\n", "The header lacks the columns Role and School or Move To."),
        ],
    )
    def test_a_file_that_cannot_be_used_is_refused_whole(self, client: Client, content: bytes, said: str) -> None:
        answer = upload(client, content)

        assert (answer.status, answer.json["title"]) == (422, "Unprocessable Entity")
        assert answer.json["detail"].startswith(said)
        assert client.runs.page(DISTRICT) == ([], None)

    def test_while_a_sync_is_under_way_an_upload_is_refused_and_leaves_no_run(self, client: Client) -> None:
        client.districts.acquire(DISTRICT, LATER_RUN, NOW, NOW + timedelta(minutes=5))

        answer = upload(client, HEADER + NED)

        assert (answer.status, answer.json["detail"]) == (
            409,
            f"Another sync or upload of this district is under way ({LATER_RUN}). Wait until it has ended.",
        )
        assert client.runs.page(DISTRICT) == ([], None)
        assert not client.users.all(DISTRICT)

    def test_more_rows_than_a_request_has_time_for_are_kept_for_the_import(self, client: Client) -> None:
        rows = [f"N,F,n{number}@example.org,student,Springfield Elementary\n" for number in range(2_001)]
        content = (HEADER + "".join(rows)).encode()

        answer = upload(client, content)

        assert (answer.status, answer.json["run"]["state"]) == (202, "queued")
        assert client.uploads.files == {(DISTRICT, UPLOAD): content}
        assert not client.users.all(DISTRICT)

    def test_a_large_file_that_could_not_be_kept_leaves_no_run_that_waits_forever(self, client: Client) -> None:
        client.uploads.fails = True

        answer = upload(client, HEADER + "\n".join(f"N,F,n{n}@example.org,student,Springfield" for n in range(2_001)))

        assert answer.status == 503
        assert client.runs.page(DISTRICT) == ([], None)

    def test_a_file_over_5_mb_is_refused_with_the_way_that_it_can_take(self, client: Client) -> None:
        answer = upload(client, b"x" * 5_000_001)

        assert answer.status == 413
        assert "/users/upload-url" in answer.json["detail"]

    def test_a_url_for_a_large_file_names_its_run_and_ends_after_15_minutes(self, client: Client) -> None:
        answer = client.send("POST", "/users/upload-url")

        assert (answer.status, answer.json) == (
            201,
            {
                "run_id": UPLOAD,
                "url": f"https://uploads.example/{DISTRICT}/{UPLOAD}?seconds=900",
                "method": "PUT",
                "headers": {"Content-Type": "text/csv"},
                "expires_at": "2026-11-24T09:15:00Z",
            },
        )


class TestPreview:
    def preview(self, client: Client, content: str) -> Answer:
        return client.send("POST", "/users/upload-preview", body=content, content_type="text/csv")

    def test_a_file_is_judged_by_line_and_nothing_is_stored(self, client: Client) -> None:
        store(client, a_user(email="rod@example.org"))

        answer = self.preview(
            client,
            HEADER + NED + "Rod,F,no address,student,Springfield Elementary\n"
            "Rod,Flanders,rod@example.org,district administrator,\n",
        )

        assert answer.status == 200
        assert (answer.json["rows"], answer.json["usable"], answer.json["issue_count"]) == (3, 1, 2)
        counts = {name: count for name, count in answer.json["counts"].items() if count}
        assert counts == {"fetched": 3, "created": 1, "invalid": 2}
        assert [(issue["line"], issue["column"]) for issue in answer.json["issues"]] == [(3, "Email"), (4, "Email")]
        assert (client.runs.page(DISTRICT)[0], client.users.writes) == ([], 0)

    def test_what_it_says_is_what_the_upload_does(self, client: Client) -> None:
        content = HEADER + NED + "Rod,Flanders,rod@example.org,student,Nowhere\n"

        foreseen = self.preview(client, content).json["counts"]

        assert upload(client, content).json["run"]["counts"] == foreseen
        assert self.preview(client, HEADER + NED).json["counts"]["unchanged"] == 1

    def test_empty_lines_stand_for_what_came_before(self, client: Client) -> None:
        answer = self.preview(client, HEADER + "\n" * 98 + "Rod,F,no address,student,Springfield Elementary\n")

        assert [issue["line"] for issue in answer.json["issues"]] == [100]

    def test_many_rows_are_judged_by_themselves(self, client: Client) -> None:
        rows = [f"N,F,n{number},student,Springfield Elementary\n" for number in range(2_001)]

        answer = self.preview(client, HEADER + "".join(rows))

        assert (answer.json["counts"], answer.json["usable"]) == (None, 0)
        assert (answer.json["issue_count"], len(answer.json["issues"])) == (2_001, 1_000)

    def test_a_file_that_cannot_be_used_is_refused_whole(self, client: Client) -> None:
        answer = self.preview(client, "First Name,Email\nNed,ned@example.org\n")

        assert (answer.status, answer.json["detail"][:16]) == (422, "The header lacks")

    def test_under_way_or_not_a_preview_waits_for_nothing(self, client: Client) -> None:
        client.districts.acquire(DISTRICT, LATER_RUN, NOW, NOW + timedelta(minutes=5))

        assert self.preview(client, HEADER + NED).status == 200


class TestEdit:
    @pytest.fixture
    def lisa(self, client: Client) -> StoredUser:
        """Somebody of the SIS, seen before the next lease."""
        lisa = a_user(fence=0)
        store(client, lisa, a_user(user_id=UserId("u-2"), email="ned@example.org", role=Role.COUNSELOR))
        return lisa

    def edit(self, client: Client, body: object, headers: dict[str, str] | None = None) -> Answer:
        return client.send("PATCH", "/users/u-1", body=body, headers=headers)

    def test_what_is_sent_is_changed_and_what_is_left_out_stays(self, client: Client, lisa: StoredUser) -> None:
        named = self.edit(client, {"manual_counselor_email": "ned@example.org"})
        ranked = self.edit(client, {"manual_role": "sponsor"})
        cleared = self.edit(client, {"manual_counselor_email": None})

        assert [(each.status, each.json["manual_role"], each.json["counselor_email"]) for each in (named, ranked)] == [
            (200, None, "ned@example.org"),
            (200, "sponsor", "ned@example.org"),
        ]
        assert (cleared.json["manual_role"], cleared.json["counselor_email"]) == ("sponsor", None)
        assert client.runs.page(DISTRICT)[0][0].kind == "edit"
        assert lisa.manual_role is None

    def test_a_change_upon_an_old_look_is_refused(self, client: Client, lisa: StoredUser) -> None:
        seen = client.send("GET", f"/users/{lisa.user_id}").headers["ETag"]
        first = self.edit(client, {"manual_role": "sponsor"}, {"If-Match": seen})

        second = self.edit(client, {"manual_role": "counselor"}, {"If-Match": seen})

        assert (first.status, first.headers["ETag"], second.status) == (200, '"1"', 412)
        assert second.json["detail"].startswith("This person was changed meanwhile.")

    @pytest.mark.parametrize(
        "body", [{}, {"role": "sponsor"}, {"manual_role": "janitor"}, {"manual_counselor_email": "x" * 256}]
    )
    def test_a_body_that_cannot_be_is_refused(self, client: Client, lisa: StoredUser, body: object) -> None:
        answer = self.edit(client, body)

        assert (answer.status, client.users.get(DISTRICT, lisa.user_id)) == (422, lisa)

    def test_while_a_sync_is_under_way_it_answers_409(self, client: Client, lisa: StoredUser) -> None:
        client.districts.acquire(DISTRICT, LATER_RUN, NOW, NOW + timedelta(minutes=5))

        answer = self.edit(client, {"manual_role": "sponsor"})

        assert (answer.status, client.users.get(DISTRICT, lisa.user_id)) == (409, lisa)


class TestHistory:
    def test_the_last_changes_come_newest_first_each_with_its_run(self, client: Client) -> None:
        upload(client, HEADER + NED)
        (ned,) = client.users.all(DISTRICT)
        client.send("PATCH", f"/users/{ned.user_id}", body={"manual_role": "sponsor"})

        answer = client.send("GET", f"/users/{ned.user_id}/changes")

        assert answer.status == 200
        edit, creation = answer.json["items"]
        assert (edit["kind"], edit["before"], edit["after"], edit["at"]) == (
            "update",
            {"manual_role": "counselor", "role": "counselor"},
            {"manual_role": "sponsor", "role": "sponsor"},
            "2026-11-24T09:00:00Z",
        )
        assert (creation["kind"], creation["run_id"], creation["before"], creation["after"]) == (
            "create",
            UPLOAD,
            {},
            {},
        )

    def test_an_unknown_user_answers_404(self, client: Client) -> None:
        assert client.send("GET", "/users/u-404/changes").status == 404


class TestUnknownCounselors:
    def test_addresses_of_no_active_counselor_are_counted(self, client: Client) -> None:
        store(
            client,
            a_user(user_id=UserId("u-1"), counselor_email="gone@example.org"),
            a_user(user_id=UserId("u-2"), counselor_email="Gone@example.org"),
            a_user(user_id=UserId("u-3"), counselor_email="nobody@example.org", active=False),
            a_user(user_id=UserId("u-4"), counselor_email="ned@example.org"),
            a_user(user_id=UserId("u-5"), counselor_email="lisa@example.org"),
            a_user(user_id=UserId("u-6"), email="ned@example.org", role=Role.COUNSELOR),
            a_user(user_id=UserId("u-7"), email="gone@example.org", role=Role.COUNSELOR, active=False),
        )

        answer = client.send("GET", "/users/unknown-counselors")

        assert (answer.status, answer.json) == (
            200,
            {
                "items": [
                    {"counselor_email": "gone@example.org", "users": 2},
                    {"counselor_email": "lisa@example.org", "users": 1},
                ],
                "next_cursor": None,
            },
        )


class TestRead:
    def test_a_user_is_shown_with_every_attribute_but_the_sync_s_own(self, client: Client) -> None:
        user = a_user(manual_role=Role.COUNSELOR, role=Role.COUNSELOR, active=False, user_ids=(("LDAP", "lsimpson"),))
        store(client, user)

        answer = client.send("GET", f"/users/{user.user_id}")

        assert answer.status == 200
        assert (answer.json["status"], answer.json["role"], answer.json["sis_role"]) == (
            "inactive",
            "counselor",
            "student",
        )
        assert (answer.json["sourced_id"], answer.json["sourced_ids"]) == ("S-1", ["S-1"])
        assert answer.json["user_ids"] == [{"type": "LDAP", "identifier": "lsimpson"}]
        assert not {"fingerprint", "fence"} & answer.json.keys()

    def test_a_user_who_cannot_be_shown_is_a_defect_that_logs_nothing_of_the_user(
        self, client: Client, caplog: pytest.LogCaptureFixture
    ) -> None:
        store(client, a_user(user_id=UserId("u-1"), phone=cast("str", ["555-0123"])))

        answer = client.send("GET", "/users/u-1")

        assert (answer.status, answer.json["detail"]) == (500, "Something failed on our side. Try again later.")
        assert "UserOut" in caplog.text
        assert "555-0123" not in caplog.text

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, ["u-1", "u-2", "u-3"]),
            ({"school": "high"}, ["u-2"]),
            ({"role": "counselor"}, ["u-3"]),
            ({"status": "inactive"}, ["u-2"]),
            ({"email": "NED@example.org"}, ["u-3"]),
            ({"school": "elementary", "role": "student"}, ["u-1"]),
            ({"source": "manual"}, ["u-3"]),
            ({"source": "synced"}, ["u-1", "u-2"]),
            ({"search": "lisa"}, ["u-1", "u-2"]),
            ({"search": "   "}, ["u-1", "u-2", "u-3"]),
            ({"search": "\u0301\u0301", "counselor_email": "head@example.org"}, ["u-2"]),
            ({"search": "simpson ned"}, ["u-3"]),
            ({"search": "lisa", "status": "active"}, ["u-1"]),
            ({"counselor_email": "Head@example.org"}, ["u-2"]),
        ],
    )
    def test_users_are_found_by_school_role_status_and_e_mail(
        self, client: Client, query: dict[str, str], found: list[str]
    ) -> None:
        store(
            client,
            a_user(user_id=UserId("u-1")),
            a_user(
                user_id=UserId("u-2"),
                school_ids=(SchoolId("high"),),
                active=False,
                counselor_email="head@example.org",
            ),
            a_user(
                user_id=UserId("u-3"), role=Role.COUNSELOR, email="ned@example.org", given_name="Ned", sourced_ids=()
            ),
            a_user(user_id=UserId("u-4"), district_id=OTHER_DISTRICT),
        )

        answer = client.send("GET", "/users", query=query)

        assert (answer.status, [user["user_id"] for user in answer.json["items"]]) == (200, found)

    def test_an_address_and_words_are_not_looked_for_at_once(self, client: Client) -> None:
        answer = client.send("GET", "/users", query={"search": "lisa", "email": "lisa@example.org"})

        assert (answer.status, answer.json["detail"]) == (
            422,
            "Look for an e-mail address, or search, not both. Leave one of them out.",
        )

    def test_users_come_page_by_page(self, client: Client) -> None:
        store(client, a_user(user_id=UserId("u-1")), a_user(user_id=UserId("u-2")))

        first = client.send("GET", "/users", query={"limit": "1"})
        second = client.send("GET", "/users", query={"limit": "1", "cursor": first.json["next_cursor"]})

        assert [user["user_id"] for user in first.json["items"] + second.json["items"]] == ["u-1", "u-2"]
        assert second.json["next_cursor"] is None

    def test_an_unknown_user_answers_404(self, client: Client) -> None:
        answer = client.send("GET", "/users/u-404")

        assert (answer.status, answer.json["detail"]) == (
            404,
            "There is no such user. Look the user up in the list of users.",
        )

    @pytest.mark.parametrize(
        "query",
        [
            {"role": "janitor"},
            {"status": "asleep"},
            {"limit": "201"},
            {"limit": "x"},
            {"search": "x"},
            {"source": "sis"},
            {"cursor": ""},
            {"cursor": "00u#1"},
            {"cursor": "00" + "u" * 1000},
        ],
    )
    def test_a_filter_that_cannot_be_is_refused(self, client: Client, query: dict[str, str]) -> None:
        answer = client.send("GET", "/users", query=query)

        assert (answer.status, answer.json["errors"][0]["parameter"]) == (422, next(iter(query)))
