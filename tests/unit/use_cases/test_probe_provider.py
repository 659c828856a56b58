"""A probe finds the step that failed, and ends in time."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from functions.test_connection.app import PROVIDER_ERRORS
from roster_sync.domain.district import School
from roster_sync.domain.errors import ConfigurationError, RosterSyncError, TransientError
from roster_sync.domain.identifiers import SchoolId, SourcedId
from roster_sync.domain.sign_in import SignIn, SignInMethod
from roster_sync.oneroster.errors import (
    ForbiddenError,
    NotFoundAtProviderError,
    NotJsonError,
    ProviderBrokenError,
    RedirectedError,
    SignInRefusedError,
    ThrottledError,
    UnexpectedAnswerError,
)
from roster_sync.security.egress import (
    HandshakeBrokenError,
    HostUnreachableError,
    TimedOutError,
    TlsError,
    TooLargeError,
    TruncatedError,
)
from roster_sync.use_cases.probe.report import ProbeReport, Step, StepName
from roster_sync.use_cases.probe.target import ProbeTarget
from roster_sync.use_cases.probe_provider import (
    MOST_ORG_PAGES,
    MOST_REQUESTS,
    SAMPLE_USERS,
    probe_provider,
    report_of_too_many_tests,
)
from tests.support.builders import a_probe_target, a_school

HOST = "sis.example.org"
ORGS: list[object] = [
    {"sourcedId": "org-0", "name": "Springfield", "type": "district"},
    {"sourcedId": "org-1", "name": "Springfield Elementary", "type": "school", "identifier": "0042"},
]
USERS: list[object] = [
    {"sourcedId": "S-1", "role": "student", "email": "lisa@example.org", "metadata": {"homeroom": "2B", "bus": ""}},
    {"sourcedId": "S-2", "role": "student", "email": "bart@example.org", "metadata": {"homeroom": "4A"}},
    {"sourcedId": "T-1", "role": "teacher", "email": "edna@example.org", "metadata": None},
]


@dataclass(frozen=True, slots=True)
class Page:
    raw_records: Sequence[object]
    total: int | None = None
    linked: bool = False
    starts_over: bool = False

    def head(self, most: int) -> Sequence[object]:
        return self.raw_records[:most]


@dataclass
class FakeProvider:
    """Orgs page by page, users from one list; an error in place of either is raised, an event is waited for.

    In their place there is what `instead` has. What is asked beyond that is answered from `answers` by endpoint, or
    with nothing.
    """

    orgs: Sequence[Page | RosterSyncError | threading.Event] = (Page(ORGS),)
    users: Sequence[object] | RosterSyncError | threading.Event = field(default_factory=lambda: USERS)
    instead: Mapping[str, Page | RosterSyncError] = field(default_factory=dict)
    total: bool = True
    answers: Mapping[str, Page | RosterSyncError | threading.Event] = field(default_factory=dict)
    sign_in: SignIn | None = None
    clock_ahead_s: float | None = 0.0
    requests_made: int = 0
    asked: list[tuple[str, int, int]] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    closed: bool = False

    def pages(self, endpoint: str) -> Iterator[Page]:
        for page in self.orgs if endpoint == "orgs" else [self._instead_of(endpoint)]:
            self.requests_made += 1
            yield _given(page)

    def page(self, endpoint: str, *, limit: int, offset: int) -> Page:
        self.requests_made += 1
        self.asked.append((endpoint, limit, offset))
        if endpoint != "users":
            return _given(self._instead_of(endpoint))
        if isinstance(self.users, Sequence):
            return Page(self.users[offset : offset + limit], len(self.users) if self.total else None)
        return _given(self.users)

    def ask(
        self, endpoint: str, *, limit: int, offset: int = 0, descending: bool = False, condition: str | None = None
    ) -> Page:
        self.questions.append(endpoint)
        return _given(self.answers.get(endpoint, Page([])))

    def close(self) -> None:
        self.closed = True

    def _instead_of(self, endpoint: str) -> Page | RosterSyncError:
        return self.instead.get(endpoint, NotFoundAtProviderError(f"No /{endpoint}. Ask."))


def _given(answer: Page | RosterSyncError | threading.Event) -> Page:
    if isinstance(answer, RosterSyncError):
        raise answer
    if isinstance(answer, threading.Event):
        answer.wait(30)
        return Page([])
    return answer


def probed(
    provider: FakeProvider,
    schools: Sequence[School] = (),
    *,
    base_url: str = a_probe_target().base_url,
    page_size: int = 1000,
    deadline_s: float = 30,
) -> ProbeReport:
    return probe_provider(
        a_probe_target(base_url=base_url, page_size=page_size),
        schools,
        lambda _: provider,
        errors=PROVIDER_ERRORS,
        deadline_s=deadline_s,
        monotonic=lambda: 0.0,
    )


def outcome(report: ProbeReport) -> dict[StepName, bool | None]:
    """Of the steps that can fail by the provider's settings."""
    return {step.name: step.ok for step in report.steps[:6]}


