"""Shapes of what the API takes and gives."""

import re
from datetime import date, datetime, time
from typing import Annotated, Any, Self

from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, Strict, StringConstraints
from pydantic_core import PydanticCustomError

from roster_sync.domain.change import ChangeKind
from roster_sync.domain.district import School, Settings
from roster_sync.domain.fetch_plan import Scope
from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId, SourcedId, UserId
from roster_sync.domain.issue import Issue, IssueCode, RecordKind, Severity
from roster_sync.domain.reading import Fetch
from roster_sync.domain.run import Counts, Run, RunKind, RunState
from roster_sync.domain.schedule import Schedule
from roster_sync.domain.sign_in import SignIn, SignInMethod
from roster_sync.domain.user import Role, StoredUser
from roster_sync.use_cases.change_settings import EnteredSettings
from roster_sync.use_cases.show_changes import ShownChange

_ID = r"^[A-Za-z0-9_.-]{1,64}$"
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DEFAULTS = Settings(district_id=DistrictId("default"))

DistrictInPath = Annotated[
    DistrictId, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Of the token, but for staff.")
]
SchoolInPath = Annotated[SchoolId, Path(pattern=_ID, description="Chosen by whoever adds the school.")]
UserInPath = Annotated[UserId, Path(pattern=_ID)]
RunInPath = Annotated[RunId, Path(pattern=_ID)]
Limit = Annotated[int, Query(ge=1, le=200, description="How many there may be in the answer.")]
IssuesLimit = Annotated[int, Query(ge=1, le=1000, description="How many there may be in the answer.")]
Cursor = Annotated[
    str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,100}$", description="`next_cursor` of the page before.")
]
"""Begins or is a sort key, which in DynamoDB has at most 1,024 bytes."""
IfMatch = Annotated[str | None, Header(alias="If-Match", description="The `ETag` of what was loaded, or `*`.")]


def _absent_if_blank(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _written_date(value: object) -> object:
    """Pydantic would also read numbers, as days or seconds since 1970."""
    if value is None or (isinstance(value, str) and _DATE.match(value)):
        return value
    raise PydanticCustomError("date_type", "It must be a date as ISO 8601 has it, such as 2026-11-25.")


_Date = Annotated[date, BeforeValidator(_written_date)]
Moment = Annotated[AwareDatetime, BeforeValidator(_written_date)]
_Line = Annotated[
    str | None, StringConstraints(strip_whitespace=True, max_length=2048), BeforeValidator(_absent_if_blank)
]
_Credential = Annotated[
    str | None, StringConstraints(strip_whitespace=True, max_length=1000), BeforeValidator(_absent_if_blank)
]
"""KMS encrypts no more than 4,096 bytes."""
Value = Annotated[
    str | None, StringConstraints(strip_whitespace=True, max_length=255), BeforeValidator(_absent_if_blank)
]
_Whole = Annotated[int, Strict()]
"""Neither true nor "100"."""
_SyncTime = Annotated[
    str | None,
    Field(
        pattern=r"^(\s*|([01][0-9]|2[0-3]):[0-5][0-9])$",
        description="HH:MM on a quarter of an hour, of the day in `timezone`; left out, the deployment's.",
    ),
    BeforeValidator(_absent_if_blank),
]
_Zone = Annotated[Value, Field(description="IANA name of the zone of `sync_time`; left out, the deployment's.")]
_RequiredName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]


class _Body(BaseModel):
    """What a client sends; a misspelt name is refused rather than ignored."""

    # Built when first used, as is every shape of the API: a request needs few of them, and a cold start paid for all.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class _Answer(BaseModel):
    """What the API gives; a value that does not fit is a defect, and its log must not show the value."""

    model_config = ConfigDict(hide_input_in_errors=True, defer_build=True)


class SignInBody(_Body):
    """A way to sign in, as a test reports it."""

    method: SignInMethod
    token_url: _Line = None


