"""Save what an administrator entered as a district's OneRoster settings, and what a test found out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from roster_sync.domain.audit import Act, AuditEntry, Author, settings_altered
from roster_sync.domain.district import Settings
from roster_sync.domain.errors import ConfigurationError
from roster_sync.domain.identifiers import DistrictId
from roster_sync.domain.schedule import Schedule, require_schedule, rescheduled, schedule_of
from roster_sync.domain.sign_in import SignIn, SignInMethod
from roster_sync.domain.user import Role

LIFTED_AT_MOST: Final = timedelta(days=7)


class SettingsStore(Protocol):
    """Where settings are kept."""

    def settings(self, district_id: DistrictId) -> Settings | None:
        """A district's settings as last saved; None if it has none."""

    def save_settings(self, settings: Settings, expected_version: int, entry: AuditEntry | None = None) -> Settings:
        """Replace a district's settings, unless somebody else has since `expected_version`; `entry` goes with them."""

    def save_sign_in(self, district_id: DistrictId, sign_in: SignIn, version: int) -> bool:
        """Add a way to sign in to the settings of a version, which stays; False if it is stored no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredSettings:
    """Settings as entered.

    Attributes:
        consumer_secret: In the clear; None keeps the stored one.
        sign_in: As a test of these settings found it; None keeps the stored one, if nothing changes that it hangs on.
        sync_time, timezone: None for the deployment's.
        version: Of the settings that the administrator saw; None replaces whatever is stored.
    """

    base_url: str | None
    consumer_key: str | None
    consumer_secret: str | None
    token_url: str | None
    sign_in: SignIn | None
    products: frozenset[str]
    counselor_metadata_key: str | None
    role_metadata_key: str | None
    roles: Mapping[str, Role]
    metadata_keys: tuple[str, ...]
    deactivation_percent: int
    deactivation_minimum: int
    change_percent: int
    change_minimum: int
    limits_lifted_until: datetime | None
    sync_time: time | None
    timezone: str | None
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
    credentials_expire_on: date | None
    version: int | None


def change_settings(
    entered: EnteredSettings,
    district_id: DistrictId,
    *,
    store: SettingsStore,
    normalise_base_url: Callable[[str], str],
    normalise_token_url: Callable[[str], str],
    encrypt: Callable[[DistrictId, str], bytes],
    offered_products: frozenset[str],
    default_schedule: Schedule,
    now: datetime,
    by: Author,
) -> Settings:
    """Check and save settings, and return them as stored.

    Raises:
        ConfigurationError: A value cannot be; the message says which and what to do. Nothing was stored.
        ConflictError: Somebody else has saved since.
    """
    stored = store.settings(district_id) or Settings(district_id=district_id)
    base_url = normalise_base_url(entered.base_url) if entered.base_url else None
    token_url = normalise_token_url(entered.token_url) if entered.token_url else None
    _require_offered(entered.products, offered_products)
    if entered.limits_lifted_until and entered.limits_lifted_until > now + LIFTED_AT_MOST:
        raise ConfigurationError("The limits can be lifted for seven days at most. Enter an earlier time.")
    _require_both_days("pause", entered.pause_from, entered.pause_until)
    _require_both_days("school year", entered.school_year_from, entered.school_year_until)
    require_schedule(entered.sync_time, entered.timezone)
    require_secret_for_another_host(base_url, token_url, entered.consumer_secret, stored)
    schedule = _schedule(entered, stored, default_schedule, now)
    secret = encrypt(district_id, entered.consumer_secret) if entered.consumer_secret else stored.consumer_secret
    changed = replace(
        stored,
        base_url=base_url,
        consumer_key=entered.consumer_key,
        consumer_secret=secret,
        token_url=token_url,
        sign_in=known_sign_in(
            entered.sign_in,
            base_url,
            token_url,
            stored,
            same_consumer=entered.consumer_secret is None and entered.consumer_key == stored.consumer_key,
            normalise_token_url=normalise_token_url,
        ),
        products=entered.products,
        counselor_metadata_key=entered.counselor_metadata_key,
        role_metadata_key=entered.role_metadata_key,
        roles=_roles(entered.roles),
        metadata_keys=entered.metadata_keys,
        deactivation_percent=entered.deactivation_percent,
        deactivation_minimum=entered.deactivation_minimum,
        change_percent=entered.change_percent,
        change_minimum=entered.change_minimum,
        limits_lifted_until=entered.limits_lifted_until and entered.limits_lifted_until.astimezone(UTC),
        # Who has the deployment's follows it.
        sync_time=None if schedule.at == default_schedule.at else schedule.at,
        timezone=None if schedule.zone == default_schedule.zone else schedule.zone,
        nights_from=schedule.first_date,
        nights_after=schedule.after,
        former_night=schedule.former,
        pause_from=entered.pause_from,
        pause_until=entered.pause_until,
        school_year_from=entered.school_year_from,
        school_year_until=entered.school_year_until,
        deactivate_outside_school_year=entered.deactivate_outside_school_year,
        parallel_requests=entered.parallel_requests,
        page_size=entered.page_size,
        delta_nights=entered.delta_nights,
        full_fetch_days=entered.full_fetch_days,
        first_run_preview=entered.first_run_preview,
        previewed_at=stored.previewed_at if _host(base_url) == _host(stored.base_url) else None,
        credentials_expire_on=entered.credentials_expire_on,
        updated_at=now,
    )
    entry = by.did(Act.SETTINGS_SAVED, district_id, alterations=settings_altered(stored, changed))
    return store.save_settings(changed, stored.version if entered.version is None else entered.version, entry)


def _schedule(entered: EnteredSettings, stored: Settings, default: Schedule, now: datetime) -> Schedule:
    at, zone = entered.sync_time or default.at, entered.timezone or default.zone
    return rescheduled(schedule_of(stored, default) if stored.products else None, at, zone, now)


def remember_sign_in(found: object, settings: Settings, store: SettingsStore) -> None:
    """Save the way to sign in that a test of stored settings reports, unless they have changed meanwhile."""
    sign_in = sign_in_of(found)
    if sign_in and sign_in != settings.sign_in:
        store.save_sign_in(settings.district_id, sign_in, settings.version)


def sign_in_of(value: object) -> SignIn | None:
    """A way to sign in as the API has it, `{"method": ..., "token_url": ...}`; None if it is none."""
    fields: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
    method, token_url = fields.get("method"), fields.get("token_url")
    if not isinstance(method, str) or method not in set(SignInMethod) or not isinstance(token_url, str | None):
        return None
    return SignIn(SignInMethod(method), token_url)


def known_sign_in(
    entered: SignIn | None,
    base_url: str | None,
    token_url: str | None,
    stored: Settings,
    *,
    same_consumer: bool,
    normalise_token_url: Callable[[str], str],
) -> SignIn | None:
    """The way to sign in that goes with a base URL and a token URL, if one is known.

    The token URL of an entered way is that of the settings, or on the host of the base URL.

    Raises:
        ConfigurationError: It is on another host, or needed and not there.
    """
    same_host = base_url is not None and _host(base_url) == _host(stored.base_url)
    if entered is None:
        return stored.sign_in if same_host and same_consumer and token_url == stored.token_url else None
    if not entered.method.needs_token_url:
        return SignIn(entered.method)
    found = token_url or (entered.token_url and normalise_token_url(entered.token_url))
    if found is None:
        raise ConfigurationError(f"The way to sign in, {entered.method}, needs a token URL. Enter it.")
    if token_url is None and _host(found) != _host(base_url):
        if entered == stored.sign_in:
            return None
        raise ConfigurationError(
            "The way to sign in names a token URL on another host than the base URL. Enter it as token URL, if the "
            "provider gives it."
        )
    return SignIn(entered.method, found)


def require_secret_for_another_host(
    base_url: str | None, token_url: str | None, secret: str | None, stored: Settings
) -> None:
    """Refuse to use the stored secret with a host that it was not entered for.

    Otherwise whoever may edit settings, but does not know the secret, could have it sent to a host of their own.

    Raises:
        ConfigurationError: A host differs and no secret was entered.
    """
    if secret is not None or stored.consumer_secret is None:
        return
    trusted = {_host(url) for url in (stored.base_url, stored.token_url) if url}
    for name, url in (("base URL", base_url), ("token URL", token_url)):
        if url and _host(url) not in trusted:
            raise ConfigurationError(f"The {name} names another host. Enter the consumer secret of that host too.")


def _host(url: str | None) -> str:
    return urlsplit(url or "").netloc


def _require_both_days(what: str, first: date | None, last: date | None) -> None:
    if (first is None) is not (last is None) or (first and last and last < first):
        raise ConfigurationError(f"A {what} has a first and a last day, in this order. Enter both, or neither.")


def _require_offered(products: frozenset[str], offered: frozenset[str]) -> None:
    unknown = sorted(products - offered)
    if unknown:
        raise ConfigurationError(f"There is no product {', '.join(unknown)}. Choose from {', '.join(sorted(offered))}.")


def _roles(entered: Mapping[str, Role]) -> dict[str, Role]:
    """Roles by lower-case name."""
    roles: dict[str, Role] = {}
    for name, role in entered.items():
        if role is Role.DISTRICT_ADMINISTRATOR:
            raise ConfigurationError(
                "No OneRoster role can become district administrator. Upload district administrators in a CSV file."
            )
        key = name.strip().lower()
        if key in roles:
            raise ConfigurationError(f"The role {key} is there twice. Remove one of the two.")
        roles[key] = role
    return roles
