"""The audit log of the deployed system."""

from local.stack import Stack
from tests.e2e.conftest import ADistrict


def test_whatever_an_administrator_does_is_in_the_log_once(stack: Stack, a_district: ADistrict) -> None:
    district = a_district(stack)
    district.api.post("runs", {"preview": True})

    lines = list(district.api.items("audit"))

    acts = [line["act"] for line in lines]
    assert acts[0] == "preview_started"
    assert acts.count("school_added") == len(district.schools)
    assert {"settings_saved", "settings_tested", "users_uploaded"} < set(acts)
    assert len({line["entry_id"] for line in lines}) == len(lines)
    assert "consumer_secret" in {change["name"] for line in lines for change in line["changes"]}
    assert district.provider.consumer_secret not in str(lines)
    assert district.provider.consumer_key not in str(lines)
