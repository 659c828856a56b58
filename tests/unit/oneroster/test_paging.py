"""Pages advance by what came, end where the provider provably ends, and vouch for no more than they saw."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from roster_sync.oneroster.paging import MOST_RECORDS, Page, Progress, Span, believable_total, total_of


def a_page(count: int, *, offset: int = 0, total: int | None = None, first: int | None = None) -> Page:
    """Records numbered as their offsets are, or from another number on."""
    begin = offset if first is None else first
    return Page([b"%d" % number for number in range(begin, begin + count)], offset, total)


def begun(first: Page, *, asked: int = 10, overlap: bool = True, begins_with: object = None) -> Progress:
    return Progress(first, asked, overlap=overlap, begins_with=begins_with)


def finished(first: Page, *pages: Page, asked: int = 10, overlap: bool = True) -> Progress:
    progress = begun(first, asked=asked, overlap=overlap)
    for page in pages:
        progress.add(page)
    progress.finish()
    return progress


def unlimited() -> int:
    return 10**6


@given(received=st.integers(2, 50), further=st.integers(0, 500), overlap=st.booleans(), largest=st.integers(2, 60))
def test_spans_cover_what_is_left_once_but_for_the_overlap(
    received: int, further: int, overlap: bool, largest: int
) -> None:
    total = received + further
    progress = begun(a_page(received, total=total), overlap=overlap)

    spans = list(progress.spans(received, lambda: largest, total))

    covered = [offset for span in spans for offset in range(span.offset + overlap, span.offset + span.limit)]
    assert covered[:further] == list(range(received, total))
    assert len(covered) < further + min(received, largest)
    assert all(0 < span.limit <= min(received, largest) for span in spans)


def test_without_a_total_spans_have_no_end() -> None:
    spans = begun(a_page(10)).spans(10, unlimited, None)

    assert list(islice(spans, 3)) == [Span(9, 10), Span(18, 10), Span(27, 10)]


def test_spans_begin_where_the_provider_counts_from() -> None:
    spans = begun(a_page(10, offset=1, total=25)).spans(10, unlimited, 25)

    assert list(spans) == [Span(10, 10), Span(19, 10)]


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
    assert believable_total(first, asked=10) == total


@pytest.mark.parametrize(("overlap", "gap"), [(False, Span(13, 7)), (True, Span(12, 8))])
def test_the_rest_of_a_short_page_is_asked_for_again(overlap: bool, gap: Span) -> None:
    progress = begun(a_page(10), overlap=overlap)
    progress.add(a_page(3 + overlap, offset=10 - overlap))

    assert progress.gap_before(20) == gap
    assert progress.gap_before(13) is None


@pytest.mark.parametrize(
    ("headers", "content", "total"),
    [
        ({"X-Total-Count": " 12 "}, {}, 12),
        ({"X-Count": "12"}, {}, 12),
        ({"X-Total-Count": "12", "X-Count": "3"}, {"total": b"4"}, 12),
        ({"X-Total-Count": "many"}, {"total": b"12"}, 12),
        ({}, {"total": b"12"}, 12),
        ({}, {"users": b"[]", "Total_Count": b'"12"'}, 12),
        ({}, {"count": b"12"}, None),
        ({}, {"total": b"[]"}, None),
        ({}, {"total": b"\xff"}, None),
        ({"X-Total-Count": "many"}, {}, None),
        ({"X-Total-Count": "-1"}, {}, None),
        ({"X-Total-Count": "9" * 5000}, {}, None),
        ({}, {}, None),
    ],
)
def test_a_total_is_a_number_in_a_header_or_beside_the_records(
    headers: dict[str, str], content: dict[str, bytes], total: int | None
) -> None:
    assert total_of(headers, {key: Raw(value) for key, value in content.items()}) == total


def test_a_total_of_none_beside_records_is_none() -> None:
    assert begun(a_page(5, total=0)).announced is None


def test_a_fetch_is_whole_when_as_many_different_records_came_as_were_announced() -> None:
    progress = finished(a_page(10, total=15), a_page(6, offset=9, total=15))

    proof = progress.proof(15)

    assert (proof.whole, proof.reason, proof.announced, proof.received) == (True, None, 15, 15)


@pytest.mark.parametrize(
    ("progress", "distinct", "sentence"),
    [
        (begun(a_page(0)), 0, "Not every page was read"),
        (finished(a_page(10, total=15), a_page(5, offset=10, total=16)), 15, "total changed"),
        (finished(a_page(10, total=15), a_page(5, offset=10, total=15)), 14, "announced 15 records, 14 different"),
        (finished(a_page(10), a_page(6, offset=9)), 14, "of 15 records only 14 were different"),
        (finished(a_page(10, total=20), a_page(10, offset=10, total=20)), 20, "joined or left"),
        (finished(a_page(10), a_page(0, offset=9)), 10, "joined or left"),
        (finished(a_page(10), a_page(5, offset=10), overlap=False), 15, "no total to rely on, and takes no offset"),
        (finished(a_page(10, total=10), overlap=False), 10, "no total to rely on"),
        (finished(a_page(10), overlap=False), 10, "no total to rely on, and takes no offset"),
    ],
)
def test_any_doubt_leaves_a_fetch_unproven_and_says_why(progress: Progress, distinct: int, sentence: str) -> None:
    proof = progress.proof(distinct)

    assert not proof.whole
    assert proof.reason is not None
    assert sentence in proof.reason


def test_without_a_total_a_fetch_without_repetition_is_whole() -> None:
    assert finished(a_page(10), a_page(6, offset=9), a_page(1, offset=14)).proof(15).whole


def test_everything_at_once_is_whole() -> None:
    assert finished(a_page(33), a_page(33), asked=10).proof(33).whole


def test_records_already_held_are_left_out_of_the_next_page() -> None:
    progress = begun(a_page(10))

    assert progress.add(a_page(10, offset=9)) == a_page(9, offset=10)
    assert progress.add(a_page(5, offset=16)) == a_page(2, offset=19)
    assert not progress.drifted


def test_a_second_page_that_begins_one_record_early_is_of_a_provider_that_counts_from_one() -> None:
    progress = begun(a_page(10))

    new = progress.add(a_page(10, offset=9, first=8))

    assert new == a_page(8, offset=10)
    assert (progress.origin, progress.end, progress.drifted) == (1, 18, False)
    assert progress.add(a_page(10, offset=18, first=17)) == a_page(9, offset=18)


@pytest.mark.parametrize(
    "page",
    [
        a_page(10, offset=9, first=0),
        a_page(10, offset=9, first=10),
        a_page(10, offset=9, first=7),
        a_page(0, offset=9),
        a_page(9, offset=9, first=50),
    ],
)
def test_a_second_page_that_does_not_join_is_drift_and_may_be_the_provider_s_way(page: Page) -> None:
    progress = begun(a_page(10))

    progress.add(page)

    assert progress.drifted
    assert progress.tries_overlap


@pytest.mark.parametrize(
    "page", [a_page(10, offset=18, first=19), a_page(10, offset=18, first=17), a_page(0, offset=18)]
)
def test_a_later_page_that_does_not_join_is_drift(page: Page) -> None:
    progress = begun(a_page(10))
    progress.add(a_page(10, offset=9))

    progress.add(page)

    assert progress.drifted
    assert not progress.tries_overlap


def test_a_changed_total_is_drift() -> None:
    progress = begun(a_page(10, total=30))

    progress.add(a_page(10, offset=9, total=31))

    assert progress.drifted


def test_counts_of_pages_given_as_totals_are_no_drift() -> None:
    progress = begun(a_page(10, total=10))

    progress.add(a_page(6, offset=9, total=6))

    assert not progress.drifted


def test_an_empty_page_before_the_total_is_no_drift_but_leaves_the_fetch_unproven() -> None:
    progress = begun(a_page(10, total=30))

    progress.add(a_page(0, offset=9, total=30))
    progress.finish()

    assert not progress.drifted
    assert not progress.proof(30).whole


def test_the_last_page_given_again_brings_nothing_and_is_no_drift() -> None:
    progress = begun(a_page(10))
    progress.add(a_page(6, offset=9))

    new = progress.add(a_page(6, offset=14, first=9))

    assert list(new.raw_records) == []
    assert not progress.drifted


def test_after_a_page_that_does_not_join_no_overlap_is_asked_for() -> None:
    progress = begun(a_page(10))
    progress.add(a_page(10, offset=12))

    assert progress.overlap == 0


@pytest.mark.parametrize(("first", "whole"), [(10, True), (11, False)])
def test_a_provider_that_takes_the_next_multiple_gives_the_same_page_without_overlap(first: int, whole: bool) -> None:
    joint = a_page(10, offset=9, first=10)
    begins_with = begun(a_page(10)).next_begins_with(joint)
    progress = begun(a_page(10, total=20), overlap=False, begins_with=begins_with)

    progress.add(a_page(10, offset=10, first=first, total=20))
    progress.finish()

    assert progress.proof(20).whole == whole
