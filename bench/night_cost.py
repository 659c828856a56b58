"""What a night asks of AWS, beside what simpler designs would ask for the same users.

The functions run over an AWS in memory (moto), where each call is counted as it is made. Capacity follows from the
sizes of the items by DynamoDB's rules, as what is in memory does not measure it.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from rich.console import Console

from bench.figures import Figure, show, show_comparison
from local.sample_provider import SampleProvider
from roster_sync.domain.usage import QUEUE_REQUEST_USD, READ_UNIT_USD, WRITE_UNIT_USD
from roster_sync.observability import logger, metrics
from tests.conftest import FAKE_ENVIRONMENT
from tests.support.deployed import a_night

USERS = 1_000
_READ_UNIT_BYTES, _WRITE_UNIT_BYTES = 4096, 1024
_BATCH_GET_UNITS = 100
_CHUNK_CHANGES = 250
_MANY = 100_000
_UNCHANGED_USD, _FIRST_USD, _READ_UNITS_A_USER = 0.01, 0.50, 0.2
_NIGHTS = ("first night", "unchanged night", "changed night")

Item = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Units of DynamoDB and requests of SQS in one night."""

    read_units: float = 0
    write_units: float = 0
    queue_requests: float = 0

    @property
    def usd(self) -> float:
        """By the public prices."""
        cost = self.read_units * READ_UNIT_USD + self.write_units * WRITE_UNIT_USD
        return cost + self.queue_requests * QUEUE_REQUEST_USD


