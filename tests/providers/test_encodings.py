"""Providers whose text is in another encoding than UTF-8, declared or not."""

import json
from dataclasses import replace

import pytest

from tests.support.fetching import Fetch
from tests.support.provider import Scripted
from tests.support.roster_server import Asked, Behaviour, standard, with_headers


def named(name: str) -> list[dict[str, object]]:
    return [{"sourcedId": f"U-{number:02}", "familyName": name} for number in range(25)]


def encoded(encoding: str, declared: str | None = None) -> Behaviour:
    """Text in one encoding, declared to be in another, or in none."""

    def behaviour(asked: Asked) -> Scripted:
        page = standard(asked)
        text = json.dumps(page.content, ensure_ascii=False)
        return with_headers(
            replace(page, content=text.encode(encoding)),
            Content_Type="application/json" if declared is None else f"application/json; charset={declared}",
        )

    return behaviour


@pytest.mark.parametrize(
    ("name", "encoding", "declared"),
    [
        ("Zoë", "latin-1", None),
        ("Zoë", "latin-1", "utf-8"),
        ("Zoë", "latin-1", "ISO-8859-1"),
        ("Zoë", "utf-8", "ISO-8859-1"),
        ("O’Zoë Šimon", "cp1252", None),
        ("O’Zoë Šimon", "cp1252", "iso-8859-1"),
        ("JOSÉ’S Zoë", "cp1252", '"windows-1252"'),
        ("Łucja Żak", "cp1250", "windows-1250"),
        ("Łucja Żak", "iso8859-2", "ISO-8859-2"),
        ("Ολυμπία", "cp1253", "Windows-1253"),
        ("Łucja 珠", "utf-8-sig", None),
        ("Łucja 珠", "utf-16", None),
        ("Łucja 珠", "utf-16", "utf-16"),
        ("Łucja 珠", "utf-16-be", None),
        ("Łucja 珠", "utf-32", None),
        ("Zoë", "latin-1", "unheard-of"),
        ("Zoë", "latin-1", "unicode_escape"),
    ],
)
def test_names_come_as_they_are(fetch: Fetch, name: str, encoding: str, declared: str | None) -> None:
    fetched = fetch(named(name), encoded(encoding, declared))

    assert fetched.records == named(name)
    assert fetched.proof.whole


def test_one_name_in_latin_1_leaves_its_neighbours_as_they_are(fetch: Fetch) -> None:
    def behaviour(asked: Asked) -> Scripted:
        text = json.dumps({"users": named("Zoë 珠")[:3]}, ensure_ascii=False).encode()
        return Scripted(text.replace("ë 珠".encode(), b"\xeb", 1), headers={"X-Total-Count": "3"})

    fetched = fetch(named("Zoë 珠")[:3], behaviour)

    assert [record["familyName"] for record in fetched.records] == ["Zoë", "Zoë 珠", "Zoë 珠"]
