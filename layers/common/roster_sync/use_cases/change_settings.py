"""Save what an administrator entered as a district's OneRoster settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol
from urllib.parse import urlsplit

from roster_sync.domain.district import Settings
from roster_sync.domain.errors import ConfigurationError
from roster_sync.domain.identifiers import DistrictId
from roster_sync.domain.user import Role


class SettingsStore(Protocol):
    """Where settings are kept."""

    def settings(self, district_id: DistrictId) -> Settings | None:
        """A district's settings as last saved; None if it has none."""

    def save_settings(self, settings: Settings, expected_version: int) -> Settings:
        """Replace a district's settings, unless somebody else has since `expected_version`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnteredSettings:
    """Settings as entered.

    Attributes:
        consumer_secret: In the clear; None keeps the stored one.
        version: Of the settings that the administrator saw; None replaces whatever is stored.
    """

    base_url: str | None
    consumer_key: str | None
    consumer_secret: str | None
    products: frozenset[str]
    counselor_metadata_key: str | None
    role_metadata_key: str | None
    roles: Mapping[str, Role]
    metadata_keys: tuple[str, ...]
    deactivation_percent: int
    deactivation_minimum: int
    parallel_requests: int
    page_size: int
    delta_nights: bool
    full_fetch_days: int
    credentials_expire_on: date | None
    version: int | None


def change_settings(
    entered: EnteredSettings,
    district_id: DistrictId,
    *,
    store: SettingsStore,
    normalise_base_url: Callable[[str], str],
    encrypt: Callable[[DistrictId, str], bytes],
    offered_products: frozenset[str],
    now: datetime,
) -> Settings:
    """Check and save settings, and return them as stored.

    Raises:
        ConfigurationError: A value cannot be; the message says which and what to do. Nothing was stored.
        ConflictError: Somebody else has saved since.
    """
    stored = store.settings(district_id) or Settings(district_id=district_id)
    base_url = normalise_base_url(entered.base_url) if entered.base_url else None
    _require_offered(entered.products, offered_products)
    require_secret_for_another_host(base_url, entered.consumer_secret, stored)
    secret = encrypt(district_id, entered.consumer_secret) if entered.consumer_secret else stored.consumer_secret
    return store.save_settings(
        replace(
            stored,
            base_url=base_url,
            consumer_key=entered.consumer_key,
            consumer_secret=secret,
            products=entered.products,
            counselor_metadata_key=entered.counselor_metadata_key,
            role_metadata_key=entered.role_metadata_key,
            roles=_roles(entered.roles),
            metadata_keys=entered.metadata_keys,
            deactivation_percent=entered.deactivation_percent,
            deactivation_minimum=entered.deactivation_minimum,
            parallel_requests=entered.parallel_requests,
            page_size=entered.page_size,
            delta_nights=entered.delta_nights,
            full_fetch_days=entered.full_fetch_days,
            credentials_expire_on=entered.credentials_expire_on,
            updated_at=now,
        ),
        stored.version if entered.version is None else entered.version,
    )


def require_secret_for_another_host(base_url: str | None, secret: str | None, stored: Settings) -> None:
    """Refuse to use the stored secret with a host that it was not entered for.

    Otherwise whoever may edit settings, but does not know the secret, could have it sent to a host of their own.

    Raises:
        ConfigurationError: The host differs and no secret was entered.
    """
    if base_url is None or secret is not None or stored.consumer_secret is None:
        return
    if stored.base_url is None or urlsplit(base_url).netloc != urlsplit(stored.base_url).netloc:
        raise ConfigurationError("The base URL names another host. Enter the consumer secret of that host too.")


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
