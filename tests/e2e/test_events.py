from collections.abc import Sequence

from local.stack import Stack
from tests.e2e.conftest import ADistrict
from tests.e2e.products import Event, Product, details


def told(product: Product, *, users: int) -> list[Event]:
    """The events of so many users and of the end of their run."""

    def enough(kinds: Sequence[str]) -> bool:
        return kinds.count("UserChanged") >= users and "RunCompleted" in kinds

    return product.told(enough)


def test_products_are_told_of_each_user_and_of_the_end_of_a_night(stack: Stack, a_district: ADistrict) -> None:
    district = a_district(stack)
    product = Product(stack, district.api.district_id)
    night = district.night()

    received = told(product, users=night.writes)
    written = {user["user_id"] for user in district.users() if user["run_id"] == night.run["run_id"]}
    changed = details(received, "UserChanged")
    assert {detail["user_id"] for detail in changed} == written
    assert all(
        detail.keys() == {"version", "district_id", "run_id", "user_id", "change", "attributes"} for detail in changed
    )
    assert {(detail["run_id"], detail["state"]) for detail in details(received, "RunCompleted")} == {
        (night.run["run_id"], night.run["state"])
    }


def test_products_are_told_of_uploads(stack: Stack, a_district: ADistrict) -> None:
    district = a_district(stack)
    product = Product(stack, district.api.district_id)
    school = next(iter(district.schools.values()))

    district.api.upload(f"First Name,Last Name,Email,Role,School\nAda,Byron,ada@example.org,counselor,{school}\n")

    received = told(product, users=1)
    (ada,) = [user for user in district.users() if user["email"] == "ada@example.org"]
    (changed,) = details(received, "UserChanged")
    (ended,) = details(received, "RunCompleted")
    assert (changed["user_id"], changed["change"], changed["run_id"]) == (ada["user_id"], "create", ada["run_id"])
    assert (ended["kind"], ended["state"], ended["run_id"]) == ("upload", "completed", ada["run_id"])
