"""What an administrator changes in a district's settings, from one night to the next."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from roster_sync.domain.user import Role
from tests.convergence.people import COUNSELOR_KEY, METADATA_KEYS
from tests.convergence.world import World


def _limit(kind: str, percent: int, minimum: int) -> Callable[[World], None]:
    return lambda world: world.change_settings(**{f"{kind}_percent": percent, f"{kind}_minimum": minimum})


def _lift_limits(world: World) -> None:
    world.change_settings(limits_lifted_until=world.now + timedelta(hours=2))


def _pause(world: World) -> None:
    today = world.now.date()
    world.change_settings(pause_from=today, pause_until=today + timedelta(days=1))


def _end_school_year(world: World) -> None:
    today = world.now.date()
    world.change_settings(school_year_from=today - timedelta(days=300), school_year_until=today - timedelta(days=1))


def _begin_school_year(world: World) -> None:
    world.change_settings(school_year_from=None, school_year_until=None)


SETTINGS: Mapping[str, Callable[[World], None]] = {
    "any number may leave": _limit("deactivation", 100, 20),
    "a third may leave": _limit("deactivation", 30, 1),
    "nobody may leave": _limit("deactivation", 1, 0),
    "any number may change": _limit("change", 100, 20),
    "a third may change": _limit("change", 30, 1),
    "nobody may change": _limit("change", 1, 0),
    "limits are lifted": _lift_limits,
    "nights are paused": _pause,
    "the school year is over": _end_school_year,
    "the school year begins": _begin_school_year,
    "one product": lambda world: world.change_settings(products=frozenset({"serve"})),
    "two products": lambda world: world.change_settings(products=frozenset({"serve", "jobs"})),
    "no product": lambda world: world.change_settings(products=frozenset()),
    "guardians are imported": lambda world: world.change_settings(roles={"guardian": Role.SPONSOR}),
    "guardians are not imported": lambda world: world.change_settings(roles={}),
    "counselors are named": lambda world: world.change_settings(counselor_metadata_key=COUNSELOR_KEY),
    "counselors are not named": lambda world: world.change_settings(counselor_metadata_key=None),
    "metadata is asked for": lambda world: world.change_settings(metadata_keys=METADATA_KEYS),
    "no metadata is asked for": lambda world: world.change_settings(metadata_keys=()),
    "two schools": lambda world: world.map_second_school(mapped=True),
    "one school": lambda world: world.map_second_school(mapped=False),
}
"""By what holds from then on."""


def let_nights_pass(world: World) -> None:
    """Whatever else holds, the next night comes."""
    world.change_settings(products=frozenset({"serve"}), pause_from=None, pause_until=None)
