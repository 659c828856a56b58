"""The deployed local stack, once, and visitors to its portal."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from local.sample_provider import SampleProvider
from local.stack import Account, Stack, local_stack
from tests.browser.chromium import MISSING, chromium, program
from tests.browser.visitor import Visitor
from tests.e2e.district import LiveDistrict, a_live_district

AVisitor = Callable[..., Visitor]


def pytest_configure(config: pytest.Config) -> None:
    if program() is None:
        pytest.exit(MISSING, returncode=1)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The system, deployed where IAM is enforced."""
    with local_stack("browser", enforce_iam=True) as deployed:
        yield deployed


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def district(stack: Stack) -> Iterator[LiveDistrict]:
    """A district after its first night."""
    with a_live_district(stack) as entered:
        entered.night()
        yield entered


@pytest.fixture(scope="session")
def administrator(stack: Stack, district: LiveDistrict) -> Account:
    """The administrator of that district."""
    return stack.create_account(district_id=district.api.district_id, role="district_admin")


@pytest.fixture
def provider() -> Iterator[SampleProvider]:
    """A provider that no district is set up with."""
    with SampleProvider(users=120, seed=3, schools=3) as serving:
        yield serving


@pytest.fixture
def a_visitor(browser: Browser, stack: Stack) -> Iterator[AVisitor]:
    """Makes visitors: `a_visitor(account)`, or without an account one who has not signed in."""
    visitors: list[Visitor] = []

    def arrive(account: Account | None = None, *, scheme: str = "light", width: int = 1280) -> Visitor:
        visitors.append(Visitor.arrive(browser, stack, scheme=scheme, width=width))
        if account:
            visitors[-1].sign_in(account)
        return visitors[-1]

    yield arrive
    for visitor in visitors:
        visitor.leave()
