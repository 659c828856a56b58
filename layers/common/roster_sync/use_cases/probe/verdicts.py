"""What the answers to a probe's questions mean: each verdict is a step of the report, in one sentence of cause."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from roster_sync.use_cases.probe.provider import ProviderErrors
from roster_sync.use_cases.probe.questions import SIXTH_LIMIT, SIXTH_OFFSET, Answer, Failed, Got, Query, Sample, Untried
from roster_sync.use_cases.probe.records import text_of
from roster_sync.use_cases.probe.report import (
    EndpointFinding,
    EndpointState,
    Step,
    StepName,
    cause_and_remedy,
    rounded,
    shortened,
)

_LEAST_USERS: Final = SIXTH_OFFSET + 1
"""With fewer an offset shows nothing."""
_CLOCKS_AGREE_S: Final = 60
_COUNT_FROM_ZERO: Final = "Ask the provider to count records with it, beginning at 0, as OneRoster 1.1 has it (§3.4.1)."
_AN_EMPTY_PAGE: Final = "Ask the provider to answer with an empty page there."
_AGAIN: Final = "Test again later; if it stays so, tell the provider."
_TOO_FEW: Final = "Not tried: there are too few users to tell."
_NO_ORDER: Final = "Nothing to do: the sync itself checks that it has read everybody."
_NO_FILTERS: Final = "Nothing to do: the sync reads all users, and picks itself."
_NO_DELTA: Final = "Nothing to do: the sync reads all users each night."


@dataclass(frozen=True, slots=True)
class Verdict:
    """A step, and whether the provider does what was asked for; None if that is not known."""

    step: Step
    honoured: bool | None = None


FILTERS_OF_ROLES: Final = Verdict(
    Step(
        StepName.FILTERS,
        None,
        None,
        "Not tried: where /users is lacking, nobody is asked for by a filter.",
        _NO_FILTERS,
    )
)
"""Of filters by role, if users come from lists by role."""
DELTA_OF_ROLES: Final = Verdict(
    Step(StepName.DELTA, None, None, "Where /users is lacking, changes alone cannot be asked for.", _NO_DELTA),
    honoured=False,
)
"""Of changes since a date, if users come from lists by role."""


def clock(ahead_s: float | None) -> Step:
    """How far the provider's clock is from ours."""
    if ahead_s is None:
        return Step(
            StepName.CLOCK,
            None,
            None,
            "The provider does not tell its time.",
            "Nothing to do, as long as key and secret are accepted.",
        )
    if abs(ahead_s) < _CLOCKS_AGREE_S:
        return Step(StepName.CLOCK, True, None, "The provider's clock agrees with ours.")
    minutes = round(abs(ahead_s) / 60)
    differs = "1 minute" if minutes == 1 else f"{minutes} minutes"
    side = "ahead of" if ahead_s > 0 else "behind"
    return Step(
        StepName.CLOCK,
        None,
        None,
        f"The provider's clock is {differs} {side} ours; a signature holds for about five.",
        "Ask the provider to set its server's clock.",
    )


