"""CPU of storing and reading users: through pynamodb, through boto3's client, and as `roster_sync.storage.users` does.

Run: `python -m bench.storage`. A server in another process answers at once, so that only the client's work is measured.
"""

import json
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from typing import Any

import boto3
from botocore.config import Config
from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.models import Model

from roster_sync.domain.change import Change, ChangeKind, Chunk
from roster_sync.domain.identifiers import DistrictId, RunId, SchoolId, SourcedId, UserId
from roster_sync.domain.user import Role, SisUser
from roster_sync.storage.change_log import ChangeLog
from roster_sync.storage.users import SHARDS, THREADS, Users
from roster_sync.use_cases.keep_changes import keep_chunk

TABLE = "Users"
DISTRICT = DistrictId("bench")
ROSTER_PAGE = 1_000
"""Users of one answer of Query: 1 MB of items of 1 kB."""
WRITES = 1_000
ROUNDS = 5
NOW = datetime(2026, 11, 24, tzinfo=UTC)

ITEM: dict[str, Any] = {
    "user_id": {"S": "3f2a9c4be1d84f0a9a7b"},
    "fingerprint": {"B": "AQEBAQEBAQEBAQEBAQEBAQ=="},
    "sourced_ids": {"SS": ["c0ffee00-0000-4000-8000-000000000001"]},
    "status": {"S": "active"},
    "role": {"S": "student"},
    "email": {"S": "lisa.simpson@students.example.org"},
    "given_name": {"S": "Lisa"},
    "family_name": {"S": "Simpson"},
    "identifier": {"S": "1000042"},
    "school_ids": {"SS": ["elementary"]},
    "products": {"SS": ["jobs", "serve"]},
    "run_id": {"S": "20261124T090000Z-nightly"},
    "last_change": {"S": "update"},
    "record_digest": {"B": "AgICAgICAgICAgICAgICAg=="},
}
USER = SisUser(
    sourced_ids=(SourcedId("c0ffee00-0000-4000-8000-000000000001"),),
    sis_role=Role.STUDENT,
    username="lisa.simpson",
    given_name="Lisa",
    middle_name="Marie",
    family_name="Simpson",
    email="lisa.simpson@students.example.org",
    identifier="1000042",
    phone=None,
    sms=None,
    grades=("02",),
    school_ids=(SchoolId("elementary"),),
    agents=(SourcedId("c0ffee00-0000-4000-8000-000000000002"),),
    user_ids=(("LDAP", "lsimpson"),),
    sis_counselor_email=None,
    metadata=(),
)
ROSTER_ANSWER = json.dumps({"Items": [ITEM] * ROSTER_PAGE, "Count": ROSTER_PAGE, "ScannedCount": ROSTER_PAGE}).encode()
WRITTEN_ITEM_ANSWER = json.dumps({"Attributes": {"shard_key": {"S": "bench#00"}, **ITEM}}).encode()


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        request = self.rfile.read(int(self.headers["Content-Length"]))
        operation = self.headers["X-Amz-Target"].partition(".")[2]
        if operation == "Query":
            content = ROSTER_ANSWER
        elif operation == "BatchGetItem":
            keys = json.loads(request)["RequestItems"][TABLE]["Keys"]
            content = json.dumps(
                {"Responses": {TABLE: [{**ITEM, "fence": {"N": "6"}, **key} for key in keys]}}
            ).encode()
        elif operation == "BatchExecuteStatement":
            content = json.dumps({"Responses": [{} for _ in json.loads(request)["Statements"]]}).encode()
        else:
            content = WRITTEN_ITEM_ANSWER if b'"ReturnValues":' in request else b"{}"
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def _serve(port: "Connection[int, None]") -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    port.send(server.server_port)
    server.serve_forever()


