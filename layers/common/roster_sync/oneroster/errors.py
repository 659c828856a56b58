"""What can go wrong with a provider, each in a sentence of cause and one of remedy.

ConfigurationError
├── RequestRefusedError       400, 422
├── SignatureRefusedError     401
├── ForbiddenError            403
├── NotFoundAtProviderError   404
├── NotJsonError              a web page instead of data
├── UnexpectedAnswerError     data, but not those of OneRoster
└── TlsError, RedirectedError, TooLargeError               (roster_sync.security.egress)
TransientError
├── ThrottledError            429
├── ProviderBrokenError       5xx
└── HostUnreachableError, TimedOutError, TruncatedError    (roster_sync.security.egress)
"""

from collections.abc import Mapping

import msgspec

from roster_sync.domain.errors import ConfigurationError, TransientError
from roster_sync.security.egress import (
    HostUnreachableError,
    RedirectedError,
    TimedOutError,
    TlsError,
    TooLargeError,
    TruncatedError,
)

__all__ = [
    "ForbiddenError",
    "HostUnreachableError",
    "NotFoundAtProviderError",
    "NotJsonError",
    "ProviderBrokenError",
    "RedirectedError",
    "RequestRefusedError",
    "SignatureRefusedError",
    "ThrottledError",
    "TimedOutError",
    "TlsError",
    "TooLargeError",
    "TruncatedError",
    "UnexpectedAnswerError",
    "error_of_status",
    "provider_words",
]

_LONGEST_WORDS = 200


class RequestRefusedError(ConfigurationError):
    """400 or 422: the provider does not take the request as it is."""


class SignatureRefusedError(ConfigurationError):
    """401: consumer key, secret or clock."""


class ForbiddenError(ConfigurationError):
    """403: the consumer key may not read this."""


class NotFoundAtProviderError(ConfigurationError):
    """404: the path, or the thing in it, does not exist."""


class NotJsonError(ConfigurationError):
    """A web page or other text came instead of JSON."""


class UnexpectedAnswerError(ConfigurationError):
    """The answer is not what OneRoster gives here."""


class ThrottledError(TransientError):
    """429: too many requests.

    Attributes:
        retry_after_s: How long the provider asks to wait; None if it does not say.
    """

    def __init__(self, message: str, retry_after_s: float | None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ProviderBrokenError(TransientError):
    """5xx: the provider failed.

    Attributes:
        retry_after_s: How long the provider asks to wait; None if it does not say.
    """

    def __init__(self, message: str, retry_after_s: float | None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


def error_of_status(
    status: int, *, host: str, endpoint: str, body: bytes, retry_after_s: float | None
) -> ConfigurationError | TransientError:
    """The error for an answer that is no success, with the provider's own words if it gave any."""
    words = provider_words(_json_object(body))
    says = f' It says: "{words}".' if words else ""
    where = f"/{endpoint} of {host}"
    match status:
        case 400 | 422:
            return RequestRefusedError(
                f"{host} refused the request for /{endpoint} ({status}).{says} Ask the provider what it supports."
            )
        case 401:
            return SignatureRefusedError(
                f"{host} refused the signature (401).{says} Enter the consumer key and the consumer secret again, both "
                "without missing or added characters; if they are right, ask the provider to check its server's clock."
            )
        case 403:
            return ForbiddenError(
                f"The consumer key may not read {where} (403).{says} Ask the provider to permit it to read orgs and "
                "users."
            )
        case 404:
            return NotFoundAtProviderError(
                f"There is no {where} (404).{says} Check the base URL, and the OneRoster ID if it names a school."
            )
        case 429:
            return ThrottledError(
                f"{host} gets too many requests (429).{says} Try again later, or set fewer parallel requests.",
                retry_after_s,
            )
        case _ if status >= 500:
            return ProviderBrokenError(
                f"{host} failed to answer for /{endpoint} ({status}).{says} Try again later; if it stays so, tell the "
                "provider.",
                retry_after_s,
            )
        case _:
            return UnexpectedAnswerError(
                f"{host} answered for /{endpoint} with status {status}.{says} Check the base URL."
            )


def provider_words(answer: Mapping[str, object]) -> str | None:
    """The standard's description and minor code of a failure, flat or in `statusInfoSet`, shortened."""
    inner = answer.get("statusInfoSet")
    if isinstance(inner, list) and inner:
        inner = inner[0]
    status = inner if isinstance(inner, dict) else answer
    found = [status.get("imsx_description"), _minor_code(status)]
    text = ", ".join(" ".join(part.split()) for part in found if isinstance(part, str) and part.strip())
    if not text:
        return None
    printable = "".join(character for character in text if character.isprintable()).replace('"', "'")
    return printable if len(printable) <= _LONGEST_WORDS else f"{printable[:_LONGEST_WORDS]}…"


def _minor_code(status: Mapping[str, object]) -> object:
    """imsx_CodeMinor as text, also out of 1.1's nested imsx_codeMinorField."""
    code = status.get("imsx_CodeMinor", status.get("imsx_codeMinor"))
    for key in ("imsx_codeMinorField", "imsx_codeMinorFieldValue"):
        if isinstance(code, dict):
            code = code.get(key, code)
        if isinstance(code, list) and code:
            code = code[0]
    return code


def _json_object(body: bytes) -> Mapping[str, object]:
    try:
        answer = msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