def step(report: ProbeReport, name: StepName) -> Step:
    return next(step for step in report.steps if step.name is name)


def outcomes(*oks: bool | None) -> dict[StepName, bool | None]:
    return dict(zip(list(StepName)[:6], oks, strict=True))


@pytest.fixture
def never() -> Iterator[threading.Event]:
    """Set only when the test is over."""
    event = threading.Event()
    yield event
    event.set()


def test_a_good_provider_passes_every_step() -> None:
    provider = FakeProvider()

    report = probed(provider, [a_school()])

    assert report.ok
    assert outcome(report) == outcomes(True, True, True, True, True, True)
    assert all(step.message.endswith(".") for step in report.steps)
    assert all(step.remedy is None for step in report.steps[:6])
    assert provider.closed


def test_the_report_tells_what_the_provider_has() -> None:
    report = probed(FakeProvider()).as_dict()

    assert report["total_users"] == 3
    assert report["sampled_users"] == 3
    assert report["roles"] == {"student": 2, "teacher": 1}
    assert report["metadata_keys"] == {"homeroom": 2}
    assert report["schools"] == [
        {"sourced_id": "org-1", "name": "Springfield Elementary", "identifier": "0042", "type": "school"}
    ]


def test_the_report_suggests_the_school_year_that_the_provider_names() -> None:
    year = {"type": "schoolYear", "startDate": "2026-08-24", "endDate": "2027-06-12"}
    term = {"type": "term", "startDate": "2026-08-24", "endDate": "2026-12-18"}

    named = probed(FakeProvider(answers={"academicSessions": Page([term, year])})).as_dict()
    unnamed = probed(FakeProvider(answers={"academicSessions": Page([term])})).as_dict()

    assert named["school_year"] == {"school_year_from": "2026-08-24", "school_year_until": "2027-06-12"}
    assert unnamed["school_year"] is None


def test_the_report_is_json_without_personal_data() -> None:
    text = json.dumps(probed(FakeProvider(), [a_school()]).as_dict())

    assert not any(private in text for private in ("lisa", "bart", "edna", "S-1", "2B", "hunter2"))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (HostUnreachableError(HOST), outcomes(False, None, None, None, None, None)),
        (TlsError(HOST, "its certificate has expired", "Ask."), outcomes(True, False, None, None, None, None)),
        (HandshakeBrokenError(HOST), outcomes(True, False, None, None, None, None)),
        (SignInRefusedError("Refused (401). Enter it again."), outcomes(True, True, False, None, None, None)),
    ],
)
def test_without_address_encryption_or_signature_nothing_more_is_tried(
    error: RosterSyncError, expected: Mapping[StepName, bool | None]
) -> None:
    provider = FakeProvider(orgs=[error])

    report = probed(provider, [a_school()])

    assert outcome(report) == expected
    assert not report.ok
    assert provider.asked == []


@pytest.mark.parametrize(
    "error",
    [
        NotJsonError("A web page. Check."),
        UnexpectedAnswerError("No list. Check."),
        RedirectedError("It redirects. Ask."),
        TooLargeError(HOST, 1),
        ThrottledError("Too many requests. Try again later.", None),
        ProviderBrokenError("Failed. Try again later.", None),
        TimedOutError(HOST, 10),
        TruncatedError(HOST),
    ],
    ids=lambda error: type(error).__name__,
)
def test_users_are_tried_also_if_orgs_cannot_be_read(error: RosterSyncError) -> None:
    report = probed(FakeProvider(orgs=[error]), [a_school()])

    assert outcome(report) == outcomes(True, True, True, False, True, None)
    assert report.total_users == 3
    assert not report.ok


LACKING = [ForbiddenError("Forbidden. Ask."), NotFoundAtProviderError("Not found. Check.")]