class SettingsBody(_Body):
    """Settings, whole: what is left out goes back to its default, except what is said to be kept."""

    base_url: _Line = None
    consumer_key: _Credential = None
    consumer_secret: Annotated[_Credential, Field(description="Write-only; left out, the stored one is kept.")] = None
    token_url: _Line = None
    sign_in: Annotated[
        SignInBody | None,
        Field(description="Of a test's report; left out, the stored one is kept while URLs, key and secret are."),
    ] = None
    products: frozenset[str] = frozenset()
    counselor_metadata_key: Value = None
    role_metadata_key: Value = None
    roles: Annotated[dict[_RequiredName, Role], Field(max_length=50)] = {}
    metadata_keys: Annotated[tuple[_RequiredName, ...], Field(max_length=20)] = ()
    deactivation_percent: Annotated[_Whole, Field(ge=1, le=100)] = _DEFAULTS.deactivation_percent
    deactivation_minimum: Annotated[_Whole, Field(ge=0, le=1_000_000)] = _DEFAULTS.deactivation_minimum
    change_percent: Annotated[_Whole, Field(ge=1, le=100)] = _DEFAULTS.change_percent
    change_minimum: Annotated[_Whole, Field(ge=0, le=1_000_000)] = _DEFAULTS.change_minimum
    limits_lifted_until: Moment | None = None
    sync_time: _SyncTime = None
    timezone: _Zone = None
    pause_from: _Date | None = None
    pause_until: _Date | None = None
    school_year_from: _Date | None = None
    school_year_until: _Date | None = None
    deactivate_outside_school_year: Annotated[bool, Strict()] = _DEFAULTS.deactivate_outside_school_year
    parallel_requests: Annotated[_Whole, Field(ge=1, le=20)] = _DEFAULTS.parallel_requests
    page_size: Annotated[_Whole, Field(ge=1, le=10_000)] = _DEFAULTS.page_size
    delta_nights: Annotated[bool, Strict()] = _DEFAULTS.delta_nights
    full_fetch_days: Annotated[_Whole, Field(ge=1, le=31)] = _DEFAULTS.full_fetch_days
    first_run_preview: Annotated[bool, Strict()] = _DEFAULTS.first_run_preview
    credentials_expire_on: _Date | None = None
    version: Annotated[_Whole | None, Field(ge=0, description="Of the settings you loaded; left out, any.")] = None

    def entered(self) -> EnteredSettings:
        """The settings for the use case."""
        sign_in = SignIn(self.sign_in.method, self.sign_in.token_url) if self.sign_in else None
        sync_time = time.fromisoformat(self.sync_time) if self.sync_time else None
        return EnteredSettings(**{**dict(self), "sign_in": sign_in, "sync_time": sync_time})


class RunBody(_Body):
    """What to start; a sync, unless told otherwise."""

    preview: Annotated[bool, Strict()] = False


class SchoolBody(_Body):
    """A school to store."""

    name: _RequiredName
    oneroster_id: Value = None


class SignInOut(_Answer):
    """The way to sign in that nights use."""

    method: SignInMethod
    token_url: str | None


class SettingsOut(_Answer):
    """A district's settings. The secret is not among them.

    `sync_time` is of the day in `timezone`, `next_night` when the next one begins, null while none does.
    `offered_products` are those of this deployment, `why_not_run` says why the district's sync cannot run,
    `notices` what should be done soon.
    """

    district_id: str
    base_url: str | None
    consumer_key: str | None
    consumer_secret_set: bool
    token_url: str | None
    sign_in: SignInOut | None
    products: list[str]
    offered_products: list[str]
    counselor_metadata_key: str | None
    role_metadata_key: str | None
    roles: dict[str, Role]
    metadata_keys: list[str]
    deactivation_percent: int
    deactivation_minimum: int
    change_percent: int
    change_minimum: int
    limits_lifted_until: datetime | None
    sync_time: str
    timezone: str
    next_night: datetime | None
    pause_from: date | None
    pause_until: date | None
    school_year_from: date | None
    school_year_until: date | None
    deactivate_outside_school_year: bool
    parallel_requests: int
    page_size: int
    delta_nights: bool
    full_fetch_days: int
    first_run_preview: bool
    previewed_at: datetime | None
    credentials_expire_on: date | None
    version: int
    updated_at: datetime | None
    why_not_run: str | None
    notices: list[str]

    @classmethod
    def of(
        cls,
        settings: Settings,
        schedule: Schedule,
        next_night: datetime | None,
        offered_products: frozenset[str],
        why_not_run: str | None,
        notices: list[str],
    ) -> Self:
        """The settings without their secret."""
        return cls(
            district_id=settings.district_id,
            base_url=settings.base_url,
            consumer_key=settings.consumer_key,
            consumer_secret_set=settings.consumer_secret is not None,
            token_url=settings.token_url,
            sign_in=SignInOut(method=settings.sign_in.method, token_url=settings.sign_in.token_url)
            if settings.sign_in
            else None,
            products=sorted(settings.products),
            offered_products=sorted(offered_products),
            counselor_metadata_key=settings.counselor_metadata_key,
            role_metadata_key=settings.role_metadata_key,
            roles=dict(settings.roles),
            metadata_keys=list(settings.metadata_keys),
            deactivation_percent=settings.deactivation_percent,
            deactivation_minimum=settings.deactivation_minimum,
            change_percent=settings.change_percent,
            change_minimum=settings.change_minimum,
            limits_lifted_until=settings.limits_lifted_until,
            sync_time=f"{schedule.at:%H:%M}",
            timezone=schedule.zone,
            next_night=next_night,
            pause_from=settings.pause_from,
            pause_until=settings.pause_until,
            school_year_from=settings.school_year_from,
            school_year_until=settings.school_year_until,
            deactivate_outside_school_year=settings.deactivate_outside_school_year,
            parallel_requests=settings.parallel_requests,
            page_size=settings.page_size,
            delta_nights=settings.delta_nights,
            full_fetch_days=settings.full_fetch_days,
            first_run_preview=settings.first_run_preview,
            previewed_at=settings.previewed_at,
            credentials_expire_on=settings.credentials_expire_on,
            version=settings.version,
            updated_at=settings.updated_at,
            why_not_run=why_not_run,
            notices=notices,
        )


