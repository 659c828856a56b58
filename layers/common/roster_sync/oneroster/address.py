"""The base URL that an administrator enters, brought into one form."""

import re
from typing import Final
from urllib.parse import quote, urlsplit

from roster_sync.domain.errors import ConfigurationError

_EXAMPLE: Final = "Enter it as the provider gives it, like https://sis.example.org/ims/oneroster/v1p1."
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):/+|(https?):", re.IGNORECASE)
_HOST: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\]")
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


def normalise_base_url(text: str, allow_local: bool) -> str:
    """`https://host[:port][/path]/ims/oneroster/v1p1`, whatever of it was entered, without a slash at the end.

    What comes after the version (an endpoint, a query) is cut off. `http` is taken only with `allow_local`.

    Raises:
        ConfigurationError: It cannot be the base URL of a OneRoster 1.1 provider; the message says why.
    """
    entered = text.strip()
    scheme_found = _SCHEME.match(entered)
    scheme = (scheme_found[1] or scheme_found[2]).lower() if scheme_found else "https"
    rest = entered[scheme_found.end() :] if scheme_found else entered.lstrip("/")
    if scheme not in ("https", "http") or (scheme == "http" and not allow_local):
        raise ConfigurationError(f"The base URL must begin with https://. {_EXAMPLE}")
    if not rest or any(character.isspace() or not character.isprintable() or character == "\\" for character in rest):
        raise ConfigurationError(f"The base URL is empty or contains spaces. {_EXAMPLE}")
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        host, port = _host(parts.hostname), parts.port
    except ValueError as error:
        raise ConfigurationError(f"The base URL has no valid host. {_EXAMPLE}") from error
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(
            "The base URL must not contain a user name or password. Enter the consumer key and the consumer secret "
            "in their own fields."
        )
    authority = host if port is None or port == _DEFAULT_PORTS[scheme] else f"{host}:{port}"
    return f"{scheme}://{authority}{_root(parts.path)}"


def host_of(url: str) -> str:
    """Host, and port if there is one, of a normalised URL."""
    return urlsplit(url).netloc


def _host(name: str | None) -> str:
    """A host name as it goes over the wire.

    Raises:
        ValueError: It is none.
    """
    host = (name or "").lower()
    if ":" in host:
        host = f"[{host}]"
    elif not host.isascii():
        host = host.encode("idna").decode()
    if not _HOST.fullmatch(host):
        raise ValueError("no host name")
    return host


def _root(path: str) -> str:
    """The path up to the version.

    Raises:
        ConfigurationError: It is of another version.
    """
    segments = [segment for segment in path.split("/") if segment]
    lower = [segment.lower() for segment in segments]
    before, after = segments, []
    for index, segment in enumerate(lower):
        if segment == "ims" and lower[index + 1 : index + 2] in ([], ["oneroster"]):
            before, after = segments[:index], lower[index + 2 :]
            break
    version = next((segment for segment in after if re.fullmatch(r"v\d+p\d+", segment)), "v1p1")
    if version != "v1p1" or after[:1] == ["rostering"]:
        raise ConfigurationError(
            f"The base URL is one of OneRoster {version[1:].replace('p', '.')}. Ask the provider for the base URL of "
            "OneRoster 1.1, which ends in /ims/oneroster/v1p1."
        )
    kept = [quote(segment, safe="%!$&'()*+,;=:@~") for segment in before]
    return "/".join(["", *kept, "ims", "oneroster", "v1p1"])
