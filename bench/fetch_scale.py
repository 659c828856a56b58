"""A fetch of a million users at 5,000 a page: its peak memory, and a user's cost beside that in a small district."""

import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from bench.figures import Figure
from bench.nights import run_night
from bench.page_server import Answer, page_server
from bench.processes import in_fresh_process
from bench.provider import Address

USERS, FEWER = 1_000_000, 10_000
PAGE_SIZE = 5_000
TARGET_MB = 700
TARGET_SHARE = 1.2
_SCHOOLS = 200
_TIMES = 3
# Linux gives ru_maxrss in kilobytes, macOS in bytes.
_MAXRSS_PER_MB = 1e6 if sys.platform == "darwin" else 1e3


@dataclass(frozen=True, slots=True)
class Numbered:
    """Users made from their numbers when they are asked for, so that a million take no memory.

    Each is as long as those of the sample provider.
    """

    users: int
    latency_s: float = 0

    def answer(self, url: str, offset: int, limit: int) -> Answer:
        if url.endswith("/orgs"):
            orgs = [{"sourcedId": _school(number), "type": "school", "name": "A school"} for number in range(_SCHOOLS)]
            return Answer(msgspec.json.encode({"orgs": orgs[offset : offset + limit]}))
        page = [_record(number) for number in range(offset, min(offset + limit, self.users))]
        return Answer(b'{"users":[' + b",".join(page) + b"]}", headers={"X-Total-Count": str(self.users)})


@dataclass(frozen=True, slots=True)
class _Cost:
    peak_mb: float
    wall_us: float
    cpu_us: float


def fetch_scale() -> list[Figure]:
    """Measure each night in a process of its own."""
    figures: list[Figure] = []
    with TemporaryDirectory() as folder, page_server({"few": Numbered(FEWER), "all": Numbered(USERS)}) as urls:
        stored = {name: Path(folder, name) for name in urls}
        few, many = ({name: Address(url, "key", "secret", PAGE_SIZE) for name, url in urls.items()}[n] for n in urls)
        for name, number in (("first night", 3), ("unchanged night", 4)):
            costs: list[Sequence[_Cost]] = []
            for address, users, where in ((few, FEWER, stored["few"]), (many, USERS, stored["all"])):
                before = None if number == 3 else where
                after = where if number == 3 else Path(folder, "after")
                times = _TIMES if users == FEWER else 1
                costs.append([in_fresh_process(_night, address, number, users, before, after) for _ in range(times)])
            small, large = (min(each, key=lambda cost: cost.cpu_us) for each in costs)
            figures += [
                Figure(f"{name}: peak memory", large.peak_mb, "MB", TARGET_MB),
                Figure("  a user, of 10,000", small.wall_us, "us"),
                Figure("  a user, of 1,000,000", large.wall_us, "us"),
                Figure(
                    "  CPU of one of 1,000,000, times that of one of 10,000",
                    large.cpu_us / small.cpu_us,
                    "x",
                    TARGET_SHARE,
                ),
                Figure("  the same of time", large.wall_us / small.wall_us, "x", TARGET_SHARE),
            ]
    return figures


def _night(address: Address, number: int, users: int, roster: Path | None, stored: Path) -> _Cost:
    began, cpu_began = time.perf_counter(), time.process_time()
    night = run_night(address, number, roster=roster, stored=stored)
    wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    if night.fetched.records != users or (night.fetched.chunks > 0) is not (roster is None):
        raise RuntimeError(f"The night was not what it should be: {night}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MAXRSS_PER_MB
    return _Cost(peak, wall_s / users * 1e6, cpu_s / users * 1e6)


def _school(number: int) -> str:
    return f"5c4001{number:02d}-0000-4000-8000-{number:012d}"


def _record(number: int) -> bytes:
    school = _school(number % _SCHOOLS)
    role = "teacher" if number % 20 == 0 else "student"
    return (
        f'{{"sourcedId":"c0ffee00-0000-4000-8000-{number:012d}","status":"active",'
        '"dateLastModified":"2026-08-20T08:00:00.000Z","metadata":{},'
        f'"username":"given.family{number}","userIds":[{{"type":"LDAP","identifier":"family{number}"}}],'
        f'"enabledUser":"true","givenName":"Given{number % 997}","familyName":"Family{number % 4999}",'
        f'"middleName":"Middle","role":"{role}","identifier":"{1_000_000 + number}",'
        f'"email":"given.family{number}@students.example.org","sms":"","phone":"555-0100",'
        '"agents":[],"orgs":[{"href":"https://sis.example.org/ims/oneroster/v1p1/orgs/'
        f'{school}","sourcedId":"{school}","type":"org"}}],"grades":["05"],"password":""}}'
    ).encode()