class SchoolOut(_Answer):
    """A school of the district."""

    school_id: str
    name: str
    oneroster_id: str | None

    @classmethod
    def of(cls, school: School) -> Self:
        """The school without its district."""
        return cls(school_id=school.school_id, name=school.name, oneroster_id=school.oneroster_id)


class SchoolsOut(_Answer):
    """All schools of a district, by school_id."""

    items: list[SchoolOut]


class CountsOut(_Answer):
    """What a run did."""

    fetched: int
    created: int
    updated: int
    unchanged: int
    linked: int
    deactivated: int
    reactivated: int
    skipped: int
    invalid: int
    superseded: int

    @classmethod
    def of(cls, counts: Counts) -> Self:
        """Each count by its name."""
        return cls(**counts.as_dict())


class RunOut(_Answer):
    """A run as it stands. `reason` says why it ended as it did; null for one that simply completed.

    `scope` says whose users were read, and `scope_reason` why; `fetch` whether all of them or only the changed ones,
    and `fetch_reason` why, unless delta nights are switched off. All are null for an upload, and while nothing was
    read. `would_be_blocked` says of a preview whether a sync would end blocked; it is null before that is known, and
    for any other run. `held` says how many changes a blocked run holds aside for a decision, by their kind, and
    `of_run` whose held changes an approval applies.
    `usage` is what the run has used of AWS, as counted, and `cost_estimate_usd` what that costs by the public prices.
    """

    run_id: str
    kind: RunKind
    state: RunState
    reason: str | None
    scope: Scope | None
    scope_reason: str | None
    fetch: Fetch | None
    fetch_reason: str | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    attempt: int
    chunks_expected: int
    chunks_applied: int
    provider_requests: int
    counts: CountsOut
    issues_by_code: dict[str, int]
    would_be_blocked: bool | None
    held: dict[str, int]
    of_run: str | None
    usage: dict[str, float]
    cost_estimate_usd: float

    @classmethod
    def of(cls, run: Run) -> Self:
        """The run without what only the functions need."""
        return cls(
            run_id=run.run_id,
            kind=run.kind,
            state=run.state,
            reason=run.reason,
            scope=run.reading.scope if run.reading else None,
            scope_reason=run.reading.scope_reason if run.reading else None,
            fetch=run.reading.fetch if run.reading else None,
            fetch_reason=run.reading.fetch_reason if run.reading else None,
            created_at=run.created_at,
            started_at=run.started_at,
            ended_at=run.ended_at,
            attempt=run.attempt,
            chunks_expected=run.chunks_expected,
            chunks_applied=run.chunks_applied,
            provider_requests=run.provider_requests,
            counts=CountsOut.of(run.counts),
            issues_by_code=dict(run.issues_by_code),
            would_be_blocked=run.would_be_blocked,
            usage=run.usage.as_dict(),
            cost_estimate_usd=round(run.usage.cost_usd, 6),
            held=dict(run.held),
            of_run=run.of_run,
        )


class RunsOut(_Answer):
    """Runs, newest first; `next_cursor` is null on the last page."""

    items: list[RunOut]
    next_cursor: str | None


