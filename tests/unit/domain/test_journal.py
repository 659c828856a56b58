from datetime import timedelta

from msgspec import Raw

from roster_sync.domain.journal import Journal, PageContent, Place
from tests.support.builders import NOW

FIRST, SECOND = Place("users?", 1, 0, 2), Place("users?", 1, 2, 2)
RECORDS = [Raw(b'{"sourcedId" : "S-1"}'), Raw(b'{"sourcedId":"\xc3\xa9"}')]
PAGE = PageContent(RECORDS, total=7, linked=True)


def test_a_page_is_recalled_to_the_letter() -> None:
    journal = Journal(NOW)
    journal.note(FIRST, PAGE)

    recalled = Journal(NOW, [journal.next_part(1)]).recall(FIRST)

    assert recalled
    assert [bytes(record) for record in recalled.records] == [bytes(record) for record in RECORDS]
    assert (recalled.total, recalled.linked) == (7, True)


def test_a_page_answers_its_own_request_and_no_other() -> None:
    journal = Journal(NOW)
    journal.note(FIRST, PAGE)
    journal = Journal(NOW, [journal.next_part(1)])

    others = [
        SECOND,
        FIRST._replace(collection="users?x"),
        FIRST._replace(reading=2),
        FIRST._replace(limit=3),
    ]

    assert [journal.has(place) for place in (FIRST, *others)] == [True, False, False, False, False]
    assert [journal.recall(place) for place in others] == [None] * 4


def test_parts_follow_each_other_and_a_later_one_wins() -> None:
    journal = Journal(NOW)
    journal.note(FIRST, PageContent([Raw(b"1")]))
    first = journal.next_part(3)
    journal.note(FIRST, PageContent([Raw(b"2")]))
    journal.note(SECOND, PageContent([]))

    later = Journal(NOW + timedelta(hours=1), [first, journal.next_part(5)])

    assert (later.began, later.requests_before) == (NOW, 5)
    recalled = later.recall(FIRST)
    assert recalled
    assert [bytes(record) for record in recalled.records] == [b"2"]
    assert later.recall(SECOND) == PageContent([])


def test_requests_add_up_over_invocations() -> None:
    first = Journal(NOW).next_part(3)

    second = Journal(NOW, [first]).next_part(4)

    assert Journal(NOW, [first, second]).requests_before == 7


def test_only_what_the_provider_gave_in_this_invocation_is_news() -> None:
    journal = Journal(NOW)
    before = journal.has_news
    journal.note(FIRST, PAGE)
    noted = journal.has_news
    part = journal.next_part(1)

    assert (before, noted, journal.has_news, Journal(NOW, [part]).has_news) == (False, True, False, False)


def test_much_that_comes_at_once_is_let_go_and_little_is_kept() -> None:
    journal, record = Journal(NOW), Raw(b'"' + b"x" * 1_000_000 + b'"')
    places = [Place("users?", 1, number, 1) for number in range(40)]
    for place in places:
        journal.note(place, PageContent([record]))

    kept = Journal(NOW, [journal.next_part(40)])

    assert [place for place in places if kept.has(place)] == places[32:]


def test_much_is_compressed_as_it_comes_once_all_is_kept() -> None:
    journal = Journal(NOW)
    journal.keeps_all = True
    record = Raw(b'"' + b"x" * 1_000_000 + b'"')
    sizes = []
    for number in range(40):
        journal.note(Place("users?", 1, number, 1), PageContent([record]))
        sizes.append(journal.news_bytes)

    assert sizes[:30] == [0] * 30
    assert 0 < sizes[-1] < 1_000_000
