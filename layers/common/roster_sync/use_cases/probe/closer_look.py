"""What the answers to all of a probe's questions tell of a provider."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from roster_sync.use_cases.probe import verdicts
from roster_sync.use_cases.probe.provider import ProviderErrors
from roster_sync.use_cases.probe.questions import (
    CHANGED_EVER,
    CHANGED_IN_THE_FUTURE,
    Answer,
    Query,
    Sample,
    beyond,
    by_role,
    descending,
    from_the_sixth,
    full_page,
    of_endpoints,
)
from roster_sync.use_cases.probe.report import EndpointFinding, Step, StepName

_NO_USERS = "Not tried, because no users could be read."
_OF_USERS = (
    StepName.OFFSET,
    StepName.PAGE_SIZE,
    StepName.TOTAL,
    StepName.LINKS,
    StepName.BEYOND,
    StepName.SORTING,
    StepName.FILTERS,
    StepName.DELTA,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloserLook:
    """Steps, and what of them a program may want; see `ProbeReport`."""

    steps: Sequence[Step] = ()
    endpoints: Sequence[EndpointFinding] = ()
    page_cap: int | None = None
    sorting: bool | None = None
    filters: bool | None = None
    delta: bool | None = None


def closer_look(
    sample: Sample | None,
    answers: Mapping[Query, Answer],
    *,
    page_size: int,
    school: str | None,
    errors: ProviderErrors,
    host: str,
) -> CloserLook:
    """What the answers tell: nothing if nothing was asked, and without users something of the endpoints alone.

    Args:
        sample: The first users.
        answers: To `questions`, of which the further arguments are the same.
        page_size: As nights have it.
        school: The sourcedId of the one whose endpoints were asked.
        errors: Those of the provider.
        host: For sentences.
    """
    if not answers:
        return CloserLook()
    endpoints = [verdicts.endpoint(query, answers[query], errors) for query in of_endpoints(school)]
    answering = verdicts.endpoints(endpoints)
    if sample is None:
        untried = [Step(name, None, None, _NO_USERS) for name in _OF_USERS]
        return CloserLook(steps=[*untried, answering], endpoints=endpoints)
    sixth, behind = answers[from_the_sixth(sample)], answers[beyond(sample)]
    offset = verdicts.offset(sample, sixth, page_size, host)
    full = full_page(sample, page_size)
    size, page_cap = verdicts.page_size(sample, answers[full] if full else None, page_size)
    sorting = verdicts.sorting(sample, answers[descending(sample)], errors)
    if sample.of_everybody:
        filters = verdicts.filters(sample, answers[by_role(sample)], errors)
        delta = verdicts.delta(sample, answers[CHANGED_IN_THE_FUTURE], answers[CHANGED_EVER], errors)
    else:
        filters, delta = verdicts.FILTERS_OF_ROLES, verdicts.DELTA_OF_ROLES
    return CloserLook(
        steps=[
            offset.step,
            size,
            verdicts.total(sample, behind, offset.honoured),
            verdicts.links(sample),
            verdicts.beyond(sample, behind, from_one=verdicts.counts_from_one(sample, sixth)),
            sorting.step,
            filters.step,
            delta.step,
            answering,
        ],
        endpoints=endpoints,
        page_cap=page_cap,
        sorting=sorting.honoured,
        filters=filters.honoured,
        delta=delta.honoured,
    )