class _Item(Model):
    class Meta:
        table_name = TABLE

    shard_key = UnicodeAttribute(hash_key=True)
    user_id = UnicodeAttribute(range_key=True)
    sourced_id = UnicodeAttribute(null=True)
    sourced_ids = UnicodeSetAttribute(null=True)
    status = UnicodeAttribute(null=True)
    username = UnicodeAttribute(null=True)
    given_name = UnicodeAttribute(null=True)
    middle_name = UnicodeAttribute(null=True)
    family_name = UnicodeAttribute(null=True)
    email = UnicodeAttribute(null=True)
    email_key = UnicodeAttribute(null=True)
    identifier = UnicodeAttribute(null=True)
    phone = UnicodeAttribute(null=True)
    sms = UnicodeAttribute(null=True)
    grades = UnicodeSetAttribute(null=True)
    school_ids = UnicodeSetAttribute(null=True)
    agents = UnicodeSetAttribute(null=True)
    sis_role = UnicodeAttribute(null=True)
    manual_role = UnicodeAttribute(null=True)
    role = UnicodeAttribute(null=True)
    products = UnicodeSetAttribute(null=True)
    fingerprint = BinaryAttribute(null=True, legacy_encoding=False)
    fence = NumberAttribute(null=True)
    run_id = UnicodeAttribute(null=True)
    last_change = UnicodeAttribute(null=True)
    created_at = UnicodeAttribute(null=True)
    updated_at = UnicodeAttribute(null=True)
    deactivated_at = UnicodeAttribute(null=True)


def _read_with_pynamodb() -> int:
    items = [item for shard in range(SHARDS) for item in _Item.query(f"{DISTRICT}#{shard:02d}")]
    return len([(item.user_id, item.fingerprint, item.email, item.status) for item in items])


def _read_with_client(client: Any) -> int:
    answers = [
        client.query(
            TableName=TABLE,
            KeyConditionExpression="shard_key = :key",
            ExpressionAttributeValues={":key": {"S": f"{DISTRICT}#{shard:02d}"}},
        )
        for shard in range(SHARDS)
    ]
    return sum(len(answer["Items"]) for answer in answers)


def _read_roster(users: Users) -> int:
    return sum(len(batch) for batch in users.roster(DISTRICT))


def _write_with_pynamodb() -> int:
    for number in range(WRITES):
        _Item("bench#00", str(number)).update(
            [
                _Item.status.set("active"),
                _Item.sourced_id.set(USER.sourced_ids[0]),
                _Item.sourced_ids.set(set(USER.sourced_ids)),
                _Item.username.set(str(USER.username)),
                _Item.given_name.set(str(USER.given_name)),
                _Item.middle_name.set(str(USER.middle_name)),
                _Item.family_name.set(str(USER.family_name)),
                _Item.email.set(str(USER.email)),
                _Item.email_key.set(f"bench#{USER.email}"),
                _Item.identifier.set(str(USER.identifier)),
                _Item.phone.remove(),
                _Item.sms.remove(),
                _Item.grades.set(set(USER.grades)),
                _Item.school_ids.set(set(USER.school_ids)),
                _Item.agents.set(set(USER.agents)),
                _Item.sis_role.set(USER.sis_role.value),
                _Item.role.set(_Item.manual_role | USER.sis_role.value),
                _Item.products.add({"serve"}),
                _Item.fingerprint.set(b"\x01" * 16),
                _Item.fence.set(7),
                _Item.run_id.set("20261124T090000Z-nightly"),
                _Item.last_change.set("update"),
                _Item.created_at.set(_Item.created_at | "2026-11-24"),
                _Item.updated_at.set("2026-11-24"),
                _Item.deactivated_at.remove(),
            ],
            _Item.fence.does_not_exist() | (_Item.fence < 7),
        )
    return WRITES


def _chunk(kind: ChangeKind) -> Chunk:
    return Chunk(
        district_id=DISTRICT,
        run_id=RunId("20261124T090000Z-nightly"),
        attempt=1,
        fence=7,
        number=1,
        products=frozenset({"serve"}),
        changes=[Change(kind, UserId(str(number)), USER, b"\x01" * 16) for number in range(WRITES)],
    )