@pytest.mark.parametrize("error", LACKING)
def test_without_orgs_and_schools_the_sync_goes_on_if_there_are_users(error: RosterSyncError) -> None:
    report = probed(FakeProvider(orgs=[error]), [a_school()])

    assert outcome(report) == outcomes(True, True, True, None, True, None)
    assert report.ok


@pytest.mark.parametrize("error", LACKING)
def test_without_orgs_and_schools_and_users_orgs_fail_too(error: RosterSyncError) -> None:
    report = probed(FakeProvider(orgs=[error], users=ProviderBrokenError("Failed. Try again.", None)), [a_school()])

    assert outcome(report) == outcomes(True, True, None, False, False, None)
    assert step(report, StepName.ORGS).message == str(error).rpartition(" ")[0]


def test_orgs_are_reported_also_if_users_cannot_be_read() -> None:
    report = probed(FakeProvider(users=ForbiddenError("No. Ask.")), [a_school()])

    assert outcome(report) == outcomes(True, True, True, True, False, True)
    assert (report.total_users, report.sampled_users) == (None, 0)


@pytest.mark.parametrize(
    "error", [HostUnreachableError(HOST), TlsError(HOST, "no", "Ask."), SignInRefusedError("No. Ask.")]
)
def test_what_was_reached_and_accepted_once_stays_so(error: RosterSyncError) -> None:
    report = probed(FakeProvider(users=error), [a_school()])

    assert outcome(report) == outcomes(True, True, True, True, False, True)


def test_an_answer_that_breaks_off_leaves_encryption_and_signature_open() -> None:
    report = probed(FakeProvider(orgs=[TruncatedError(HOST)], users=TimedOutError(HOST, 10)))

    assert outcome(report) == outcomes(True, None, None, False, False, None)


def test_the_last_sentence_of_an_error_is_the_remedy() -> None:
    error = ForbiddenError(
        f'The consumer key may not read /users of {HOST} (403). It says: "No. Way.". Ask the provider to permit it.'
    )

    failed = step(probed(FakeProvider(users=error)), StepName.USERS)

    assert failed.message == f'The consumer key may not read /users of {HOST} (403). It says: "No. Way.".'
    assert failed.remedy == "Ask the provider to permit it."


def test_http_needs_no_certificate_and_fails_no_step() -> None:
    report = probed(FakeProvider(), [a_school()], base_url="http://127.0.0.1:8000/ims/oneroster/v1p1")

    assert outcome(report) == outcomes(True, None, True, True, True, True)
    assert report.ok


def test_an_empty_roster_fails_with_what_to_do() -> None:
    report = probed(FakeProvider(users=[]), [a_school()])

    assert outcome(report) == outcomes(True, True, True, True, False, True)
    assert step(report, StepName.USERS).message == "The provider sent no users at all."
    assert step(report, StepName.USERS).remedy == "Check in the SIS that it shares users with this system."


def test_a_provider_without_orgs_fails_with_what_to_do() -> None:
    report = probed(FakeProvider(orgs=[Page([])]))

    assert step(report, StepName.ORGS).message == "The provider gives no orgs."
    assert step(report, StepName.ORGS).remedy is not None


def test_a_configured_school_that_no_org_is_fails_and_is_named() -> None:
    unknown = a_school(school_id=SchoolId("high"), name="Springfield High", oneroster_id=SourcedId("ORG-1"))

    report = probed(FakeProvider(), [a_school(), unknown])

    assert outcome(report) == outcomes(True, True, True, True, True, False)
    assert "Springfield High" in step(report, StepName.SCHOOLS).message
    assert report.as_dict()["unknown_schools"] == [
        {"school_id": "high", "name": "Springfield High", "oneroster_id": "ORG-1"}
    ]


def test_settings_may_be_tested_before_schools_have_ids() -> None:
    report = probed(FakeProvider(), [a_school(oneroster_id=None)])

    assert report.ok
    assert step(report, StepName.SCHOOLS).remedy == "Give each school its OneRoster ID."


def test_a_school_on_a_later_page_is_found() -> None:
    provider = FakeProvider(orgs=[Page([{"sourcedId": f"other-{number}"}]) for number in range(5)] + [Page(ORGS)])

    report = probed(provider, [a_school()])

    assert step(report, StepName.SCHOOLS).ok
    assert step(report, StepName.ORGS).message == "7 orgs were read, 1 of them of type school."


