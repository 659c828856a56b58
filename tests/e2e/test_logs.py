import json
import re

from local.stack import Stack
from tests.e2e.conftest import ADistrict

FUNCTIONS = ("DispatchFunction", "FetchFunction", "UpsertFunction", "SettingsApiFunction", "TestConnectionFunction")
PERSONAL = ("username", "givenName", "familyName", "middleName", "email", "identifier", "phone", "password")


def test_no_log_line_holds_a_person_or_a_secret(stack: Stack, a_district: ADistrict) -> None:
    district = a_district(stack)
    district.night()
    district.provider.change_overnight()
    district.night()

    lines = {function: stack.logs(function) for function in FUNCTIONS}

    assert all(lines.values())
    text = "\n".join(line for each in lines.values() for line in each)
    people = {user[name] for user in district.provider.users for name in PERSONAL if user.get(name)}
    people |= {each.email for each in district.counselors}
    assert not [value for value in people if is_told(value, text)]
    assert district.provider.consumer_secret not in text


def is_told(value: str, text: str) -> bool:
    """Whether a text holds a value as a whole word, as it is or as JSON escapes it."""
    spellings = {value, json.dumps(value)[1:-1]}
    return any(re.search(rf"(?<!\w){re.escape(each)}(?!\w)", text) for each in spellings if each in text)