@dataclass(frozen=True, slots=True)
class _Measured:
    """One night: calls by service and operation, those that wrote users, and the users before and after."""

    calls: Counter[str]
    before: Mapping[str, Item]
    after: Mapping[str, Item]

    @property
    def changed(self) -> int:
        return sum(self.before.get(name) != item for name, item in self.after.items())

    @property
    def writes(self) -> int:
        """Of users, whole: updates, and statements that insert."""
        return self.calls["updated"] + self.calls["inserted"]

    def index_writes(self) -> int:
        """A new e-mail address is one write of the index, another one two."""
        keys = [
            (self.before.get(name, {}).get("email_key"), item.get("email_key")) for name, item in self.after.items()
        ]
        return sum(bool(old) + bool(new) for old, new in keys if old != new)

    def write_units(self, items: Sequence[Item]) -> int:
        return sum(-(-_size(item) // _WRITE_UNIT_BYTES) for item in items) + self.index_writes()

    def read_units(self) -> float:
        """Of the whole roster as it was, in answers of a megabyte."""
        return sum(map(_size, self.before.values())) / _READ_UNIT_BYTES

    def ours(self) -> Asked:
        """What this system asked for on behalf of users."""
        written = [item for name, item in self.after.items() if self.before.get(name) != item]
        return Asked(
            read_units=self.read_units() + _BATCH_GET_UNITS * self.calls["BatchGetItem"],
            write_units=self.write_units(written) + self.calls["changes"],
            queue_requests=3 * self.calls["chunks"],
        )

    def accounting(self) -> Asked:
        """What it asked for on behalf of the run, whatever its size; each call for some units."""
        writes = sum(self.calls[name] for name in ("PutItem", "UpdateItem", "BatchWriteItem", "TransactWriteItems"))
        return Asked(
            read_units=self.calls["GetItem"] + self.calls["Query"],
            write_units=4 * (writes - self.calls["updated"] - self.calls["changes"]),
            queue_requests=self.calls["ReceiveMessage"] + self.calls["SendMessageBatch"],
        )

    def put_of_each(self) -> Asked:
        """A put of every user, every night, in chunks; a condition that fails costs as much as the write."""
        return Asked(write_units=self.write_units(list(self.after.values())), queue_requests=3 * USERS / _CHUNK_CHANGES)

    def get_of_each(self) -> Asked:
        """A consistent read of every user, then the writes of those that changed."""
        written = [item for name, item in self.after.items() if self.before.get(name) != item]
        reads = sum(-(-_size(item) // _READ_UNIT_BYTES) for item in self.after.values())
        return Asked(read_units=reads, write_units=self.write_units(written), queue_requests=3 * USERS / _CHUNK_CHANGES)


def night_cost(console: Console) -> None:
    """Measure and print."""
    with console.status("Measuring: what a night asks of AWS"):
        first, unchanged, changed = nights = _nights()
    rows = {}
    for name, night in zip(_NIGHTS, nights, strict=True):
        ours = _usd_of_many(night)
        others = [
            asked.usd * _MANY / USERS for asked in (night.put_of_each(), night.put_of_each(), night.get_of_each())
        ]
        rows[f"{name}: {night.changed} of {len(night.after)} written"] = [
            f"{ours:.4f}",
            *(f"{other:.4f} ({other / ours:.1f} x)" for other in others),
        ]
    columns = ["this design", "put of each", "conditional write of each", "batch-get of each"]
    show_comparison(console, f"USD a night for {_MANY:,} users, tables and queues, by the public prices", columns, rows)
    figures = [
        Figure("unchanged night: messages of changes", unchanged.calls["chunks"], "", 0),
        Figure("unchanged night: writes of users", unchanged.writes, "", 0),
        Figure("unchanged night: read units a user", unchanged.ours().read_units / USERS, "", _READ_UNITS_A_USER),
        Figure(f"unchanged night: {_MANY:,} users", _usd_of_many(unchanged), "USD", _UNCHANGED_USD),
        Figure("first night: writes a user", first.writes / len(first.after), "", 1),
        Figure(f"first night: {_MANY:,} users", _usd_of_many(first), "USD", _FIRST_USD),
        Figure("changed night: writes a changed user", changed.writes / changed.changed, "", 1),
        Figure("changed night: messages of changes", changed.calls["chunks"], ""),
        Figure("of each: calls for the run itself", unchanged.accounting().usd, "USD"),
    ]
    show(console, f"A night of {USERS:,} users", figures)


def _usd_of_many(night: _Measured) -> float:
    """Accounting grows with chunks, if there are any: taken for growing with users, which is a little too much."""
    accounting = night.accounting().usd * (_MANY / USERS if night.calls["chunks"] else 1)
    return night.ours().usd * _MANY / USERS + accounting


def _nights() -> list[_Measured]:
    found = []
    with (
        pytest.MonkeyPatch.context() as patch,
        _environment(patch),
        a_night(patch) as night,
        SampleProvider(users=USERS, schools=3) as provider,
        _counted(patch) as calls,
    ):
        night.enter_district_of(provider, counselor_metadata_key="counselorEmail")
        before: dict[str, Item] = {}
        for day in range(len(_NIGHTS)):
            if day == len(_NIGHTS) - 1:
                provider.change_overnight()
            calls.clear()
            night.pass_night(f"2026-11-{24 + day}T09:00:00Z")
            counted = Counter(calls)
            after = _stored()
            found.append(_Measured(counted, before, after))
            before = after
    return found


@contextmanager
def _environment(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """That of a function, which logs to nobody here."""
    for name, value in FAKE_ENVIRONMENT.items():
        patch.setenv(name, value)
    # Read from the environment when it was imported.
    patch.setattr(metrics.provider, "namespace", "bench")
    with Path(os.devnull).open("w") as nobody, redirect_stdout(nobody):
        before = logger.registered_handler.setStream(nobody)  # type: ignore[attr-defined]
        yield
        logger.registered_handler.setStream(before)  # type: ignore[attr-defined]


@contextmanager
def _counted(patch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Count calls by operation; those that write a user or keep changes, and the chunks sent, by names of their own."""
    calls: Counter[str] = Counter()
    make = BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001 - the one place all calls pass

    def counting(self: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        calls[operation] += 1
        calls["updated"] += operation == "UpdateItem" and parameters["TableName"] == "UsersTable"
        calls["inserted"] += len(parameters.get("Statements", []))
        calls["changes"] += operation == "PutItem" and "#changes#" in str(parameters["Item"].get("run_key"))
        if operation == "SendMessageBatch" and "UserChanges" in parameters["QueueUrl"]:
            calls["chunks"] += len(parameters["Entries"])
        return make(self, operation, parameters)

    patch.setattr(BaseClient, "_make_api_call", counting)
    yield calls


def _stored() -> dict[str, Item]:
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName="UsersTable")
    return {item["user_id"]["S"]: item for page in pages for item in page["Items"]}


def _size(item: Item) -> int:
    """Bytes of an item (Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats")."""
    return sum(len(name.encode()) + _size_of(value) for name, value in item.items())


def _size_of(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return len(content) // 2 + 1
        case "B":
            return len(content)
        case "SS":
            return sum(len(text.encode()) for text in content)
        case "L":
            return 3 + sum(1 + _size_of(entry) for entry in content)
        case "M":
            return 3 + sum(len(name.encode()) + 1 + _size_of(entry) for name, entry in content.items())
    return 1
