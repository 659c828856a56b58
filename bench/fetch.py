"""A fetch of all users by this client and by others: users per second, CPU, memory."""

import time
from collections.abc import Mapping
from http.client import HTTPConnection
from typing import NamedTuple
from urllib.parse import urlsplit

from rich.console import Console

from bench.clients.runner import CLIENTS, LOOP, OURS, run_client
from bench.figures import Figure, show, show_comparison
from bench.page_server import Roster, page_server
from bench.provider import PAGE_SIZE

USERS = 100_000
TITLE = f"Fetch of {USERS:,} users, pages of {PAGE_SIZE:,}"
_FEWER_USERS = USERS // 5
_TIMES_BY_LATENCY = {0: 3, 50: 2, 200: 1}
"""How often each is measured, by milliseconds: the longer the wait, the less the machine decides."""
_FASTER, _CPU, _MEMORY = 4, 1.0, 1.1


class _Costs(NamedTuple):
    seconds: float
    cpu_s: float
    peak_mb: float


def fetch(console: Console) -> None:
    """Measure and print."""
    with console.status(f"Measuring: {TITLE}"):
        alone, fewer, costs = _measure()
    show_comparison(
        console,
        TITLE,
        list(CLIENTS.values()),
        {
            **{
                f"users/s at {latency} ms a page": [f"{USERS / by_client[name].seconds:,.0f}" for name in CLIENTS]
                for latency, by_client in costs.items()
            },
            "CPU a user": [f"{costs[0][name].cpu_s / USERS * 1e6:.3g} us" for name in CLIENTS],
            "peak memory": [f"{costs[0][name].peak_mb:.0f} MB" for name in CLIENTS],
            f"peak memory, {_FEWER_USERS:,} users": [f"{fewer[name].peak_mb:.0f} MB" for name in CLIENTS],
        },
    )
    ours = {latency: by_client[OURS] for latency, by_client in costs.items()}
    loop = costs[0][LOOP]
    show(
        console,
        "This client's targets",
        [
            Figure("0 ms: the server alone, nothing read", USERS / alone, "users/s"),
            Figure("0 ms: users/s, times the loop's", loop.seconds / ours[0].seconds, "x", 1, at_least=True),
            *(
                Figure(
                    f"{latency} ms: users/s, times the best other's",
                    min(cost.seconds for name, cost in costs[latency].items() if name != OURS) / ours[latency].seconds,
                    "x",
                    _FASTER,
                    at_least=True,
                )
                for latency in _TIMES_BY_LATENCY
                if latency
            ),
            Figure("CPU a user, times the loop's", ours[0].cpu_s / loop.cpu_s, "x", _CPU),
            Figure(f"peak memory, times that of {_FEWER_USERS:,}", ours[0].peak_mb / fewer[OURS].peak_mb, "x", _MEMORY),
        ],
    )


def _measure() -> tuple[float, Mapping[str, _Costs], Mapping[int, Mapping[str, _Costs]]]:
    """The server's seconds; what each client needs for fewer users, and for all by latency."""
    rosters = {f"{ms}-ms": Roster(users=USERS, latency_s=ms / 1000) for ms in _TIMES_BY_LATENCY}
    with page_server({"fewer": Roster(users=_FEWER_USERS), **rosters}) as urls:
        alone = min(_download(urls["0-ms"]) for _ in range(_TIMES_BY_LATENCY[0]))
        fewer = _best_of(1, urls["fewer"], _FEWER_USERS)
        return alone, fewer, {ms: _best_of(times, urls[f"{ms}-ms"], USERS) for ms, times in _TIMES_BY_LATENCY.items()}


def _download(base_url: str) -> float:
    """Seconds in which the server gives all pages over one connection."""
    url = urlsplit(base_url)
    connection = HTTPConnection(url.netloc)
    began = time.perf_counter()
    for offset in range(0, USERS, PAGE_SIZE):
        path = f"{url.path}/users?limit={PAGE_SIZE}&offset={offset}"
        connection.request("GET", path, headers={"Authorization": "Bearer secret"})
        connection.getresponse().read()
    seconds = time.perf_counter() - began
    connection.close()
    return seconds


def _best_of(times: int, base_url: str, users: int) -> Mapping[str, _Costs]:
    """The least of each cost. In turn, so that a busy moment of the machine meets all clients."""
    rounds = [{name: _costs(name, base_url, users) for name in CLIENTS} for _ in range(times)]
    return {name: _Costs(*map(min, zip(*(costs[name] for costs in rounds), strict=True))) for name in CLIENTS}


def _costs(name: str, base_url: str, users: int) -> _Costs:
    (measured,) = run_client(name, "fetch", [base_url])
    if measured.pop("users") != users:
        raise RuntimeError(f"{CLIENTS[name]} did not get all users.")
    return _Costs(**measured)
