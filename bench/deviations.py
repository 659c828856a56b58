"""What providers send instead of what OneRoster 1.1 says, one deviation at a time."""

import gzip
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.sample_provider.district import Record

Meaning = Mapping[str, Sequence[Any]]


def _active(_: Record) -> Meaning:
    return {"active": [True]}


@dataclass(frozen=True, slots=True)
class RecordDeviation:
    """One record deviates; those before and after it do not.

    Attributes:
        change: The record as the provider sends it, made from what it should be.
        means: Fields of a `View` that show what was understood, each with the readings that are right, made from the
            record as it should be. No field: the record cannot be used.
    """

    name: str
    change: Callable[[Record], Record]
    means: Callable[[Record], Meaning] = _active


@dataclass(frozen=True, slots=True)
class AnswerDeviation:
    """The answer deviates; its records do not.

    Attributes:
        body: The answer, made from the records.
        holds_users: Whether they are in it; if not, a client must say that it got none.
    """

    name: str
    body: Callable[[Sequence[Record]], bytes]
    headers: Mapping[str, str] = field(default_factory=dict)
    holds_users: bool = True


def _with(**fields: Any) -> Callable[[Record], Record]:
    return lambda record: {**record, **fields}


def _with_orgs(orgs: Callable[[str], Any]) -> Callable[[Record], Record]:
    return lambda record: {**record, "orgs": orgs(_school(record))}


def _in_lower_case(record: Record) -> Record:
    return {key if key == "sourcedId" else key.lower(): value for key, value in record.items()}


def _of_1_2(record: Record) -> Record:
    role = {"roleType": "primary", "role": record["role"], "org": record["orgs"][0]}
    return {**{key: value for key, value in record.items() if key not in ("role", "orgs")}, "roles": [role]}


def _of_1_2_with_profile(record: Record) -> Record:
    profile = {"profileId": "1", "credentials": [{"type": "LDAP", "username": "profile", "password": "-"}]}
    return {**_of_1_2(record), "username": None, "userProfiles": [profile]}


def _school(record: Record) -> str:
    return str(record["orgs"][0]["sourcedId"])


def _means(**fields: Any) -> Callable[[Record], Meaning]:
    return lambda _: {name: [value] for name, value in fields.items()}


def _dropped_or_kept(field: str, value: str) -> Callable[[Record], Meaning]:
    """A value of no use may be handed on: it is for the caller to see that."""
    return lambda _: {field: [None, value]}


def _unusable(_: Record) -> Meaning:
    return {}


def _same_school(record: Record) -> Meaning:
    return {"orgs": [[_school(record)]]}


def _same_name(record: Record) -> Meaning:
    return {"givenName": [record["givenName"]]}


def _grade_9(_: Record) -> Meaning:
    return {"grades": [["09"], ["9"]]}


def _json(content: Callable[[Sequence[Record]], Any]) -> Callable[[Sequence[Record]], bytes]:
    return lambda records: json.dumps(content(records)).encode()


TYPICAL: Sequence[RecordDeviation] = [
    RecordDeviation("role `Student`", _with(role="Student"), _means(role="student")),
    RecordDeviation("enabledUser true as JSON", _with(enabledUser=True)),
    RecordDeviation("username null", _with(username=None), _means(username=None)),
    RecordDeviation("status `inactive`, of 1.0", _with(status="inactive"), _means(active=False)),
    RecordDeviation("org without href", _with_orgs(lambda org: [{"sourcedId": org, "type": "org"}]), _same_school),
    RecordDeviation(
        "empty strings for what is missing",
        _with(email="", identifier="", middleName="", phone="", sms="", dateLastModified=""),
    ),
]
"""Those that are met most."""

