"""Pages advance by what came, end where the provider provably ends, and vouch for no more than they saw."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roster_sync.oneroster.paging import (
    MOST_RECORDS,
    NoOverlapError,
    Page,
    Progress,
    Span,
    believable_total,
    gap_after,
    next_offset_of,
    spans_after,
    total_of,
)


def a_page(count: int, *, offset: int = 0, total: int | None = None, next_offset: int | None = None) -> Page:
    return Page([b"%d" % number for number in range(offset, offset + count)], offset, total, next_offset)


def finished(first: Page, *pages: Page, overlap: bool = True) -> Progress:
    progress = Progress(first, overlap=overlap)
    for page in pages:
        progress.add(page)
    progress.finish()
    return progress


@given(received=st.integers(2, 50), further=st.integers(0, 500), overlap=st.integers(0, 1))
def test_spans_cover_what_is_left_once_but_for_the_overlap(received: int, further: int, overlap: int) -> None:
    total = received + further

    spans = list(spans_after(a_page(received, total=total), total, overlap))

    covered = [offset for span in spans for offset in range(span.offset + overlap, span.offset + span.limit)]
    assert covered == list(range(received, total))
    assert all(0 < span.limit <= received for span in spans)


def test_an_empty_first_page_leaves_nothing_to_plan() -> None:
    assert list(spans_after(a_page(0, total=50), 50, 0)) == []


@pytest.mark.parametrize(
    ("first", "total"),
    [
        (a_page(10, total=11), 11),
        (a_page(9, total=9), 9),
        (a_page(0, total=0), 0),
        (a_page(10, total=10), None),
        (a_page(10, total=0), None),
        (a_page(10, total=MOST_RECORDS), MOST_RECORDS),
        (a_page(10, total=MOST_RECORDS + 1), None),
        (a_page(10), None),
    ],
)
def test_a_total_is_planned_with_unless_it_may_be_the_page_s_own_count(first: Page, total: int | None) -> None:
    assert believable_total(first, limit=10) == total


def test_the_rest_of_a_short_page_is_asked_for_again() -> None:
    assert gap_after(a_page(3, offset=10), Span(10, 10), overlap=0) == Span(13, 7)
    assert gap_after(a_page(3, offset=10), Span(10, 10), overlap=1) == Span(12, 8)


@pytest.mark.parametrize("page", [a_page(10, offset=10), a_page(12, offset=10), a_page(0, offset=10)])
def test_a_whole_an_overlong_or_an_empty_page_leaves_no_gap(page: Page) -> None:
    assert gap_after(page, Span(10, 10), overlap=1) is None


@pytest.mark.parametrize(
    ("headers", "total"),
    [
        ({"X-Total-Count": " 12 "}, 12),
        ({"X-Total-Count": "many"}, None),
        ({"X-Total-Count": "-1"}, None),
        ({"X-Total-Count": "9" * 5000}, None),
        ({}, None),
    ],
)
def test_a_total_is_a_number_or_none(headers: dict[str, str], total: int | None) -> None:
    assert total_of(headers) == total


@pytest.mark.parametrize(
    ("link", "offset"),
    [
        ('<https://x.example/users?limit=5&offset=10>; rel="next"', 10),
        ("</users?offset=10&limit=5>; rel=next", 10),
        ('<u?offset=0>; rel="first", <u?offset=15>; title="a"; rel="next last", <u?offset=5>; rel="prev"', 15),
        ('<u?offset=5>; rel="prev"', None),
        ('<u?page=2>; rel="next"', None),
        ('<u?offset=5&limit=5>; title="next"; rel="last"', None),
        ('<u?offset=5>;REL = "Next"', 5),
        (f'<u?offset={"9" * 5000}>; rel="next"', None),
        ('<https://[u?offset=5>; rel="next"', None),
        ("nonsense", None),
        pytest.param("<" * 1_000_000, None, id="a million open brackets, which must not take hours"),
        pytest.param("<u?offset=5>;" + "rel=a " * 200_000, None, id="relations without end"),
        ("", None),
    ],
)
def test_only_the_offset_of_the_next_link_is_read(link: str, offset: int | None) -> None:
    assert next_offset_of({"Link": link}) == offset


def test_without_total_and_links_only_an_empty_page_is_the_end() -> None:
    progress = Progress(a_page(10), overlap=True)

    assert not progress.ends_with(a_page(3, offset=10))
    assert progress.ends_with(a_page(0, offset=13))


@pytest.mark.parametrize("next_offset", [None, 10, 5])
def test_after_linked_pages_a_page_whose_link_does_not_lead_on_is_the_end(next_offset: int | None) -> None:
    progress = Progress(a_page(10, next_offset=10), overlap=True)

    assert not progress.ends_with(a_page(10, offset=10, next_offset=20))
    assert progress.ends_with(a_page(10, offset=10, next_offset=next_offset))


def test_a_fetch_is_whole_when_as_many_different_records_came_as_were_announced() -> None:
    progress = finished(a_page(10, total=15), a_page(6, offset=9, total=15))

    proof = progress.proof(15)

    assert (proof.whole, proof.reason, proof.announced, proof.received) == (True, None, 15, 15)


@pytest.mark.parametrize(
    ("progress", "distinct", "sentence"),
    [
        (Progress(a_page(0), overlap=True), 0, "Not every page was read"),
        (finished(a_page(10, total=15), a_page(5, offset=10, total=16)), 15, "total changed"),
        (finished(a_page(10, total=15), a_page(5, offset=10, total=15)), 14, "announced 15 records, 14 different"),
        (finished(a_page(10, total=0)), 10, "announced 0 records, 10 different"),
        (finished(a_page(10), a_page(6, offset=9)), 14, "of 15 records only 14 were different"),
        (finished(a_page(10, total=20), a_page(10, offset=10, total=20)), 20, "joined or left"),
        (finished(a_page(10), a_page(5, offset=10), overlap=False), 15, "no total and takes no offset"),
    ],
)
def test_any_doubt_leaves_a_fetch_unproven_and_says_why(progress: Progress, distinct: int, sentence: str) -> None:
    proof = progress.proof(distinct)

    assert not proof.whole
    assert proof.reason is not None
    assert sentence in proof.reason


def test_without_a_total_a_fetch_without_repetition_is_whole() -> None:
    assert finished(a_page(10), a_page(6, offset=9), a_page(1, offset=14)).proof(15).whole


def test_records_already_held_are_left_out_of_the_next_page() -> None:
    progress = Progress(a_page(10), overlap=True)

    assert progress.add(a_page(10, offset=9)) == a_page(9, offset=10)
    assert progress.add(a_page(5, offset=16)) == a_page(2, offset=19)


def test_the_first_page_again_shows_that_the_provider_cannot_overlap() -> None:
    progress = Progress(a_page(10), overlap=True)

    with pytest.raises(NoOverlapError):
        progress.add(a_page(10))


def test_after_a_page_that_does_not_join_no_overlap_is_asked_for() -> None:
    progress = Progress(a_page(10), overlap=True)
    progress.add(a_page(10, offset=12))

    assert progress.overlap == 0
