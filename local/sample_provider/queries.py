"""Reads the query of a collection: filter, sort, fields and paging (OneRoster 1.1 §3.4)."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from local.sample_provider.answers import bad_request

DEFAULT_LIMIT = 100
ANY_FIELDS = frozenset({"sourcedId", "status", "dateLastModified", "metadata"})
ORG_FIELDS = ANY_FIELDS | {"name", "type", "identifier", "parent", "children"}
_USER_FIELDS = """
username userIds enabledUser givenName familyName middleName role identifier email sms phone agents orgs grades password
"""
USER_FIELDS = ANY_FIELDS | frozenset(_USER_FIELDS.split())
# A quote between two letters belongs to the value, so that 'O'Brien' can be asked for.
_TERM = r"\s*([A-Za-z][\w.]*)\s*(!=|>=|<=|=|>|<|~)\s*'((?:[^']|(?<=\w)'(?=\w))*)'\s*"
_FILTER = re.compile(rf"{_TERM}(?:\s(AND|OR)\s{_TERM})?")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
Predicate = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records in which order; equal selections give equal lists, so they can be remembered."""

    filter: str | None = None
    sort: str | None = None
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query of a collection."""

    selection: Selection
    fields: tuple[str, ...]
    limit: int
    offset: int


def read_query(parameters: Mapping[str, str], known: frozenset[str], page_cap: int | None) -> Query:
    """The query that the parameters of a URL ask for; parameters that the standard does not know are ignored.

    Raises:
        RefusedRequestError: a field is unknown, or a number or an order is none.
    """
    sort = parameters.get("sort")
    if sort is not None and not _is_known(sort, known):
        raise bad_request("invalid_sort_field", f"Records have no field {sort} to sort by.")
    order = parameters.get("orderBy", "asc")
    if order not in {"asc", "desc"}:
        raise bad_request("invalid_sort_field", "orderBy is asc or desc.")
    fields = tuple(name.strip() for name in parameters["fields"].split(",")) if "fields" in parameters else ()
    for name in fields:
        if name not in known:
            raise bad_request("invalid_selection_field", f"Records have no field {name} to select.")
    limit = _number(parameters, "limit", DEFAULT_LIMIT, least=1)
    return Query(
        Selection(parameters.get("filter"), sort, descending=order == "desc"),
        fields,
        min(limit, page_cap) if page_cap else limit,
        _number(parameters, "offset", 0, least=0),
    )


def read_filter(text: str, known: frozenset[str]) -> Predicate:
    """The test that a filter puts to each record: one term, or two joined by AND or OR.

    Raises:
        RefusedRequestError: the filter is not of the standard's form, or names an unknown field.
    """
    match = _FILTER.fullmatch(text)
    if match is None:
        raise bad_request("invalid_filter_field", "A filter is field='value', or two of them joined by AND or OR.")
    field, comparison, value, joint, other_field, other_comparison, other_value = match.groups()
    first = _term(field, comparison, value, known)
    if joint is None:
        return first
    second = _term(other_field, other_comparison, other_value, known)
    if joint == "AND":
        return lambda record: first(record) and second(record)
    return lambda record: first(record) or second(record)


def sort_key(field: str) -> Callable[[Mapping[str, Any]], tuple[bool, str]]:
    """What to sort records by; those without the field come last."""

    def key(record: Mapping[str, Any]) -> tuple[bool, str]:
        values = _values(record, field)
        return not values, ",".join(values)

    return key


def _is_known(field: str, known: frozenset[str]) -> bool:
    return field.partition(".")[0] in known


def _number(parameters: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    text = parameters.get(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise bad_request("invaliddata", f"{name} is a whole number of at least {least}.")
    return int(text)


def _term(field: str, comparison: str, value: str, known: frozenset[str]) -> Predicate:
    """One comparison; of a field with several values, `~` asks for any of them and `=` for all (§3.4.3)."""
    if not _is_known(field, known):
        raise bad_request("invalid_filter_field", f"Records have no field {field} to filter by.")
    if field == "dateLastModified" and comparison != "~":
        return _date_term(comparison, value)
    if comparison == "~":
        return lambda record: any(value in held for held in _values(record, field))
    wanted = sorted(part.strip() for part in value.split(","))
    if comparison == "!=":
        return lambda record: _values(record, field) not in ([value], wanted)
    if comparison == "=":
        return lambda record: _values(record, field) in ([value], wanted)
    compare = _COMPARISONS[comparison]
    return lambda record: any(compare(held, value) for held in _values(record, field))


def _date_term(comparison: str, value: str) -> Predicate:
    wanted = _moment(value)
    if comparison == "!=":
        return lambda record: _moment(record["dateLastModified"]) != wanted
    compare = _COMPARISONS[comparison]
    return lambda record: compare(_moment(record["dateLastModified"]), wanted)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise bad_request("invalid_filter_field", "dateLastModified is compared with a date of ISO 8601.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _values(record: Mapping[str, Any], field: str) -> list[str]:
    """The values of a field as sorted strings; none if it is absent. A dot goes into an object or its list."""
    found: list[Any] = [record]
    for name in field.split("."):
        found = [value for holder in found if isinstance(holder, dict) for value in _flat(holder.get(name))]
    return sorted(value["sourcedId"] if isinstance(value, dict) else str(value) for value in found if value != {})


def _flat(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