def test_orgs_that_are_read_anew_are_counted_once() -> None:
    provider = FakeProvider(orgs=[Page([*ORGS, {"sourcedId": "gone", "type": "school"}]), Page(ORGS, starts_over=True)])

    report = probed(provider, [a_school()])

    assert step(report, StepName.ORGS).message == "2 orgs were read, 1 of them of type school."


def test_endless_orgs_are_stopped_and_no_school_is_called_unknown() -> None:
    endless = [Page([{"sourcedId": f"other-{number}"}]) for number in range(MOST_ORG_PAGES + 10)]

    report = probed(FakeProvider(orgs=endless), [a_school()])

    assert step(report, StepName.ORGS).message.startswith(f"The first {MOST_ORG_PAGES} orgs were read")
    assert (step(report, StepName.SCHOOLS).ok, report.unknown_schools) == (None, [])


def test_orgs_that_fail_on_a_later_page_are_not_called_read() -> None:
    provider = FakeProvider(orgs=[Page([{"sourcedId": "other"}]), ProviderBrokenError("Failed. Try again.", None)])

    report = probed(provider, [a_school()])

    assert outcome(report) == outcomes(True, True, True, False, True, None)


def test_users_are_sampled_within_bounds() -> None:
    provider = FakeProvider(users=[{"sourcedId": str(number)} for number in range(500)])

    report = probed(provider)

    assert (report.sampled_users, report.total_users) == (SAMPLE_USERS, 500)
    assert provider.asked == [("users", SAMPLE_USERS, 0)]


def test_of_a_provider_that_ignores_the_limit_no_more_users_are_looked_at() -> None:
    class Generous(FakeProvider):
        def page(self, endpoint: str, *, limit: int, offset: int) -> Page:
            return Page([{"role": "student"}] * 10 * SAMPLE_USERS)

    assert probed(Generous()).roles == {"student": SAMPLE_USERS}


def test_no_larger_page_is_asked_for_than_the_settings_say() -> None:
    provider = FakeProvider(users=[{"sourcedId": str(number)} for number in range(500)])

    probed(provider, page_size=50)

    assert provider.asked == [("users", 50, 0)]


@pytest.mark.parametrize(("users", "total"), [(3, 3), (SAMPLE_USERS, SAMPLE_USERS), (SAMPLE_USERS + 1, None)])
def test_without_a_total_it_is_looked_whether_more_users_come(users: int, total: int | None) -> None:
    provider = FakeProvider(users=[{"sourcedId": str(number)} for number in range(users)], total=False)

    report = probed(provider)

    assert report.total_users == total
    assert step(report, StepName.USERS).ok


def test_records_that_are_none_do_not_stop_the_probe() -> None:
    odd: list[object] = [None, "user", {"role": None, "metadata": []}, {"role": ["x"], "metadata": {"a": [1]}}]

    report = probed(FakeProvider(orgs=[Page([None, 3, {"type": "school"}, *ORGS])], users=odd), [a_school()])

    assert report.ok
    assert (report.sampled_users, report.roles, report.metadata_keys) == (2, {}, {"a": 1})


def test_roles_and_metadata_keys_are_bounded() -> None:
    users: list[object] = [{"role": f"{number}" * 500, "metadata": {f"key {number}": 1}} for number in range(150)]

    report = probed(FakeProvider(users=users))

    assert (len(report.roles), len(report.metadata_keys)) == (100, 100)
    assert max(map(len, report.roles)) == 100


def test_an_address_that_cannot_be_looked_up_in_time_fails_as_such(never: threading.Event) -> None:
    report = probed(FakeProvider(orgs=[never]), deadline_s=0.05)

    assert outcome(report) == outcomes(False, None, None, None, None, None)
    assert step(report, StepName.ADDRESS).message == f"{HOST} could not be reached within 0.05 seconds."


def test_users_that_take_too_long_leave_what_is_known_of_orgs(never: threading.Event) -> None:
    report = probed(FakeProvider(users=never), [a_school()], deadline_s=0.2)

    assert outcome(report) == outcomes(True, True, True, True, False, True)
    assert "0.2 seconds" in step(report, StepName.USERS).message
    assert [school.sourced_id for school in report.schools] == ["org-1"]


