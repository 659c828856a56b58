"""A collection is read to its end by offsets alone, with no more requests than it takes."""

from collections.abc import Callable

from roster_sync.oneroster.collection import Collection, Endpoint
from roster_sync.oneroster.pace import Pace
from roster_sync.oneroster.paging import Page
from roster_sync.oneroster.retry import RetryPolicy
from roster_sync.security.egress import Answer

HOST = "sis.example.org"


def an_endpoint(page: Callable[[int, int], Page]) -> Endpoint:
    """One whose pages come from a function, called as each is read."""

    def answer(limit: int, offset: int) -> Answer:
        return Answer(200, {"limit": str(limit)}, b"")

    return Endpoint(
        HOST,
        "users",
        page=page,
        answer=answer,
        answer_at_once=answer,
        read=lambda _, limit, offset: page(limit, offset),
    )


def a_collection(page: Callable[[int, int], Page], policy: RetryPolicy) -> Collection:
    return Collection(an_endpoint(page), Pace(HOST, policy, 3), page_size=10, takes_overlap=True)


def growing(limit: int, offset: int) -> Page:
    """While the third page is read, one user joins at the end."""
    total = 30 + (offset > 9)
    return Page([b"%d" % number for number in range(offset, min(offset + limit, total))], offset, total)


def test_a_run_that_has_no_time_to_start_over_reads_on() -> None:
    collection = a_collection(growing, RetryPolicy(run_s=-1))

    pages = list(collection.pages())

    assert not any(page.starts_over for page in pages)
    assert collection.proof(30).reason == "The provider's total changed while its pages were read."


def test_a_run_that_has_time_starts_over() -> None:
    collection = a_collection(growing, RetryPolicy())

    assert [page.starts_over for page in collection.pages()].count(True) == 2
