"""A mock roster of two CSV files, served instead of a made-up district."""

import signal
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from local.sample_provider import SampleProvider
from local.sample_provider.__main__ import main
from local.sample_provider.mockroster import read_mockroster
from roster_sync.oneroster.client import OneRosterClient

SCHOOLS = """\
orgId,sourcedId,status,dateLastModified,metadata,name,identifier,type
1,org-north,active,2018-03-28 13:06:43,"",North Elementary School,N-42,school
2,org-south,active,2018-05-23 14:52:51,"",South Elementary School,S-43,school
"""
USERS = """\
userId,sourcedId,status,dateLastModified,metadata,enabledUser,userIds,identifier,orgId,givenName,familyName,middleName,\
email,username,phone,role,grades,type,password
1,U-1,active,2017-09-21 07:11:54,"",1,"",I-1,2,Zoë,"Quimby, Jr.",May,zoe@example.org,zoe,555-0100,student,06,LDAP,secret
2,U-2,tobedeleted,2018-04-01 21:05:50,"",0,"",I-2,1,Edna,Krabappel,,edna@example.org,edna,,teacher,,LDAP,secret
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    # As spreadsheets save it: with a byte order mark.
    (tmp_path / "mockroster-schools.csv").write_text(SCHOOLS, encoding="utf-8-sig")
    (tmp_path / "mockroster-users.csv").write_text(USERS, encoding="utf-8-sig")
    return tmp_path


def test_each_row_becomes_a_record_as_a_provider_sends_it(folder: Path) -> None:
    district = read_mockroster(folder)

    student, teacher = district.users
    assert student | {"orgs": [org["sourcedId"] for org in student["orgs"]]} == {
        "sourcedId": "U-1",
        "status": "active",
        "dateLastModified": "2017-09-21T07:11:54.000Z",
        "metadata": {},
        "username": "zoe",
        "userIds": [],
        "enabledUser": "true",
        "givenName": "Zoë",
        "familyName": "Quimby, Jr.",
        "middleName": "May",
        "role": "student",
        "identifier": "I-1",
        "email": "zoe@example.org",
        "sms": "",
        "phone": "555-0100",
        "agents": [],
        "orgs": ["org-south"],
        "grades": ["06"],
        "password": "secret",
    }
    assert (teacher["enabledUser"], teacher["status"], teacher["grades"]) == ("false", "tobedeleted", [])
    assert [(org["sourcedId"], org["name"], org["type"]) for org in district.orgs] == [
        ("org-north", "North Elementary School", "school"),
        ("org-south", "South Elementary School", "school"),
    ]


def test_its_schools_and_users_are_served(folder: Path) -> None:
    with (
        SampleProvider(district=read_mockroster(folder)) as provider,
        closing(
            OneRosterClient(provider.base_url, provider.consumer_key, provider.consumer_secret, allow_local=True)
        ) as client,
    ):
        orgs, users, students = (
            sourced_ids(client, endpoint) for endpoint in ("orgs", "users", "schools/org-south/students")
        )

    assert (orgs, users, students) == ({"org-north", "org-south"}, {"U-1", "U-2"}, {"U-1"})


def sourced_ids(client: OneRosterClient, endpoint: str) -> set[str]:
    records: list[Any] = [record for page in client.pages(endpoint) for record in page.records]
    return {record["sourcedId"] for record in records}


def test_a_folder_without_the_files_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # The tests' own process is to stay open to them.
    monkeypatch.setattr(signal, "pthread_sigmask", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["sample_provider", "--data", str(tmp_path)])

    with pytest.raises(SystemExit) as refusal:
        main()

    assert refusal.value.code == 2
    assert f"{tmp_path / 'mockroster-schools.csv'} cannot be read: No such file" in capsys.readouterr().err