def _write_bare(client: Any) -> int:
    """The write that `Users.apply` makes, in as many threads, by the client as boto3 gives it."""

    def write(number: int) -> None:
        names = {f"#{name}": name for name in (*ITEM, "fence", "created_at", "updated_at", "manual_role", "email_key")}
        values = {f":{name}": value for name, value in {**ITEM, "fence": {"N": "7"}}.items()}
        texts = ("created_at", "updated_at", "email_key", "username", "middle_name", "sis_role", "sourced_id")
        values |= {f":{name}": {"S": name} for name in texts}
        names |= {f"#{name}": name for name in texts}
        actions = ", ".join(f"#{name[1:]} = {name}" for name in values)
        client.update_item(
            TableName=TABLE,
            Key={"shard_key": {"S": "bench#00"}, "user_id": {"S": str(number)}},
            UpdateExpression=f"SET {actions}",
            ConditionExpression="attribute_not_exists(#fence) OR #fence < :fence",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )

    with ThreadPoolExecutor(THREADS) as threads:
        return len(list(threads.map(write, range(WRITES))))


def _write_chunk(users: Users) -> int:
    return users.apply(_chunk(ChangeKind.UPDATE), NOW).updated


def _upsert(users: Users, log: ChangeLog, kind: ChangeKind) -> int:
    """All that `upsert` does for each user: what was before is kept, then the user is written."""
    chunk = _chunk(kind)
    keep_chunk(chunk, users=users, log=log, now=NOW)
    return users.apply(chunk, NOW).changed


def _cpu_us(work: Callable[[], int]) -> float:
    """Microseconds of CPU per user."""
    began = time.process_time()
    done = work()
    return (time.process_time() - began) / done * 1e6


def main() -> None:
    """Print the table."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_serve, args=(there,), daemon=True)
    server.start()
    os.environ.update(
        AWS_ENDPOINT_URL=f"http://127.0.0.1:{here.recv()}",
        AWS_ACCESS_KEY_ID="bench",
        AWS_SECRET_ACCESS_KEY="bench",
        AWS_DEFAULT_REGION="us-east-1",
    )
    users, client, log = (
        Users(TABLE),
        boto3.client("dynamodb", config=Config(max_pool_connections=THREADS)),
        ChangeLog("Runs"),
    )
    rows = [
        ("roster: pynamodb", _read_with_pynamodb),
        ("roster: boto3 client", lambda: _read_with_client(client)),
        ("roster: Users.roster", lambda: _read_roster(users)),
        ("conditional update: pynamodb", _write_with_pynamodb),
        ("conditional update: boto3 client", lambda: _write_bare(client)),
        ("conditional update: Users.apply", lambda: _write_chunk(users)),
        ("an update, as upsert makes it", lambda: _upsert(users, log, ChangeKind.UPDATE)),
        ("a creation, as upsert makes it", lambda: _upsert(users, log, ChangeKind.CREATE)),
    ]
    print(f"{'CPU per user':36}      us")
    # In turn, so that a busy moment of the machine meets all; the first round warms up.
    rounds = [[_cpu_us(work) for _, work in rows] for _ in range(ROUNDS + 1)][1:]
    measured = {name: min(row) for (name, _), row in zip(rows, zip(*rounds, strict=True), strict=True)}
    for name, cpu_us in measured.items():
        print(f"{name:36}{cpu_us:8.1f}")
    bare = measured["conditional update: boto3 client"]
    for name, target in (("an update, as upsert makes it", 1.0), ("a creation, as upsert makes it", 0.5)):
        print(f"{name}: {measured[name] / bare:.2f} times the boto3 client's (at most {target})")
    server.kill()


if __name__ == "__main__":
    main()