def offset(sample: Sample, answer: Answer, page_size: int, host: str) -> Verdict:
    """Whether an offset counts users, from 0; told by who comes first."""
    name = StepName.OFFSET
    if not isinstance(answer, Got):
        return _unknown(name, answer)
    if sample.received < _LEAST_USERS:
        return Verdict(Step(name, None, None, _TOO_FEW, "Nothing to do: so few users come in one page."))
    seconds = rounded(answer.seconds)
    limit, asked = SIXTH_LIMIT, SIXTH_OFFSET
    found = _position(answer.records, sample)
    if found == asked:
        return Verdict(Step(name, True, seconds, "Pages begin where they are asked to."), honoured=True)
    if found == asked - 1:
        message = "The provider counts the parameter offset from 1, not from 0."
        return Verdict(Step(name, None, seconds, message, _COUNT_FROM_ZERO), honoured=False)
    if found == asked - asked % limit:
        message = (
            "The provider rounds the parameter offset to multiples of the limit, so that users who join or leave while "
            "pages are read go unnoticed."
        )
        return Verdict(Step(name, None, seconds, message, _COUNT_FROM_ZERO), honoured=False)
    if found == 0:
        fits = sample.received > sample.limit or (
            sample.total is not None and sample.total <= page_size and not sample.capped
        )
        if fits:
            message = "The provider ignores the parameter offset; all its users come in one page."
            remedy = "Nothing to do now; ask the provider to repair the parameter offset before it has more users."
            return Verdict(Step(name, None, seconds, message, remedy), honoured=False)
        return Verdict(
            Step(
                name,
                False,
                seconds,
                f"{host} gives the same page of /{sample.endpoint} again and again.",
                "Ask the provider to repair the parameter offset.",
            ),
            honoured=False,
        )
    if found in (asked * limit, (asked - 1) * limit):
        message = f"{host} takes the parameter offset for the number of a page."
        return Verdict(Step(name, False, seconds, message, _COUNT_FROM_ZERO), honoured=False)
    return Verdict(
        Step(
            name,
            None,
            seconds,
            f"With offset {asked} the provider begins with another user than the one that came there before.",
            "Test again; if it stays so, ask the provider to give its users in one order.",
        ),
        honoured=False,
    )


def counts_from_one(sample: Sample, answer: Answer) -> bool:
    """Whether the offset of the first user is 1."""
    return isinstance(answer, Got) and _position(answer.records, sample) == SIXTH_OFFSET - 1


def page_size(sample: Sample, answer: Answer | None, wanted: int) -> tuple[Step, int | None]:
    """How many users come at once, and the cap if fewer come than were asked for.

    Args:
        sample: The first users.
        answer: To a query for a full page; None if the sample shows as much.
        wanted: As nights ask for it.
    """
    name, received = StepName.PAGE_SIZE, sample.received
    if received > sample.limit:
        message = f"{received} {sample.endpoint} came, though {sample.limit} were asked for."
        return Step(name, None, None, message, "Ask the provider to honour the parameter limit."), None
    if sample.complete:
        return Step(name, True, None, f"All {sample.endpoint} came in one page."), None
    if sample.capped:
        return _capped(name, sample, received, sample.limit, None), received
    if answer is None:
        return Step(name, True, None, f"Pages of {sample.limit} {sample.endpoint} come whole."), None
    if not isinstance(answer, Got):
        return _unknown(name, answer).step, None
    received, expected = answer.count, wanted if sample.total is None else min(wanted, sample.total)
    if received < expected:
        return _capped(name, sample, received, expected, answer.seconds), received
    return Step(name, True, rounded(answer.seconds), f"Pages of {received} {sample.endpoint} come whole."), None


def total(sample: Sample, beyond: Answer, offset_honoured: bool | None) -> Step:
    """Whether the number of users is told, and agrees with those that come."""
    name, announced = StepName.TOTAL, sample.announced
    if announced is None:
        return Step(
            name,
            None,
            None,
            f"The provider does not say how many {sample.endpoint} there are (header X-Total-Count).",
            "Nothing to do: the sync reads on until an empty page comes, and counts itself.",
        )
    if announced < sample.received:
        message = f"The provider announces {announced} {sample.endpoint}, and gave {sample.received}."
    elif isinstance(beyond, Got) and beyond.records and offset_honoured:
        message = f"The provider announces {announced} {sample.endpoint}, and gives more behind them."
    else:
        return Step(name, True, None, f"{announced} {sample.endpoint} are announced, and no more came.")
    return Step(
        name, None, None, message, f"Ask the provider to announce the number of all {sample.endpoint} in X-Total-Count."
    )


def links(sample: Sample) -> Step:
    """Whether a page links to the next."""
    if sample.linked:
        return Step(StepName.LINKS, True, None, "Pages link to the next one.")
    if sample.complete:
        return Step(StepName.LINKS, None, None, "Not needed: all users came in one page.", "Nothing to do.")
    remedy = "Nothing to do: the sync finds the next page itself."
    return Step(StepName.LINKS, None, None, "Pages do not link to the next one.", remedy)


