"""The base URL that an administrator pastes, brought into one form."""

import re
import unicodedata
from typing import Final
from urllib.parse import quote, unquote_to_bytes, urlsplit

from roster_sync.domain.errors import ConfigurationError

_EXAMPLE: Final = "Enter it as the provider gives it, like https://sis.example.org/ims/oneroster/v1p1."
# Spaces, and what e-mails, tables and chats put around a URL.
_AROUND: Final = re.compile(r"""^[\s"'`<>()“”„‘’‚«»‹›]+|[\s"'`<>()“”„‘’‚«»‹›.,;]+$""")
_SCHEME: Final = re.compile(r"(?:(https?)(?:[:;][/\\]*|[/\\]{2,}))+", re.IGNORECASE)
_FOREIGN_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*://+", re.IGNORECASE)
_HOST: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]")
_IN_TOKEN_URL: Final = re.compile(r"[A-Za-z0-9._~:/?@!$&'()*+,;=%-]*")
_VERSION: Final = re.compile(r"v(\d+)p(\d+)")
_ROOT: Final = ("ims", "oneroster", "v1p1")
_ENDPOINTS: Final = frozenset(
    {
        *("orgs", "schools", "users", "students", "teachers", "demographics"),
        *("academicsessions", "terms", "gradingperiods", "classes", "courses", "enrollments"),
    }
)
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


def normalise_base_url(text: str, allow_local: bool) -> str:
    """`https://host[:port][/path]/ims/oneroster/v1p1`, whatever of it was entered, without a slash at the end.

    What comes after the version (an endpoint, a query) is cut off, what is pasted around it too. A path that ends in
    `/v1p1` without `/ims/oneroster` is taken as it is. `http`, and a host without a dot, only with `allow_local`.

    Raises:
        ConfigurationError: It cannot be the base URL of a OneRoster 1.1 provider; the message says why, and names the
            URL that was probably meant, never of another host.
    """
    visible = "".join(character for character in text if unicodedata.category(character) != "Cf")
    words = _AROUND.sub("", visible).split()
    if not words:
        raise ConfigurationError(f"The base URL is empty. {_EXAMPLE}")
    entered = next((word for word in words if "://" in word), words[0])
    objection = "The base URL contains spaces." if len(words) > 1 else None
    scheme, rest = _scheme_and_rest(entered)
    needless_port = _DEFAULT_PORTS.get(scheme)
    if scheme not in ("https", "http") or (scheme == "http" and not allow_local):
        objection, scheme = "The base URL must begin with https://.", "https"
    if "\\" in rest:
        objection, rest = r"The base URL contains \ instead of /.", rest.replace("\\", "/")
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        host = _host(parts.hostname or "", allow_local)
        authority = host if parts.port in (None, needless_port) else f"{host}:{parts.port}"
    except ValueError as error:
        raise ConfigurationError(f"The base URL has no valid host. {_EXAMPLE}") from error
    if "@" in parts.netloc:
        objection = (
            "The base URL must not contain a user name or password: the consumer key and the consumer secret have "
            "fields of their own."
        )
    path, version = _path_and_version(parts.path)
    url = f"{scheme}://{authority}{path}"
    if version != "1.1":
        raise ConfigurationError(
            f"The base URL is one of OneRoster {version}, and this system reads OneRoster 1.1. Enter {url} or what the "
            "provider gives for OneRoster 1.1."
        )
    if objection:
        raise ConfigurationError(f"{objection} Enter {url} if that is meant.")
    return url