class ChangeOut(_Answer):
    """One user's change: the attributes that differ, before and after; one that was or is not there is left out.

    `after` of a created user is all that is stored. `changed_since` says that a later run or upload has changed the
    user; what the run stored for a created one is then no longer known. The names are those of now.
    """

    kind: ChangeKind
    user_id: str
    sourced_id: str | None
    before: dict[str, Any]
    after: dict[str, Any]
    changed_since: bool
    given_name: str | None
    family_name: str | None

    @classmethod
    def of(cls, change: ShownChange) -> Self:
        """The change."""
        return cls(
            kind=change.kind,
            user_id=change.user_id,
            sourced_id=change.sourced_id,
            before=dict(change.before),
            after=dict(change.after),
            changed_since=change.changed_since,
            given_name=change.given_name,
            family_name=change.family_name,
        )


class ChangesOut(_Answer):
    """Changes of a run; `next_cursor` is null on the last page. A page may hold fewer than asked, even none."""

    items: list[ChangeOut]
    next_cursor: str | None


class SamplesOut(_Answer):
    """Some changes of each kind, 20 at most."""

    items: list[ChangeOut]


class IssueOut(_Answer):
    """One finding. `line` and `column` are an upload's, `sourced_id` and `record_kind` a sync's."""

    code: IssueCode
    severity: Severity
    message: str
    remedy: str
    sourced_id: str | None
    record_kind: RecordKind | None
    line: int | None
    column: str | None

    @classmethod
    def of(cls, issue: Issue) -> Self:
        """The finding with what to do about it."""
        return cls(
            code=issue.code,
            severity=issue.severity,
            message=issue.message,
            remedy=issue.remedy,
            sourced_id=issue.sourced_id,
            record_kind=issue.record_kind,
            line=issue.line,
            column=issue.column,
        )


class IssuesOut(_Answer):
    """Findings of a run as they are best mended; `next_cursor` is null on the last page."""

    items: list[IssueOut]
    next_cursor: str | None


class UploadOut(_Answer):
    """What became of an upload: its run, which is still `queued` for a large file, and the first of its issues."""

    run_id: str
    run: RunOut
    issues: IssuesOut


class UploadUrlOut(_Answer):
    """Where to PUT a large file. Its run appears once the file has arrived."""

    run_id: str
    url: str
    method: str
    headers: dict[str, str]
    expires_at: datetime


class UserOut(_Answer):
    """A user. The effective `role` is `manual_role` if there is one, else `sis_role`."""

    user_id: str
    status: str
    role: Role
    manual_role: Role | None
    sis_role: Role | None
    sourced_id: SourcedId | None
    sourced_ids: list[str]
    username: str | None
    given_name: str | None
    middle_name: str | None
    family_name: str | None
    email: str | None
    identifier: str | None
    phone: str | None
    sms: str | None
    grades: list[str]
    school_ids: list[str]
    agents: list[str]
    user_ids: list[dict[str, str]]
    counselor_email: str | None
    sis_counselor_email: str | None
    manual_counselor_email: str | None
    metadata: dict[str, str]
    products: list[str]
    run_id: str | None
    last_change: str | None
    created_at: datetime | None
    updated_at: datetime | None
    deactivated_at: datetime | None

    @classmethod
    def of(cls, user: StoredUser) -> Self:
        """The user without what only the sync needs."""
        return cls(
            user_id=user.user_id,
            status="active" if user.active else "inactive",
            role=user.role,
            manual_role=user.manual_role,
            sis_role=user.sis_role,
            sourced_id=user.sourced_ids[0] if user.sourced_ids else None,
            sourced_ids=list(user.sourced_ids),
            username=user.username,
            given_name=user.given_name,
            middle_name=user.middle_name,
            family_name=user.family_name,
            email=user.email,
            identifier=user.identifier,
            phone=user.phone,
            sms=user.sms,
            grades=list(user.grades),
            school_ids=list(user.school_ids),
            agents=list(user.agents),
            user_ids=[{"type": type_, "identifier": identifier} for type_, identifier in user.user_ids],
            counselor_email=user.counselor_email,
            sis_counselor_email=user.sis_counselor_email,
            manual_counselor_email=user.manual_counselor_email,
            metadata=dict(user.metadata or {}),
            products=sorted(user.products),
            run_id=user.run_id,
            last_change=user.last_change,
            created_at=user.created_at,
            updated_at=user.updated_at,
            deactivated_at=user.deactivated_at,
        )


class UsersOut(_Answer):
    """Users of a district; `next_cursor` is null on the last page. A page may hold fewer than asked, even none."""

    items: list[UserOut]
    next_cursor: str | None
