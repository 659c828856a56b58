"""The collections of one morning, each record encoded once, and the answers to requests for them."""

import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import parse_qsl, quote, urlencode

import msgspec

from local.sample_provider.answers import Answer, unknown_object
from local.sample_provider.district import District, Record
from local.sample_provider.queries import ORG_FIELDS, USER_FIELDS, Query, Selection, read_filter, read_query, sort_key

REMEMBERED_SELECTIONS = 32


class Collection:
    """Records of one kind, and their JSON."""

    def __init__(self, records: Sequence[Record], encoded: Mapping[str, bytes], *, users: bool) -> None:
        self.singular, self.plural, self.fields = (
            ("user", "users", USER_FIELDS) if users else ("org", "orgs", ORG_FIELDS)
        )
        self.by_id = {record["sourcedId"]: record for record in records}
        self._encoded = encoded
        self._lock = threading.Lock()
        # A consumer asks for page after page of one selection, which is therefore made once.
        self._selected = lru_cache(REMEMBERED_SELECTIONS)(self._select)

    def page(self, query: Query) -> tuple[bytes, int]:
        """The JSON of a page, and how many records all its pages have."""
        with self._lock:
            selected = self._selected(query.selection)
        page = selected[query.offset : query.offset + query.limit]
        if query.fields:
            rows = [msgspec.json.encode(_only(self.by_id[sourced_id], query.fields)) for sourced_id in page]
        else:
            rows = [self._encoded[sourced_id] for sourced_id in page]
        return b'{"%b":[%b]}' % (self.plural.encode(), b",".join(rows)), len(selected)

    def one(self, sourced_id: str, path: str) -> bytes:
        """The JSON of a single record."""
        if sourced_id not in self.by_id:
            raise unknown_object(path)
        return b'{"%b":%b}' % (self.singular.encode(), self._encoded[sourced_id])

    def _select(self, selection: Selection) -> list[str]:
        records = list(self.by_id.values())
        if selection.filter is not None:
            wanted = read_filter(selection.filter, self.fields)
            records = [record for record in records if wanted(record)]
        if selection.sort is not None:
            records.sort(key=sort_key(selection.sort), reverse=selection.descending)
        return [record["sourcedId"] for record in records]


class Catalogue:
    """All that can be asked for, until the next night."""

    def __init__(self, district: District, page_cap: int | None) -> None:
        self._page_cap = page_cap
        self._encoded = {record["sourcedId"]: _encoded(record) for record in (*district.orgs, *district.users)}
        roles: dict[str, list[Record]] = {"student": [], "teacher": []}
        self._in_school: dict[tuple[str, str], list[Record]] = {}
        for user in district.users:
            if user["role"] in roles:
                roles[user["role"]].append(user)
                for org in user["orgs"]:
                    self._in_school.setdefault((org["sourcedId"], user["role"]), []).append(user)
        self._collections = {
            "orgs": self._collection(district.orgs, users=False),
            "schools": self._collection([org for org in district.orgs if org["type"] == "school"], users=False),
            "users": self._collection(district.users, users=True),
            "students": self._collection(roles["student"], users=True),
            "teachers": self._collection(roles["teacher"], users=True),
        }
        self._school_collections: dict[tuple[str, str], Collection] = {}

    def answer(self, path: str, query: str, url: str) -> Answer:
        """Answer a GET of `path` below the OneRoster root; `url` is its address without a query, for links.

        Raises:
            RefusedRequestError: nothing is there, or the query cannot be understood.
        """
        parameters = dict(parse_qsl(query, keep_blank_values=True))
        match path.strip("/").split("/"):
            case [name] if name in self._collections:
                return self._page(self._collections[name], parameters, url)
            case [name, sourced_id] if name in self._collections:
                return Answer(HTTPStatus.OK, self._collections[name].one(sourced_id, path))
            case ["schools", school, "students" | "teachers" as name] if school in self._collections["schools"].by_id:
                return self._page(self._users_of_school(school, name.removesuffix("s")), parameters, url)
        raise unknown_object(path)

    def _collection(self, records: Sequence[Record], *, users: bool) -> Collection:
        return Collection(records, self._encoded, users=users)

    def _users_of_school(self, school: str, role: str) -> Collection:
        key = (school, role)
        if key not in self._school_collections:
            self._school_collections[key] = self._collection(self._in_school.get(key, []), users=True)
        return self._school_collections[key]

    def _page(self, collection: Collection, parameters: Mapping[str, str], url: str) -> Answer:
        query = read_query(parameters, collection.fields, self._page_cap)
        body, total = collection.page(query)
        headers = {"X-Total-Count": str(total), "Link": _links(query, total, parameters, url)}
        return Answer(HTTPStatus.OK, body, headers)


def _links(query: Query, total: int, parameters: Mapping[str, str], url: str) -> str:
    """The Link header: first and last always, next and prev where there are such pages (§3.4.1)."""
    offsets = {"first": 0, "last": max(0, total - 1) // query.limit * query.limit}
    if query.offset + query.limit < total:
        offsets["next"] = query.offset + query.limit
    if query.offset > 0:
        offsets["prev"] = max(0, query.offset - query.limit)

    def link(relation: str, offset: int) -> str:
        text = urlencode({**parameters, "limit": query.limit, "offset": offset}, quote_via=quote, safe="")
        return f'<{url}?{text}>; rel="{relation}"'

    return ", ".join(link(relation, offset) for relation, offset in offsets.items())


def _only(record: Record, fields: Sequence[str]) -> Record:
    return {name: record[name] for name in fields if name in record}


def _encoded(record: Record) -> bytes:
    # A copy keeps no spare buffer behind it.
    return bytes(memoryview(msgspec.json.encode(record)))