def normalise_token_url(text: str, allow_local: bool) -> str:
    """The URL at which a provider gives tokens: path and query as entered, the rest as of base URLs.

    Raises:
        ConfigurationError: It cannot be one; the message says why.
    """
    visible = "".join(character for character in text if unicodedata.category(character) != "Cf")
    entered = _AROUND.sub("", visible)
    scheme, rest = _scheme_and_rest(entered)
    if scheme not in ("https", "http") or (scheme == "http" and not allow_local):
        raise ConfigurationError("The token URL must begin with https://. Enter it so, as the provider gives it.")
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        host = _host(parts.hostname or "", allow_local)
        port = "" if parts.port in (None, _DEFAULT_PORTS[scheme]) else f":{parts.port}"
    except ValueError as error:
        raise ConfigurationError("The token URL has no valid host. Enter it as the provider gives it.") from error
    if "@" in parts.netloc or not _IN_TOKEN_URL.fullmatch(parts.path + parts.query):
        raise ConfigurationError(
            "The token URL contains what no URL can: spaces, or a user name before the host. Enter it as the provider "
            "gives it."
        )
    query = f"?{parts.query}" if parts.query else ""
    beginning, end = f"{scheme}://", f"{host}{port}{parts.path or '/'}{query}"
    if _scheme_and_rest(_AROUND.sub("", beginning + end)) != (scheme, end):
        raise ConfigurationError("The token URL can be read in two ways. Enter it as the provider gives it.")
    return beginning + end


def host_of(url: str) -> str:
    """Host, and port if there is one, of a normalised URL."""
    return urlsplit(url).netloc


def _scheme_and_rest(entered: str) -> tuple[str, str]:
    """The scheme in lower case, also where its punctuation is wrong or it is pasted twice, and what follows."""
    found = _SCHEME.match(entered)
    if found:
        return found[1].lower(), entered[found.end() :]
    foreign = _FOREIGN_SCHEME.match(entered)
    if foreign:
        return foreign[0].partition(":")[0].lower(), entered[foreign.end() :]
    return "https", entered.lstrip("/\\")


def _host(name: str, allow_local: bool) -> str:
    """A host as it goes over the wire.

    Raises:
        ValueError: There is none, or spelling it in ASCII makes another name of it.
    """
    host = name.lower().removesuffix(".")
    if ":" in host:
        host = f"[{host}]"
    elif not host.isascii():
        in_ascii = host.encode("idna")
        if in_ascii.decode("idna") != host:
            raise ValueError("another name")
        host = in_ascii.decode()
    if not _HOST.fullmatch(host) or not (allow_local or "." in host or host.startswith("[")):
        raise ValueError("no host name")
    return host


def _path_and_version(path: str) -> tuple[str, str]:
    """The path up to the version, which is 1.1 in any case, and the version that was entered.

    Raises:
        ConfigurationError: The path leads up again.
    """
    segments = [unquote_to_bytes(segment) for segment in path.split("/")]
    segments = [segment for segment in segments if segment not in (b"", b".")]
    if b".." in segments:
        raise ConfigurationError(f"The path of the base URL contains /../. {_EXAMPLE}")
    lower = [segment.decode(errors="replace").lower() for segment in segments]
    for index, name in enumerate(lower):
        after = lower[index + 2 :]
        if name == "ims" and lower[index + 1 : index + 2] in ([], ["oneroster"]):
            version = next(filter(None, map(_version, after)), "1.2" if after[:1] == ["rostering"] else "1.1")
            return _path(segments[:index]), version
        ends = not lower[index + 1 :] or lower[index + 1] in _ENDPOINTS
        if name == "v1p1" and ends:
            return "/".join(["", *map(_encoded, segments[:index]), name]), "1.1"
        if _version(name) and ends:
            start = index - 1 if lower[index - 1 : index] == ["rostering"] else index
            start = start - 1 if lower[start - 1 : start] == ["oneroster"] else start
            return _path(segments[:start]), _version(name) or "1.1"
    return _path(segments), "1.1"


def _path(before: list[bytes]) -> str:
    return "/".join(["", *map(_encoded, before), *_ROOT])


def _encoded(segment: bytes) -> str:
    """As RFC 3986 has it, and in one spelling, so that it is sent as it is signed."""
    return quote(segment, safe="!$&'()*+,;=:@~")


def _version(segment: str) -> str | None:
    found = _VERSION.fullmatch(segment)
    return f"{found[1]}.{found[2]}" if found else None
