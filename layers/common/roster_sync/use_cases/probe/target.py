"""What a request asks to probe."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from roster_sync.domain.district import Settings
from roster_sync.domain.errors import ConfigurationError
from roster_sync.domain.identifiers import DistrictId
from roster_sync.domain.sign_in import SignIn
from roster_sync.use_cases.change_settings import known_sign_in, require_secret_for_another_host, sign_in_of

_DISTRICT_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeTarget:
    """What to probe.

    Attributes:
        base_url: In its normal form.
        consumer_secret: Text as entered, or bytes as stored, encrypted.
        token_url: As entered, in its normal form.
        sign_in: The way to sign in that is tried first.
    """

    district_id: DistrictId
    base_url: str
    consumer_key: str
    consumer_secret: str | bytes = field(repr=False)
    token_url: str | None = None
    sign_in: SignIn | None = None
    page_size: int
    parallel_requests: int


def probe_target(
    request: object,
    stored_settings: Callable[[DistrictId], Settings | None],
    normalise_base_url: Callable[[str], str],
    normalise_token_url: Callable[[str], str],
) -> ProbeTarget:
    """What a request asks to probe: `{"district_id": ...}`, and unsaved `"settings"` in place of the stored ones.

    Unsaved settings without a secret are probed with the stored one, at the host that it was stored for only.

    Raises:
        ConfigurationError: Something is missing or cannot be; the message says what.
    """
    if not isinstance(request, Mapping):
        raise ConfigurationError('The request is no object. Send {"district_id": "..."}.')
    district_id = request.get("district_id")
    if not isinstance(district_id, str) or not _DISTRICT_ID.fullmatch(district_id):
        raise ConfigurationError(
            "The request names no district. Send a district_id of up to 64 letters, digits, hyphens and underscores."
        )
    stored = stored_settings(DistrictId(district_id))
    entered = request.get("settings")
    if entered is None and stored is None:
        raise ConfigurationError(
            f"There are no OneRoster settings of a district {district_id}. Check the district's id, or enter base URL, "
            "consumer key and consumer secret."
        )
    settings = stored or Settings(district_id=DistrictId(district_id))
    if entered is None:
        return _target(settings, settings, None, normalise_base_url, normalise_token_url)
    if not isinstance(entered, Mapping):
        raise ConfigurationError("The settings are no object. Send base_url, consumer_key and consumer_secret in one.")
    tested = replace(
        settings,
        base_url=_line(entered, "base_url"),
        consumer_key=_line(entered, "consumer_key"),
        token_url=_line(entered, "token_url"),
        sign_in=sign_in_of(entered.get("sign_in")),
        page_size=_number(entered, "page_size", settings.page_size),
        parallel_requests=_number(entered, "parallel_requests", settings.parallel_requests),
    )
    return _target(tested, settings, _line(entered, "consumer_secret"), normalise_base_url, normalise_token_url)


def _target(
    tested: Settings,
    stored: Settings,
    entered_secret: str | None,
    normalise_base_url: Callable[[str], str],
    normalise_token_url: Callable[[str], str],
) -> ProbeTarget:
    secret = entered_secret or stored.consumer_secret
    if not (tested.base_url and tested.consumer_key and secret):
        values = {"base URL": tested.base_url, "consumer key": tested.consumer_key, "consumer secret": secret}
        missing = ", ".join(name for name, value in values.items() if not value)
        raise ConfigurationError(f"The OneRoster settings lack: {missing}. Enter what is missing.")
    base_url = normalise_base_url(tested.base_url)
    token_url = normalise_token_url(tested.token_url) if tested.token_url else None
    require_secret_for_another_host(base_url, token_url, entered_secret, stored)
    return ProbeTarget(
        district_id=stored.district_id,
        base_url=base_url,
        consumer_key=tested.consumer_key,
        consumer_secret=secret,
        token_url=token_url,
        sign_in=known_sign_in(
            tested.sign_in,
            base_url,
            token_url,
            stored,
            same_consumer=True,
            normalise_token_url=normalise_token_url,
        ),
        page_size=tested.page_size,
        parallel_requests=tested.parallel_requests,
    )


def _line(entered: Mapping[str, object], name: str) -> str | None:
    value = entered.get(name)
    if value is not None and not isinstance(value, str):
        raise ConfigurationError(f"The value of {name} is no text. Enter it as the provider gives it.")
    return value.strip() or None if value else None


def _number(entered: Mapping[str, object], name: str, default: int) -> int:
    value = entered.get(name, default)
    if not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"The value of {name} is no number above 0. Leave it out, or enter one.")
    return value
