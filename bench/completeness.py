"""What each client receives from providers that fail, cut short, keep silent or deviate, and whether it says so."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from rich.console import Console

from bench.clients.runner import CLIENTS, run_client
from bench.deviations import ANSWERS, RECORDS, Meaning
from bench.figures import show_comparison
from bench.page_server import OneAnswer, Roster, page_server, records
from local.sample_provider.district import Record

USERS = 20_000
_LEAVING = 10
_SCENARIOS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "pages capped at 400": {"page_cap": 400},
    "no total, no links": {"announces": False},
    "1 % of the records deviate": {"deviates": True},
    "one 429": {"fails_once": HTTPStatus.TOO_MANY_REQUESTS},
    "one 502": {"fails_once": HTTPStatus.BAD_GATEWAY},
    "one body cut off": {"fails_once": HTTPStatus.OK},
    f"{_LEAVING} others leave meanwhile": {"leaving": _LEAVING},
}


def completeness(console: Console) -> None:
    """Measure and print."""
    with console.status("Measuring: who receives whom"):
        received = _received()
    show_comparison(console, f"Users received of {USERS:,}", list(CLIENTS.values()), received)
    with console.status("Measuring: which deviations are understood"):
        understood = _understood()
    show_comparison(console, "One deviation a row: is the user usable?", list(CLIENTS.values()), understood)


def _received() -> dict[str, list[str]]:
    # One roster for each cell: some count their requests.
    names = {(number, client): f"{number}-{client}" for number in range(len(_SCENARIOS)) for client in CLIENTS}
    scenarios = list(_SCENARIOS.values())
    rosters = {name: Roster(users=USERS, **scenarios[number]) for (number, _), name in names.items()}
    with page_server(rosters) as urls:
        answers = {
            client: run_client(client, "read", [urls[names[number, client]] for number in range(len(scenarios))])
            for client in CLIENTS
        }
    cells: dict[str, list[str]] = {}
    for number, (title, scenario) in enumerate(_SCENARIOS.items()):
        leaving = scenario.get("leaving", 0)
        staying = {record["sourcedId"] for record in records(USERS + leaving)[leaving:]}
        cells[title] = [_count(answers[client][number], staying) for client in CLIENTS]
    return cells


def _count(answer: Mapping[str, Any], wanted: set[str]) -> str:
    received = len(wanted & {view["sourcedId"] for view in answer["views"]})
    if answer["complaint"]:
        return f"{received:,}, said so"
    return f"{received:,}" if received == len(wanted) else f"{received:,}, SILENT"


def _understood() -> dict[str, list[str]]:
    students = [record for record in records(100) if record["role"] == "student"]
    before, meant, after = students[0], {**students[1], "givenName": "José", "grades": ["09"]}, students[2]
    sent = {deviation.name: deviation.change(meant) for deviation in RECORDS}
    answers = [
        *(OneAnswer(json.dumps({"users": [before, sent[deviation.name], after]}).encode()) for deviation in RECORDS),
        *(OneAnswer(deviation.body([before, meant, after]), deviation.headers) for deviation in ANSWERS),
    ]
    with page_server({str(number): answer for number, answer in enumerate(answers)}) as urls:
        read = {client: run_client(client, "read", urls.values()) for client in CLIENTS}
    cells: dict[str, list[str]] = {}
    for number, deviation in enumerate(RECORDS):
        means = deviation.means(meant)
        others = {before["sourcedId"], after["sourcedId"]}
        cells[deviation.name] = [
            _record_cell(read[client][number], sent[deviation.name], means, others) for client in CLIENTS
        ]
    for number, answer in enumerate(ANSWERS, start=len(RECORDS)):
        names = {record["sourcedId"]: record["givenName"] for record in (before, meant, after)}
        cells[answer.name] = [
            _answer_cell(read[client][number], names if answer.holds_users else {}) for client in CLIENTS
        ]
    return cells


def _record_cell(answer: Mapping[str, Any], sent: Record, means: Meaning, others: set[str]) -> str:
    views = {str(view["sourcedId"]): view for view in answer["views"]}
    view = views.get(str(sent["sourcedId"]))
    if view is None:
        lost = "no" if others <= views.keys() else "page lost"
        return lost if answer["complaint"] else f"{lost}, SILENT"
    if "issue" in view:
        return "issue"
    if "active" not in view:
        return "as it came"
    return "yes" if means and all(view.get(name) in right for name, right in means.items()) else "wrong"


def _answer_cell(answer: Mapping[str, Any], names: Mapping[str, str]) -> str:
    if not names:
        return "says so" if answer["complaint"] else "SILENT"
    received = {view["sourcedId"]: view["givenName"] for view in answer["views"] if view["sourcedId"] in names}
    if received == names:
        return "yes"
    lost = "wrong" if received.keys() == names.keys() else "page lost"
    return lost if answer["complaint"] else f"{lost}, SILENT"
