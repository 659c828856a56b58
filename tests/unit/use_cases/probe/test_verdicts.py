"""No verdict leaves an administrator alone with a note."""

from collections.abc import Iterator
from itertools import product

from functions.test_connection.app import PROVIDER_ERRORS
from roster_sync.oneroster.errors import ForbiddenError, RequestRefusedError
from roster_sync.use_cases.probe import verdicts
from roster_sync.use_cases.probe.questions import Answer, Failed, Got, Query, Sample, Untried
from roster_sync.use_cases.probe.report import Step, StepName

PAGE_SIZE = 50
USERS = [{"sourcedId": f"U-{number}", "role": "teacher" if number == 9 else "student"} for number in range(60)]


def samples() -> Iterator[Sample]:
    for count, announced, total, linked in product(
        (1, 5, 10, 40, 60), (None, 0, 10, 60), (None, 10, 60), (False, True)
    ):
        yield Sample(40, USERS[:count], count, announced, total, linked)


def answers() -> Iterator[Answer]:
    for first, total in product((None, 0, 3, 4, 5, 7, 9, 12, 15), (None, 0, 2, 60)):
        records = [] if first is None else USERS[first : first + 2]
        yield Got(records, len(records), total, 0.5)
    yield Failed(RequestRefusedError("It is refused. Ask."), 0.5)
    yield Failed(ForbiddenError("One sentence alone."), 0.5)
    yield Untried("Not tried.", "Test again.")


def steps() -> Iterator[Step]:
    yield from map(verdicts.clock, (None, 5.0, 90.0, -90.0))
    for sample in samples():
        yield verdicts.links(sample)
        yield verdicts.page_size(sample, None, PAGE_SIZE)[0]
        for answer in answers():
            yield verdicts.offset(sample, answer, PAGE_SIZE, "sis.example.org").step
            yield verdicts.page_size(sample, answer, PAGE_SIZE)[0]
            yield from (verdicts.total(sample, answer, honoured) for honoured in (None, False, True))
            yield from (verdicts.beyond(sample, answer, from_one=from_one) for from_one in (False, True))
            yield verdicts.sorting(sample, answer, PROVIDER_ERRORS).step
            yield verdicts.filters(sample, answer, PROVIDER_ERRORS).step
            yield from (verdicts.delta(sample, answer, ever, PROVIDER_ERRORS).step for ever in answers())
    yield verdicts.endpoints([verdicts.endpoint(Query("courses"), answer, PROVIDER_ERRORS) for answer in answers()])


def test_every_note_and_every_failure_has_a_sentence_of_what_to_do() -> None:
    found = {step for step in steps() if step.ok is not True}

    assert {step.name for step in found if step.ok is None} == set(StepName) - {
        StepName.ADDRESS,
        StepName.TLS,
        StepName.SIGNATURE,
        StepName.ORGS,
        StepName.USERS,
        StepName.SCHOOLS,
    }
    assert [step for step in found if not (step.remedy or "").endswith(".")] == []


def test_every_endpoint_that_is_not_there_has_a_sentence_of_what_to_do() -> None:
    found = [verdicts.endpoint(Query("courses"), answer, PROVIDER_ERRORS) for answer in answers()]

    assert [finding for finding in found if finding.state != "available" and not finding.remedy] == []
