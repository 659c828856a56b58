"""Providers that send the right data in an unusual wrapping, or break off on the way."""

import gzip
import json
import zlib
from dataclasses import replace

import pytest

from roster_sync.oneroster.errors import TruncatedError
from tests.support.fetching import Fetch
from tests.support.provider import Scripted, users
from tests.support.roster_server import Asked, Behaviour, standard, with_headers

NAMED = [{"sourcedId": f"U-{number:05}", "givenName": "Zoë"} for number in range(25)]


def body(scripted: Scripted) -> bytes:
    return json.dumps(scripted.content, ensure_ascii=False).encode()


def gzipped(asked: Asked) -> Scripted:
    return replace(standard(asked), gzipped=True)


def zlib_deflated(asked: Asked) -> Scripted:
    page = standard(asked)
    return with_headers(replace(page, content=zlib.compress(body(page))), Content_Encoding="deflate")


def raw_deflated(asked: Asked) -> Scripted:
    page = standard(asked)
    return with_headers(replace(page, content=zlib.compress(body(page))[2:-4]), Content_Encoding="deflate")


def gzipped_twice(asked: Asked) -> Scripted:
    page = standard(asked)
    return with_headers(replace(page, content=gzip.compress(gzip.compress(body(page)))), Content_Encoding="gzip, gzip")


def encoding_that_is_none(asked: Asked) -> Scripted:
    return with_headers(standard(asked), Content_Encoding="utf-8")


def said_to_be_a_web_page(asked: Asked) -> Scripted:
    return with_headers(standard(asked), Content_Type="text/html; charset=iso-8859-1")


def byte_order_mark(asked: Asked) -> Scripted:
    page = standard(asked)
    return replace(page, content=b"\xef\xbb\xbf" + body(page))


def latin_1(asked: Asked) -> Scripted:
    page = standard(asked)
    return replace(page, content=body(page).decode().encode("latin-1"))


def broken_once(content: bytes | None) -> Behaviour:
    """The second page breaks off once: its connection, unless its content is given."""
    broken: list[int] = []

    def behaviour(asked: Asked) -> Scripted:
        page = standard(asked)
        if asked.offset != 10 or broken:
            return page
        broken.append(1)
        return replace(page, cut=True) if content is None else replace(page, content=content)

    return behaviour


@pytest.mark.parametrize(
    "wrapped",
    [
        gzipped,
        zlib_deflated,
        raw_deflated,
        gzipped_twice,
        encoding_that_is_none,
        said_to_be_a_web_page,
        byte_order_mark,
        latin_1,
    ],
)
def test_the_data_count_and_not_their_wrapping(fetch: Fetch, endpoint: str, wrapped: Behaviour) -> None:
    fetched = fetch(NAMED, wrapped, endpoint=endpoint)

    assert fetched.records == NAMED
    assert fetched.proof.whole


@pytest.mark.parametrize("content", [None, b'{"users": [{"sourcedId": "U-00010"}, {"sour'], ids=["cut", "half"])
def test_a_page_that_breaks_off_is_fetched_again(fetch: Fetch, content: bytes | None) -> None:
    fetched = fetch(users(25), broken_once(content))

    assert fetched.records == users(25)
    assert fetched.proof.whole


def test_a_page_that_always_breaks_off_fails_the_fetch(fetch: Fetch) -> None:
    with pytest.raises(TruncatedError, match=r"broke off or is damaged\. Try again later"):
        fetch(users(25), lambda asked: replace(standard(asked), cut=True))
