"""Links to further pages, right or wrong, change nothing: nobody is missed and no other host is asked."""

import pytest

from tests.support.fetching import Fetch
from tests.support.provider import Scripted, users
from tests.support.roster_server import Asked, Behaviour, answer, links

ROSTER = users(35)


def link(asked: Asked, rel: str, offset: int) -> str:
    return f'<https://sis.example.org/{asked.endpoint}?limit={asked.limit}&offset={offset}>; rel="{rel}"'


LINKS = {
    "as the standard has them": links,
    "without host": lambda asked: links(asked, base=""),
    "relative": lambda asked: links(asked, base="."),
    "to the inner host of a proxy": lambda asked: links(asked, base="http://10.0.0.1:8080"),
    "http behind https": lambda asked: links(asked, base="http://sis.example.org"),
    "next to itself": lambda asked: link(asked, "next", asked.offset),
    "next to the page before": lambda asked: link(asked, "next", max(0, asked.offset - asked.limit)),
    "next to the first page": lambda asked: link(asked, "next", 0),
    "next beyond the end": lambda asked: link(asked, "next", 10_000),
    "last to itself": lambda asked: link(asked, "last", asked.offset),
    "next on the first page only": lambda asked: None if asked.offset else link(asked, "next", asked.limit),
    "no link": lambda _: None,
    "no address": lambda _: '<https://[>; rel="next", <>; rel=next, <',
}


def linking(links_of: object, *, total: bool) -> Behaviour:
    def behaviour(asked: Asked) -> Scripted:
        assert callable(links_of)
        return answer(asked, asked.page(), total=len(asked.records) if total else None, links=links_of(asked))

    return behaviour


@pytest.mark.parametrize("total", [True, False])
@pytest.mark.parametrize("links_of", list(LINKS.values()), ids=list(LINKS))
def test_every_record_comes_whatever_the_links_say(fetch: Fetch, links_of: object, total: bool) -> None:
    fetched = fetch(ROSTER, linking(links_of, total=total))

    assert fetched.records == ROSTER
    assert fetched.proof.whole