def beyond(sample: Sample, answer: Answer, *, from_one: bool) -> Step:
    """What comes behind the last user; if offsets count from 1, that is the last user."""
    name = StepName.BEYOND
    match answer:
        case Untried():
            return _unknown(name, answer).step
        case Failed():
            cause, _ = cause_and_remedy(str(answer.error))
            message = f"Behind the last user comes an error instead of an empty page: {cause}"
            return Step(name, None, rounded(answer.seconds), shortened(message), _AN_EMPTY_PAGE)
    seconds, count = rounded(answer.seconds), answer.count
    if not count or (count == 1 and from_one):
        return Step(name, True, seconds, "Behind the last user comes an empty page.")
    where = "the announced total" if sample.announced is not None else "any number of users"
    return Step(name, None, seconds, f"Behind {where} more users come.", _AN_EMPTY_PAGE)


def sorting(sample: Sample, answer: Answer, errors: ProviderErrors) -> Verdict:
    """Whether users come in another order if one is asked for."""
    name = StepName.SORTING
    if sample.received < 2:
        return Verdict(Step(name, None, None, _TOO_FEW, "Nothing to do: so few users come in one page."))
    if not isinstance(answer, Got):
        message = "The provider refuses to sort, so pages come in an order of its own."
        return _refused(name, answer, errors, message, _NO_ORDER)
    if answer.records and _position(answer.records, sample) != 0:
        step = Step(name, True, rounded(answer.seconds), "Users can be sorted by sourcedId.")
        return Verdict(step, honoured=True)
    message = "The provider ignores the parameter sort, so pages come in an order of its own."
    return Verdict(Step(name, None, rounded(answer.seconds), message, _NO_ORDER), honoured=False)


def filters(sample: Sample, answer: Answer, errors: ProviderErrors) -> Verdict:
    """Whether only users of the role come that was asked for."""
    name, role = StepName.FILTERS, sample.other_role
    if not isinstance(answer, Got):
        return _refused(name, answer, errors, "The provider refuses filters.", _NO_FILTERS)
    seconds = rounded(answer.seconds)
    roles = [record.get("role") for record in answer.records if isinstance(record, Mapping)]
    if any(not isinstance(found, str) or found.lower() != role for found in roles):
        message = f"The provider ignores filters: not only users of role {role} came when they were asked for."
        return Verdict(Step(name, None, seconds, message, _NO_FILTERS), honoured=False)
    if not roles and any(text_of(user.get("role")) == role for user in sample.users):
        message = f"The provider cannot filter: no user of role {role} came, though there are some."
        return Verdict(Step(name, None, seconds, message, _NO_FILTERS), honoured=False)
    return Verdict(Step(name, True, seconds, f"Users of role {role} alone can be asked for."), honoured=True)


def delta(sample: Sample, future: Answer, ever: Answer, errors: ProviderErrors) -> Verdict:
    """Whether only users changed since a date come: nobody since a date to come, all since one long ago.

    As for nights, totals are needed to prove it.
    """
    name = StepName.DELTA
    for answer in (future, ever):
        if not isinstance(answer, Got):
            return _refused(name, answer, errors, "The provider refuses a filter by dateLastModified.", _NO_DELTA)
    assert isinstance(future, Got)  # noqa: S101 - just looked at
    assert isinstance(ever, Got)  # noqa: S101 - just looked at
    seconds, since_ever = rounded(future.seconds + ever.seconds), ever.total
    if future.records or future.total:
        message = "The provider ignores a filter by dateLastModified: users came that would have changed in the future."
    elif not ever.records:
        message = "The provider cannot filter by dateLastModified: no user has changed since 1970 for it."
    elif since_ever is None or sample.announced is None:
        message = "Without a total nothing proves that a filter by dateLastModified misses nobody."
    elif since_ever != sample.announced:
        message = (
            f"The provider cannot filter by dateLastModified: {since_ever} of {sample.announced} users have changed "
            "since 1970 for it."
        )
    else:
        step = Step(name, True, seconds, "Users changed since a date alone can be asked for: delta nights may be on.")
        return Verdict(step, honoured=True)
    return Verdict(Step(name, None, seconds, message, _NO_DELTA), honoured=False)


