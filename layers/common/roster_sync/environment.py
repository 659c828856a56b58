"""The environment variables of each function, as template.yaml sets them."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import time
from typing import Any, Self

from roster_sync.domain.errors import ConfigurationError


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())


_READERS: Mapping[Any, Callable[[str], Any]] = {
    str: str,
    int: int,
    bool: lambda text: text == "true",
    frozenset[str]: _names,
    time: time.fromisoformat,
}
"""How a variable's text becomes a field of each type."""


class _Environment:
    """A dataclass whose fields are the lower-case names of variables."""

    @classmethod
    def from_env(cls) -> Self:
        """Read the variables.

        Raises:
            ConfigurationError: Some are not set; the message names each.
        """
        found: dict[str, Any] = {}
        missing: list[str] = []
        # mypy cannot know that each subclass is a dataclass.
        for field in fields(cls):  # type: ignore[arg-type]
            name = field.name.upper()
            text = os.environ.get(name)
            if text:
                found[field.name] = _READERS[field.type](text)
            else:
                missing.append(name)
        if missing:
            raise ConfigurationError(
                f"The function lacks environment variables: {', '.join(missing)}. Set them as template.yaml does."
            )
        return cls(**found)


@dataclass(frozen=True, slots=True)
class DispatchEnvironment(_Environment):
    """Variables of `dispatch`."""

    districts_table: str
    sync_runs_table: str
    sync_requests_queue_url: str
    products: frozenset[str]
    default_sync_time: time
    default_timezone: str


@dataclass(frozen=True, slots=True)
class FetchEnvironment(_Environment):
    """Variables of `fetch`."""

    districts_table: str
    users_table: str
    sync_runs_table: str
    sync_requests_queue_url: str
    user_changes_queue_url: str
    checkpoints_bucket: str
    secrets_key_id: str
    products: frozenset[str]
    host_parallel_requests: int
    allow_local_providers: bool
    event_bus: str
    event_values: bool


@dataclass(frozen=True, slots=True)
class UpsertEnvironment(_Environment):
    """Variables of `upsert`."""

    districts_table: str
    users_table: str
    sync_runs_table: str
    event_bus: str
    event_values: bool


@dataclass(frozen=True, slots=True)
class SweepEnvironment(_Environment):
    """Variables of `sweep`."""

    districts_table: str
    sync_runs_table: str
    sync_requests_queue_url: str
    user_changes_queue_url: str
    event_bus: str
    event_values: bool


@dataclass(frozen=True, slots=True)
class DeadLettersEnvironment(_Environment):
    """Variables of `dead_letters`."""

    districts_table: str
    sync_runs_table: str
    sync_requests_queue_url: str
    user_changes_queue_url: str
    event_bus: str
    event_values: bool


@dataclass(frozen=True, slots=True)
class ImportUsersEnvironment(_Environment):
    """Variables of `import_users`."""

    uploads_bucket: str
    districts_table: str
    users_table: str
    sync_runs_table: str
    products: frozenset[str]
    event_bus: str
    event_values: bool


@dataclass(frozen=True, slots=True)
class DeleteDistrictEnvironment(_Environment):
    """Variables of `delete_district`."""

    districts_table: str
    users_table: str
    sync_runs_table: str
    checkpoints_bucket: str
    uploads_bucket: str
    user_pool_id: str
    event_bus: str


@dataclass(frozen=True, slots=True)
class SettingsApiEnvironment(_Environment):
    """Variables of `settings_api`."""

    districts_table: str
    users_table: str
    sync_runs_table: str
    sync_requests_queue_url: str
    user_changes_queue_url: str
    deletions_queue_url: str
    secrets_key_id: str
    uploads_bucket: str
    test_connection_function: str
    products: frozenset[str]
    default_sync_time: time
    default_timezone: str
    allow_local_providers: bool
    event_bus: str
    event_values: bool


@dataclass(frozen=True, slots=True)
class TestConnectionEnvironment(_Environment):
    """Variables of `test_connection`."""

    __test__ = False  # pytest takes a class for tests by its name

    districts_table: str
    secrets_key_id: str
    products: frozenset[str]
    allow_local_providers: bool


@dataclass(frozen=True, slots=True)
class PortalEnvironment(_Environment):
    """Variables of `portal`."""

    sign_in_url: str
    uploads_url: str