def test_orgs_that_take_too_long_leave_what_is_known_of_users(never: threading.Event) -> None:
    report = probed(FakeProvider(orgs=[Page(ORGS), never]), [a_school()], deadline_s=0.2)

    assert outcome(report) == outcomes(True, True, True, False, True, True)
    assert report.total_users == 3


@pytest.mark.parametrize("error", [ConfigurationError("Cannot decrypt. Enter it."), TransientError("No key service.")])
def test_a_secret_that_cannot_be_decrypted_is_reported(error: RosterSyncError) -> None:
    def fail(_: ProbeTarget) -> FakeProvider:
        raise error

    report = probe_provider(a_probe_target(), [], fail, errors=PROVIDER_ERRORS, deadline_s=5, monotonic=lambda: 0.0)

    assert outcome(report) == outcomes(False, None, None, None, None, None)


def test_the_way_to_sign_in_that_the_provider_took_is_reported() -> None:
    report = probed(FakeProvider(sign_in=SignIn(SignInMethod.OAUTH2_BASIC, f"https://{HOST}/token")))

    assert report.as_dict()["sign_in"] == {"method": "oauth2-basic", "token_url": f"https://{HOST}/token"}
    assert step(report, StepName.SIGNATURE).message == (
        f"Signed in by OAuth 2.0, key and secret as Basic authentication, with tokens of https://{HOST}/token."
    )


def test_a_defect_is_not_reported_as_the_providers() -> None:
    def fail(_: ProbeTarget) -> FakeProvider:
        raise KeyError("defect")

    with pytest.raises(KeyError, match="defect"):
        probe_provider(a_probe_target(), [], fail, errors=PROVIDER_ERRORS, deadline_s=5, monotonic=lambda: 0.0)


def test_what_could_not_be_asked_in_time_is_no_failure(never: threading.Event) -> None:
    provider = FakeProvider(answers=dict.fromkeys(("users", "courses"), never))

    report = probed(provider, [a_school()], deadline_s=0.3)

    messages = {step.message for step in report.steps}
    assert report.ok
    assert "No answer came before the time of the test was over." in messages
    assert report.delta is None


def test_nothing_more_is_asked_when_the_provider_took_too_many_requests() -> None:
    provider = FakeProvider(requests_made=MOST_REQUESTS)

    report = probed(provider)

    assert provider.questions == []
    assert step(report, StepName.DELTA).message == "Not tried: the provider took too many requests before."


def test_nothing_more_is_asked_when_the_time_is_over(never: threading.Event) -> None:
    provider = FakeProvider(orgs=[Page(ORGS), never])

    report = probed(provider, [a_school()], deadline_s=0.2)

    assert provider.questions == []
    assert step(report, StepName.OFFSET).message == "Not tried for lack of time."
    assert step(report, StepName.DELTA).message == "Not tried for lack of time."


def test_without_sign_in_nothing_more_is_asked() -> None:
    provider = FakeProvider(orgs=[ForbiddenError("No. Ask.")], users=ForbiddenError("No. Ask."))

    report = probed(provider)

    assert provider.questions == []
    assert step(report, StepName.DELTA).message == "Not reached."


def test_a_defect_in_a_question_is_not_reported_as_the_providers() -> None:
    class Broken(FakeProvider):
        def ask(
            self, endpoint: str, *, limit: int, offset: int = 0, descending: bool = False, condition: str | None = None
        ) -> Page:
            raise KeyError("defect")

    with pytest.raises(KeyError, match="defect"):
        probed(Broken())


def test_sentences_are_bounded() -> None:
    report = probed(FakeProvider(users=ForbiddenError("x" * 5000 + ". " + "y" * 5000)))

    failed = step(report, StepName.USERS)
    assert (len(failed.message), len(failed.remedy or "")) == (1001, 1001)


def test_a_thousand_schools_without_a_provider_are_enough_for_a_report() -> None:
    unknown = [a_school(school_id=SchoolId(str(n)), oneroster_id=SourcedId(f"no-{n}")) for n in range(1200)]

    report = probed(FakeProvider(), unknown)

    assert len(report.unknown_schools) == 1000
    assert "and 1195 more" in step(report, StepName.SCHOOLS).message


def test_too_many_tests_are_refused_with_how_long_to_wait() -> None:
    report = report_of_too_many_tests(timedelta(seconds=90.2))

    assert (report.ok, report.retry_after_s) == (False, 90)
    assert report.steps[0].remedy == "Test again in 90 seconds."
