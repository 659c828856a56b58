"""Variables of the functions: what they become, and what is said of one that is missing."""

from dataclasses import fields

import pytest

from roster_sync.domain.errors import ConfigurationError
from roster_sync.environment import (
    DeadLettersEnvironment,
    DispatchEnvironment,
    FetchEnvironment,
    ImportUsersEnvironment,
    PortalEnvironment,
    SettingsApiEnvironment,
    SweepEnvironment,
    TestConnectionEnvironment,
    UpsertEnvironment,
)
from tests.support.template import template, variables

BY_FUNCTION = {
    "dispatch": DispatchEnvironment,
    "fetch": FetchEnvironment,
    "upsert": UpsertEnvironment,
    "sweep": SweepEnvironment,
    "dead_letters": DeadLettersEnvironment,
    "import_users": ImportUsersEnvironment,
    "settings_api": SettingsApiEnvironment,
    "portal": PortalEnvironment,
    "test_connection": TestConnectionEnvironment,
}


@pytest.mark.parametrize("function", BY_FUNCTION)
def test_a_function_reads_exactly_the_variables_that_the_template_sets(function: str) -> None:
    common = {*template()["Globals"]["Function"]["Environment"]["Variables"], "POWERTOOLS_SERVICE_NAME"}

    read = {field.name.upper() for field in fields(BY_FUNCTION[function])}

    assert read == variables(function) - common


def test_products_are_a_list_with_commas_and_a_switch_is_on_only_for_true(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTRICTS_TABLE", "districts")
    monkeypatch.setenv("SECRETS_KEY_ID", "key")
    monkeypatch.setenv("PRODUCTS", "serve, jobs,")
    monkeypatch.setenv("ALLOW_LOCAL_PROVIDERS", "false")

    environment = TestConnectionEnvironment.from_env()

    assert environment == TestConnectionEnvironment("districts", "key", frozenset({"serve", "jobs"}), False)


def test_all_missing_variables_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISTRICTS_TABLE", "districts")
    monkeypatch.setenv("USERS_TABLE", "")
    monkeypatch.delenv("SYNC_RUNS_TABLE", raising=False)

    with pytest.raises(ConfigurationError, match="USERS_TABLE, SYNC_RUNS_TABLE"):
        UpsertEnvironment.from_env()
