"""A district, its schools and its OneRoster settings; whether it may run, and if not why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time

from roster_sync.domain.errors import ConfigurationError
from roster_sync.domain.identifiers import DistrictId, SchoolId, SourcedId
from roster_sync.domain.sign_in import SignIn
from roster_sync.domain.user import Role

DEFAULT_ROLES: Mapping[str, Role] = {
    "student": Role.STUDENT,
    "teacher": Role.SPONSOR,
    "administrator": Role.ADMINISTRATOR,
}
"""OneRoster roles that are imported unless the district says otherwise (OneRoster 1.1 §4.13.5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class School:
    """A school of the district in this system.

    Attributes:
        oneroster_id: The sourcedId of an entry of the provider's /orgs; None while the school is not mapped.
    """

    district_id: DistrictId
    school_id: SchoolId
    name: str
    oneroster_id: SourcedId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A district's OneRoster settings.

    Attributes:
        consumer_secret: Encrypted with the district as context; never leaves in the clear.
        token_url: As the provider gives it; None if it was not entered.
        sign_in: The way to sign in that a test found, or that was entered; None while it is not known.
        products: Those switched on.
        counselor_metadata_key: Metadata key that holds a student's counselor e-mail; None: not imported.
        role_metadata_key: Metadata key that overrides a staff record's role, for providers that can say "counselor".
        roles: Further OneRoster (or metadata) roles the district maps, by lower-case name.
        metadata_keys: Metadata that the district asked to be stored.
        deactivation_percent, deactivation_minimum: A run that would deactivate more than this share of the active
            users of the district or a school, and more than this many, is blocked.
        change_percent, change_minimum: The same limit for users who would get another e-mail address or leave a school.
        limits_lifted_until: Until then none of these limits holds.
        sync_time, timezone: When nights begin, and the IANA name of the zone; None for the deployment's.
        nights_from, nights_after, former_night: Since when they do (`Schedule`'s first_date, after and former).
        pause_from, pause_until: First and last day on which no night begins.
        school_year_from, school_year_until: First and last day of school; outside, absence deactivates nobody.
        deactivate_outside_school_year: Whether it does all the same.
        parallel_requests: Requests to the provider at once.
        page_size: Asked of the provider, which may give less.
        delta_nights: Whether nights may read only what changed, at a provider that can tell.
        full_fetch_days: After so many days everybody is read again.
        first_run_preview: Whether no sync may run before a preview has completed.
        previewed_at: When a preview of this provider first completed; None if none has.
        credentials_expire_on: When the provider's key and secret end, as far as an administrator has noted it.
        version: Adds 1 at each save.
    """

    district_id: DistrictId
    base_url: str | None = None
    consumer_key: str | None = None
    consumer_secret: bytes | None = None
    token_url: str | None = None
    sign_in: SignIn | None = None
    products: frozenset[str] = frozenset()
    counselor_metadata_key: str | None = None
    role_metadata_key: str | None = None
    roles: Mapping[str, Role] = field(default_factory=dict)
    metadata_keys: tuple[str, ...] = ()
    deactivation_percent: int = 10
    deactivation_minimum: int = 20
    change_percent: int = 30
    change_minimum: int = 20
    limits_lifted_until: datetime | None = None
    sync_time: time | None = None
    timezone: str | None = None
    nights_from: date | None = None
    nights_after: datetime | None = None
    former_night: datetime | None = None
    pause_from: date | None = None
    pause_until: date | None = None
    school_year_from: date | None = None
    school_year_until: date | None = None
    deactivate_outside_school_year: bool = False
    parallel_requests: int = 5
    page_size: int = 1000
    delta_nights: bool = False
    full_fetch_days: int = 7
    first_run_preview: bool = False
    previewed_at: datetime | None = None
    credentials_expire_on: date | None = None
    version: int = 0
    updated_at: datetime | None = None


def mapped_schools(schools: Sequence[School]) -> dict[SourcedId, SchoolId]:
    """The schools that have a OneRoster ID, by that ID."""
    return {school.oneroster_id: school.school_id for school in schools if school.oneroster_id}


def require_own_oneroster_id(school: School, schools: Sequence[School]) -> None:
    """Refuse a school whose OneRoster ID is that of another one of the district.

    Raises:
        ConfigurationError: It is; the message names the other one.
    """
    for other in schools:
        if school.oneroster_id and other.oneroster_id == school.oneroster_id and other.school_id != school.school_id:
            raise ConfigurationError(
                f"The school {other.school_id} has this OneRoster ID already. Give each school an ID of its own."
            )


def why_not_run(
    settings: Settings | None, schools: Sequence[School], offered_products: frozenset[str], *, preview: bool = False
) -> str | None:
    """Why the district's sync cannot run, in a sentence that says what to do; None if it can.

    Args:
        settings: None if the district has none.
        schools: All schools of the district.
        offered_products: The products of this deployment; others in the settings count for nothing.
        preview: Whether it is a preview that is to run.
    """
    if settings is None or not settings.base_url:
        return "The OneRoster settings are empty. Enter base URL, consumer key and consumer secret."
    if not settings.consumer_key:
        return "The consumer key is missing. Enter it in the OneRoster settings."
    if settings.consumer_secret is None:
        return "The consumer secret is missing. Enter it in the OneRoster settings."
    if not settings.products & offered_products:
        return "No product is switched on. Switch on at least one in the OneRoster settings."
    if not mapped_schools(schools):
        return "No school has a OneRoster ID. Give at least one school its OneRoster ID."
    if settings.first_run_preview and settings.previewed_at is None and not preview:
        return "The first sync waits for a preview. Start a preview, and look at what would change."
    return None