def endpoint(query: Query, answer: Answer, errors: ProviderErrors) -> EndpointFinding:
    """What is known of an endpoint that the sync can do without."""
    name = f"/{shortened(query.endpoint)}"
    match answer:
        case Untried():
            return EndpointFinding(name, EndpointState.NOT_TRIED, message=answer.why, remedy=answer.remedy)
        case Got():
            count = answer.count
            state = EndpointState.AVAILABLE if count else EndpointState.EMPTY
            remedy = None if count else "Ask the provider to share these records with this consumer key, if needed."
            announced = answer.total
            return EndpointFinding(name, state, announced, rounded(answer.seconds), None, remedy)
        case Failed():
            cause, remedy = cause_and_remedy(str(answer.error))
            state = EndpointState.FAILED
            if isinstance(answer.error, errors.forbidden):
                state, remedy = EndpointState.NOT_SUBSCRIBED, "Ask the provider to permit it, if needed."
            elif isinstance(answer.error, errors.missing):
                state, remedy = EndpointState.MISSING, "Ask the provider to offer it, if needed."
            return EndpointFinding(name, state, None, rounded(answer.seconds), shortened(cause), remedy)


def endpoints(found: Sequence[EndpointFinding]) -> Step:
    """How many of the endpoints answer, and what is wrong with the others."""
    by_state: dict[EndpointState, list[str]] = {}
    for finding in found:
        by_state.setdefault(finding.state, []).append(finding.endpoint)
    answering = len(by_state.pop(EndpointState.AVAILABLE, []))
    others = "".join(f"; {state}: {', '.join(names)}" for state, names in sorted(by_state.items()))
    message = f"{answering} of {len(found)} have records{others}."
    if not others:
        return Step(StepName.ENDPOINTS, True, None, shortened(message))
    return Step(StepName.ENDPOINTS, None, None, shortened(message), "Nothing to do: the sync can do without them.")


def _capped(name: StepName, sample: Sample, received: int, asked: int, seconds: float | None) -> Step:
    came = f"At most {received} {sample.endpoint} come at once"
    message = f"{came}, though {asked} were asked for; the sync reads on from there."
    return Step(name, True, rounded(seconds), message)


def _position(records: Sequence[object], sample: Sample) -> int | None:
    """Where in the sample the first of the records is; None if nowhere."""
    first = _identity(records[0]) if records else None
    if first is None:
        return None
    return next((place for place, record in enumerate(sample.records) if _identity(record) == first), None)


def _identity(record: object) -> object:
    return record.get("sourcedId") if isinstance(record, Mapping) else None


def _unknown(name: StepName, answer: Failed | Untried) -> Verdict:
    if isinstance(answer, Untried):
        return Verdict(Step(name, None, None, answer.why, answer.remedy))
    cause, remedy = cause_and_remedy(str(answer.error))
    return Verdict(Step(name, None, rounded(answer.seconds), shortened(cause), shortened(remedy or _AGAIN)))


def _refused(name: StepName, answer: Failed | Untried, errors: ProviderErrors, message: str, remedy: str) -> Verdict:
    """Not honoured, if the parameter is what was refused."""
    if isinstance(answer, Failed) and isinstance(answer.error, errors.request_refused):
        return Verdict(Step(name, None, rounded(answer.seconds), message, remedy), honoured=False)
    return _unknown(name, answer)


def students(answer: Answer) -> int | None:
    """How many students a school has, if that is cheap to tell."""
    if not isinstance(answer, Got):
        return None
    if answer.total is not None:
        return answer.total
    return None if answer.records else 0
