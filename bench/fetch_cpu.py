"""CPU of a fetch per user, beside that of downloading the same pages with `requests` and `response.json()`."""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
from requests_oauthlib import OAuth1

from bench.figures import Figure
from bench.nights import DISTRICT, NOW, PRODUCTS, open_client, run_night, schools_of, settings
from bench.processes import in_fresh_process
from bench.provider import PAGE_SIZE, Address, sample_provider
from bench.rosters import RosterReader
from roster_sync.domain.diff import Comparison
from roster_sync.domain.identifiers import RunId
from roster_sync.domain.limits import limits_of
from roster_sync.domain.normalise import rules_of
from roster_sync.domain.roster import Roster

USERS = 20_000
TARGET = 1.3
_TIMES = 9
_SECOND_NIGHT = RunId("20261124T090000Z-nightly")


@dataclass(frozen=True, slots=True)
class _Costs:
    """Microseconds of CPU per user."""

    requests: float
    client: float
    index: float
    first_night: float
    unchanged_night: float


def fetch_cpu() -> list[Figure]:
    """Measure in a process of its own."""
    with TemporaryDirectory() as folder, sample_provider(USERS) as address:
        stored = Path(folder, "roster.jsonl")
        in_fresh_process(run_night, address, 3, roster=None, stored=stored)
        costs = in_fresh_process(_measure, address, stored)
    return [
        Figure("download with requests and response.json()", costs.requests, "us"),
        Figure("fetch, normalise, fingerprint, diff: unchanged night", costs.unchanged_night, "us"),
        Figure("  times the download", costs.unchanged_night / costs.requests, "x", TARGET),
        Figure("fetch, normalise, fingerprint, diff: first night", costs.first_night, "us"),
        Figure("  times the download", costs.first_night / costs.requests, "x", TARGET),
        Figure("  of both: OneRosterClient alone", costs.client, "us"),
        Figure("beside them: index of the roster", costs.index, "us"),
    ]


def _measure(address: Address, stored: Path) -> _Costs:
    schools = schools_of(address)
    rules = rules_of(settings(address), schools)
    batches = list(RosterReader(stored).roster(DISTRICT))

    def index(filled: bool) -> Roster:
        roster = Roster(schools.values(), PRODUCTS, _SECOND_NIGHT)
        for batch in batches if filled else ():
            roster.add(batch)
        return roster

    full, empty = index(filled=True), index(filled=False)

    def download() -> None:
        with requests.Session() as session:
            session.auth = OAuth1(address.consumer_key, address.consumer_secret, signature_method="HMAC-SHA256")
            for offset in range(0, USERS, PAGE_SIZE):
                query = {"limit": str(PAGE_SIZE), "offset": str(offset), "sort": "sourcedId", "orderBy": "asc"}
                session.get(f"{address.base_url}/users", params=query, timeout=60).json()

    def read() -> None:
        client = open_client(address)
        for _ in client.pages("users"):
            pass
        client.close()

    def compare(roster: Roster) -> None:
        client = open_client(address)
        comparison = Comparison(DISTRICT, roster, rules, client.reader)
        for page in client.pages("users"):
            comparison.add(page.raw_records)
        comparison.finish(client.proof(comparison.received), lambda _: {}, limits_of(settings(address), [], NOW))
        client.close()

    # In turn, so that a busy moment of the machine meets all of them.
    works: list[Callable[[], object]] = [
        download,
        read,
        lambda: index(filled=True),
        lambda: compare(empty),
        lambda: compare(full),
    ]
    rounds = [[_cpu_us(work) for work in works] for _ in range(_TIMES + 1)]
    return _Costs(*(min(of_work[1:]) for of_work in zip(*rounds, strict=True)))


def _cpu_us(work: Callable[[], object]) -> float:
    gc.collect()
    began = time.process_time()
    work()
    return (time.process_time() - began) / USERS * 1e6
