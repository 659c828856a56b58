"""Errors by who must act.

RosterSyncError
├── ConfigurationError     the administrator: the message says what to change
│   ├── CredentialsRefusedError    ... and it may be that the consumer key has expired
│   └── NotOfferedError            ... and something else of the provider may do instead
├── TransientError         nobody: it is tried again
│   └── OwnOutageError             ... and no provider has anything to do with it
├── DistrictBusyError      the caller: wait until the other run or upload has ended
├── TooManyTestsError      the caller: wait as long as it says
├── ConflictError          the caller: somebody else has saved meanwhile, load again
└── NotFoundError          the caller: the thing asked for is not there

Anything else is a defect and propagates.
"""


class RosterSyncError(Exception):
    """An error with a sentence fit for a user."""


class ConfigurationError(RosterSyncError):
    """The administrator must change something; the message says what."""


class CredentialsRefusedError(ConfigurationError):
    """Consumer key or secret are refused.

    Attributes:
        may_have_expired: Whether that may be why.
    """

    may_have_expired: bool = True


class NotOfferedError(ConfigurationError):
    """The provider has no such endpoint, or the consumer key may not read it."""


class TransientError(RosterSyncError):
    """Trying again later may succeed."""


class OwnOutageError(TransientError):
    """A table, queue, key or bucket of ours is busy or did not answer."""


class DistrictBusyError(RosterSyncError):
    """Another run or upload holds the district's lease."""

    def __init__(self, holder: str) -> None:
        """Name the holder's run id."""
        super().__init__(f"Another sync or upload of this district is under way ({holder}). Wait until it has ended.")
        self.holder = holder


class TooManyTestsError(RosterSyncError):
    """The district's settings were tested too often of late.

    Attributes:
        retry_after_s: How long to wait.
    """

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ConflictError(RosterSyncError):
    """Somebody else has saved since the caller loaded."""


class NotFoundError(RosterSyncError):
    """What was asked for does not exist."""