RECORDS: Sequence[RecordDeviation] = [
    *TYPICAL,
    RecordDeviation("role `Pupil`", _with(role="Pupil"), _means(role="student")),
    RecordDeviation("role `tutor`, of no list", _with(role="tutor"), _unusable),
    RecordDeviation("role null", _with(role=None), _unusable),
    RecordDeviation("enabledUser `t`", _with(enabledUser="t")),
    RecordDeviation("enabledUser 1", _with(enabledUser=1)),
    RecordDeviation("enabledUser false as JSON", _with(enabledUser=False), _means(active=False)),
    RecordDeviation("enabledUser `False`", _with(enabledUser="False"), _means(active=False)),
    RecordDeviation("enabledUser 0", _with(enabledUser=0), _means(active=False)),
    RecordDeviation("status `to be deleted`", _with(status="to be deleted"), _means(active=False)),
    RecordDeviation("status `Active`", _with(status="Active")),
    RecordDeviation("status null", _with(status=None)),
    RecordDeviation("status `dormant`, of no list", _with(status="dormant")),
    RecordDeviation("username a number", _with(username=4711), _means(username="4711")),
    RecordDeviation("identifier a number", _with(identifier=4711), _means(identifier="4711")),
    RecordDeviation("sourcedId a number", _with(sourcedId=4711), _means(sourcedId="4711")),
    RecordDeviation("sourcedId null", _with(sourcedId=None), _unusable),
    RecordDeviation("givenName null", _with(givenName=None), _means(givenName=None)),
    RecordDeviation("givenName of spaces", _with(givenName="  "), _dropped_or_kept("givenName", "  ")),
    RecordDeviation("givenName an object", _with(givenName={"first": "José"}), _means(givenName=None)),
    RecordDeviation(
        "givenName of a megabyte", _with(givenName="x" * 1_000_000), _dropped_or_kept("givenName", "x" * 1_000_000)
    ),
    RecordDeviation("email no address", _with(email="none"), _dropped_or_kept("email", "none")),
    RecordDeviation("dateLastModified no date", _with(dateLastModified="yesterday")),
    RecordDeviation("dateLastModified null", _with(dateLastModified=None)),
    RecordDeviation("dateLastModified date only", _with(dateLastModified="2026-11-01")),
    RecordDeviation("dateLastModified without zone", _with(dateLastModified="2026-11-01T00:00:00")),
    RecordDeviation("dateLastModified in US order", _with(dateLastModified="11/01/2026 3:04:05 PM")),
    RecordDeviation("metadata null", _with(metadata=None)),
    RecordDeviation("metadata nested", _with(metadata={"ic": {"ids": [1, {"legacy": None}]}})),
    RecordDeviation("metadata text", _with(metadata="none")),
    RecordDeviation("userIds null", _with(userIds=None)),
    RecordDeviation("agents null", _with(agents=None)),
    RecordDeviation("grades one string", _with(grades="09"), _grade_9),
    RecordDeviation("grades numbers", _with(grades=[9]), _grade_9),
    RecordDeviation("grades null", _with(grades=None), _means(grades=[])),
    RecordDeviation("grades `K`", _with(grades=["K"]), lambda _: {"grades": [["KG"], ["K"]]}),
    RecordDeviation("grades `9th grade`", _with(grades=["9th grade"]), lambda _: {"grades": [["09"], ["9th grade"]]}),
    RecordDeviation(
        "org of type `school`",
        _with_orgs(lambda org: [{"href": "/orgs/1", "sourcedId": org, "type": "school"}]),
        _same_school,
    ),
    RecordDeviation(
        "orgs one object", _with_orgs(lambda org: {"href": "/orgs/1", "sourcedId": org, "type": "org"}), _same_school
    ),
    RecordDeviation("orgs as strings", _with_orgs(lambda org: [org]), _same_school),
    RecordDeviation(
        "the district beside the school",
        _with_orgs(lambda org: [{"sourcedId": "district", "type": "org"}, {"sourcedId": org, "type": "org"}]),
        lambda record: {"orgs": [[_school(record)], ["district", _school(record)]]},
    ),
    RecordDeviation("orgs null", _with(orgs=None), _unusable),
    RecordDeviation("orgs without sourcedId", _with(orgs=[{"href": "/orgs/1", "type": "org"}]), _unusable),
    RecordDeviation("keys in lower case", _in_lower_case, _same_name),
    RecordDeviation("fields of no standard", _with(ssn="-", address={"street": "-"})),
    RecordDeviation("a user of 1.2: roles", _of_1_2, _means(role="student")),
    RecordDeviation("a user of 1.2: username in a profile", _of_1_2_with_profile, _means(username="profile")),
]

ANSWERS: Sequence[AnswerDeviation] = [
    AnswerDeviation("wrapper `students`", _json(lambda records: {"students": records})),
    AnswerDeviation("wrapper `Users`", _json(lambda records: {"Users": records})),
    AnswerDeviation("wrapper `user`", _json(lambda records: {"user": records})),
    AnswerDeviation("wrapper `orgs`, another's", _json(lambda records: {"orgs": records})),
    AnswerDeviation("wrapper `data`, beside `links`", _json(lambda records: {"data": records, "links": []})),
    AnswerDeviation("`warnings` before `users`", _json(lambda records: {"warnings": [], "users": records})),
    AnswerDeviation("no wrapper, a bare list", _json(lambda records: records)),
    AnswerDeviation("byte order mark", lambda records: b"\xef\xbb\xbf" + json.dumps({"users": records}).encode()),
    AnswerDeviation(
        "Latin-1, undeclared",
        lambda records: json.dumps({"users": records}, ensure_ascii=False).encode("latin-1", "replace"),
    ),
    AnswerDeviation("UTF-16", lambda records: json.dumps({"users": records}, ensure_ascii=False).encode("utf-16")),
    AnswerDeviation(
        "gzip", lambda records: gzip.compress(json.dumps({"users": records}).encode()), {"Content-Encoding": "gzip"}
    ),
    AnswerDeviation(
        "deflate without zlib's frame",
        lambda records: zlib.compress(json.dumps({"users": records}).encode())[2:-4],
        {"Content-Encoding": "deflate"},
    ),
    AnswerDeviation("200 with `{}`", lambda _: b"{}", holds_users=False),
    AnswerDeviation("200 with a list of messages", _json(lambda _: {"messages": ["Busy."]}), holds_users=False),
    AnswerDeviation(
        "200 with no users and an error", _json(lambda _: {"users": [], "errors": ["Busy."]}), holds_users=False
    ),
    AnswerDeviation(
        "200 with an error of the standard",
        _json(lambda _: {"imsx_codeMajor": "failure", "imsx_severity": "error", "imsx_description": "Busy."}),
        holds_users=False,
    ),
    AnswerDeviation(
        "200 with a page to sign in",
        lambda _: b"<!doctype html><title>Sign in</title>",
        {"Content-Type": "text/html"},
        holds_users=False,
    ),
]
