"""A OneRoster provider on loopback that serves given records in one given manner."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from tests.support.provider import Scripted, ScriptedProvider, SignIn

Records = Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for a page.

    Attributes:
        records: All of the endpoint's, in the provider's order.
        number: Requests for the endpoint that came before this one.
    """

    endpoint: str
    parameters: Mapping[str, str]
    records: Records
    number: int

    @property
    def offset(self) -> int:
        return int(self.parameters.get("offset", 0))

    @property
    def limit(self) -> int:
        return int(self.parameters.get("limit", 100))

    @property
    def sorted(self) -> Records:
        """The records in the order that was asked for."""
        field = self.parameters.get("sort")
        return sorted(self.records, key=lambda record: str(record.get(field))) if field else self.records

    def page(self, offset: int | None = None, limit: int | None = None) -> Records:
        """What the standard gives, or would give for another offset or limit."""
        first = self.offset if offset is None else offset
        return self.sorted[first : first + (self.limit if limit is None else limit)]


Behaviour = Callable[[Asked], Scripted]
"""How one page is answered; called by one thread at a time."""


def standard(asked: Asked) -> Scripted:
    """As OneRoster 1.1 §3.4.1 recommends it: with total and links. Other behaviours change this answer."""
    return answer(asked, asked.page(), total=len(asked.records), links=links(asked))


def answer(asked: Asked, records: Records, *, total: int | None = None, links: str | None = None) -> Scripted:
    """An answer of any records, with a total and links if any are given."""
    headers = {"Link": links} if links else {}
    if total is not None:
        headers["X-Total-Count"] = str(total)
    return Scripted({wrapper_of(asked.endpoint): records}, headers=headers)


def links(asked: Asked, *, base: str = "https://inner.example") -> str | None:
    """Next and last, as far as there are further pages."""
    count, limit = len(asked.records), asked.limit
    if asked.offset + limit >= count:
        return None
    offsets = {"next": asked.offset + limit, "last": (count - 1) // limit * limit}
    path = f"{base}/{quote(asked.endpoint)}"
    return ", ".join(f'<{path}?limit={limit}&offset={offset}>; rel="{rel}"' for rel, offset in offsets.items())


def with_headers(scripted: Scripted, **headers: str) -> Scripted:
    """The same answer with further headers, their names spelled with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(scripted, headers={**scripted.headers, **named})


def wrapper_of(endpoint: str) -> str:
    """The name that the standard gives the list."""
    name = endpoint.rpartition("/")[2]
    return {"students": "users", "teachers": "users", "schools": "orgs", "terms": "academicSessions"}.get(name, name)


class RosterServer(ScriptedProvider):
    """Endpoints with their records, all served with one behaviour; any other endpoint is 404."""

    def __init__(
        self, collections: Mapping[str, Records], behaviour: Behaviour = standard, *, sign_in: SignIn | None = None
    ) -> None:
        def route(endpoint: str, records: Records) -> Callable[[Mapping[str, str]], Scripted]:
            def play(parameters: Mapping[str, str]) -> Scripted:
                # The request under way is among those seen.
                return behaviour(Asked(endpoint, parameters, records, len(self.requests_of(endpoint)) - 1))

            return play

        super().__init__({name: route(name, records) for name, records in collections.items()}, sign_in=sign_in)

    def spans_of(self, endpoint: str) -> list[tuple[int, int]]:
        """Offset and limit of each request that came."""
        return [(int(seen.parameters["offset"]), int(seen.parameters["limit"])) for seen in self.requests_of(endpoint)]
