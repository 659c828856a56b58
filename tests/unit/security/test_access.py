"""Who may act on which district."""

from collections.abc import Mapping

import pytest

from roster_sync.domain.identifiers import DistrictId
from roster_sync.security.access import ForbiddenError, NotSignedInError, account, require_access
from tests.support.builders import DISTRICT, OTHER_DISTRICT


@pytest.mark.parametrize("claims", [None, {}])
def test_no_token_is_not_signed_in(claims: Mapping[str, str] | None) -> None:
    with pytest.raises(NotSignedInError):
        account(claims)


def test_a_district_administrator_acts_on_the_own_district() -> None:
    asking = account({"custom:district_id": DISTRICT, "custom:role": "district_admin"})

    require_access(asking, DISTRICT)


@pytest.mark.parametrize(
    "claims",
    [
        {"custom:district_id": OTHER_DISTRICT, "custom:role": "district_admin"},
        {"custom:district_id": DISTRICT.upper(), "custom:role": "district_admin"},
        {"custom:district_id": "", "custom:role": "district_admin"},
        {"custom:role": "district_admin"},
        {"custom:district_id": DISTRICT, "custom:role": "teacher"},
        {"custom:district_id": DISTRICT},
        {"sub": "somebody"},
    ],
)
def test_any_other_account_is_forbidden(claims: Mapping[str, str]) -> None:
    asking = account(claims)

    with pytest.raises(ForbiddenError):
        require_access(asking, DISTRICT)


@pytest.mark.parametrize("district_id", [DISTRICT, OTHER_DISTRICT])
def test_support_acts_on_every_district(district_id: DistrictId) -> None:
    asking = account({"custom:role": "support"})

    require_access(asking, district_id)
