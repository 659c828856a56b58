"""Whose accounts go with a district."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import boto3
import pytest
from moto import mock_aws

from roster_sync.domain.identifiers import DistrictId
from roster_sync.security.access import AccountRole
from roster_sync.storage.accounts import Accounts
from roster_sync.use_cases.ports import AccountStore
from tests.support.builders import DISTRICT, OTHER_DISTRICT
from tests.support.fakes import InMemoryAccounts

Create = Callable[[str, DistrictId | None, AccountRole | None], None]


@dataclass(frozen=True)
class Pool:
    """A store, and what is done with it by others."""

    store: AccountStore
    create: Create
    names: Callable[[], set[str]]


def in_memory() -> Pool:
    store = InMemoryAccounts()

    def create(name: str, district_id: DistrictId | None, role: AccountRole | None) -> None:
        store.accounts[name] = (district_id, role)

    return Pool(store, create, lambda: set(store.accounts))


def in_cognito() -> Pool:
    cognito = boto3.client("cognito-idp")
    pool_id = cognito.create_user_pool(PoolName="accounts")["UserPool"]["Id"]

    def create(name: str, district_id: DistrictId | None, role: AccountRole | None) -> None:
        claims = {"custom:district_id": district_id, "custom:role": role}
        cognito.admin_create_user(
            UserPoolId=pool_id,
            Username=name,
            UserAttributes=[{"Name": each, "Value": value} for each, value in claims.items() if value],
        )

    def names() -> set[str]:
        pages = cognito.get_paginator("list_users").paginate(UserPoolId=pool_id)
        return {user["Username"] for page in pages for user in page["Users"]}

    return Pool(Accounts(pool_id), create, names)


@pytest.fixture(params=["memory", "cognito"])
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    with mock_aws():
        yield in_memory() if request.param == "memory" else in_cognito()


def test_accounts_of_the_district_go_and_those_of_others_and_of_staff_stay(pool: Pool) -> None:
    pool.create("admin@example.org", DISTRICT, AccountRole.DISTRICT_ADMIN)
    pool.create("unfinished@example.org", DISTRICT, None)
    pool.create("staff@example.org", None, AccountRole.SUPPORT)
    pool.create("staff-of-a-district@example.org", DISTRICT, AccountRole.SUPPORT)
    pool.create("other@example.org", OTHER_DISTRICT, AccountRole.DISTRICT_ADMIN)

    whole = pool.store.delete(DISTRICT, lambda: True)

    assert whole
    assert pool.names() == {"staff@example.org", "staff-of-a-district@example.org", "other@example.org"}


def test_accounts_are_found_on_every_page(pool: Pool) -> None:
    for number in range(130):
        pool.create(f"{number}@example.org", DISTRICT if number % 50 == 0 else OTHER_DISTRICT, None)

    assert pool.store.delete(DISTRICT, lambda: True)
    assert len(pool.names()) == 127
    assert pool.store.delete(DISTRICT, lambda: True)


def test_without_time_it_is_not_done(pool: Pool) -> None:
    pool.create("admin@example.org", DISTRICT, AccountRole.DISTRICT_ADMIN)

    assert not pool.store.delete(DISTRICT, lambda: False)
    assert pool.names() == {"admin@example.org"}
