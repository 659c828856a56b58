"""The portal's page and files, as API Gateway is answered."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from roster_sync.api.portal import Portal, PortalSettings
from roster_sync.api.schemas import SettingsBody, SettingsOut
from tests.support.description import description
from tests.support.template import ROOT

STATIC = ROOT / "functions" / "portal" / "static"
ON_AWS = PortalSettings(
    "https://roster-sync.auth.us-east-1.amazoncognito.com",
    "https://uploads.s3.us-east-1.amazonaws.com",
)
MOST_BYTES_COMPRESSED = 150_000


@pytest.fixture
def portal() -> Portal:
    return Portal(STATIC, ON_AWS)


def asked(path: str | None, **event: Any) -> dict[str, Any]:
    resource = "/portal/{proxy+}" if path else "/portal"
    return {"resource": resource, "pathParameters": {"proxy": path} if path else None, "stageVariables": None, **event}


def loaded_by(page: str) -> list[str]:
    """What a page loads, below `/portal/`."""
    return re.findall(r'(?:src|href)="portal/([^"]+)"', page)


def test_the_page_is_asked_for_each_time_and_its_files_never_again(portal: Portal) -> None:
    page = portal.answer(asked(None))
    files = [portal.answer(asked(path)) for path in loaded_by(page["body"])]

    assert page["headers"]["Cache-Control"] == "no-cache"
    assert {file["headers"]["Cache-Control"] for file in files} == {"public, max-age=31536000, immutable"}
    assert {file["statusCode"] for file in files} == {200}


def test_a_file_that_changes_has_another_address(portal: Portal, tmp_path: Path) -> None:
    for source in STATIC.rglob("*"):
        if source.is_file():
            target = tmp_path / source.relative_to(STATIC)
            target.parent.mkdir(exist_ok=True)
            target.write_text(source.read_text())
    (tmp_path / "text.js").write_text("export const t = {};")

    before, after = (loaded_by(each.answer(asked(None))["body"]) for each in (portal, Portal(tmp_path, ON_AWS)))

    assert not set(before) & set(after)
    assert portal.answer(asked(after[0]))["statusCode"] == 404


def test_every_module_is_loaded_at_once(portal: Portal) -> None:
    """Each module that only another one names would cost a round trip."""
    page = portal.answer(asked(None))["body"]

    modules = {path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.js")}
    of_the_reference = {name for name in modules if name.startswith("reference/")}
    assert {path.partition("/")[2] for path in loaded_by(page)} & modules == modules - of_the_reference


def test_the_page_that_shows_the_api_loads_its_own_files_and_the_description_at_once(portal: Portal) -> None:
    page = portal.answer(asked("api"))
    # Relative to /portal/api.
    files = re.findall(r'(?:src|href)="([0-9a-f]{16}/[^"]+)"', page["body"])

    assert (page["statusCode"], page["headers"]["Cache-Control"]) == (200, "no-cache")
    assert {portal.answer(asked(path))["statusCode"] for path in files} == {200}
    assert {path.partition("/")[2] for path in files} >= {"reference/main.js", "reference/schema.js", "dom.js"}
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=|\{\w+\}", page["body"])


def test_the_description_of_the_api_is_asked_for_each_time(portal: Portal) -> None:
    answer = portal.answer(asked(None, resource="/openapi.json"))

    assert (answer["statusCode"], answer["headers"]["Cache-Control"]) == (200, "no-cache")
    assert answer["headers"]["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(answer["body"]) == description()


def test_the_page_may_run_its_own_files_only(portal: Portal) -> None:
    page = portal.answer(asked(None))
    policy = dict(part.split(" ", 1) for part in page["headers"]["Content-Security-Policy"].split("; "))

    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["connect-src"] == f"'self' {ON_AWS.sign_in_url} {ON_AWS.uploads_url}"
    assert policy["frame-ancestors"] == "'none'"
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on\w+=", page["body"])


def test_the_page_knows_where_to_sign_in(portal: Portal) -> None:
    answer = portal.answer(asked("config.json", stageVariables={"portalClientId": "client"}))

    config = json.loads(answer["body"])
    assert answer["headers"]["Cache-Control"] == "no-cache"
    assert config["client_id"] == "client"
    assert config["sign_in_url"] == ON_AWS.sign_in_url


@pytest.mark.parametrize(
    "path", ["none.js", "0123456789abcdef/text.js", "../app.py", "index.html", "api.html", "openapi.json"]
)
def test_what_is_no_file_of_the_portal_is_not_served(portal: Portal, path: str) -> None:
    answer = portal.answer(asked(path))

    assert (answer["statusCode"], answer["headers"]["Cache-Control"]) == (404, "no-store")


def test_the_whole_portal_stays_within_its_budget(portal: Portal) -> None:
    page = portal.answer(asked(None))["body"]
    bodies = [page, *(portal.answer(asked(path))["body"] for path in set(loaded_by(page)))]

    compressed = sum(len(gzip.compress(body.encode())) for body in bodies)

    assert compressed < MOST_BYTES_COMPRESSED


def test_no_page_takes_text_for_markup() -> None:
    found = [
        path.name
        for path in STATIC.rglob("*.js")
        if re.search(r"innerHTML|outerHTML|document\.write", path.read_text())
    ]

    assert found == []


def test_a_save_by_the_page_sends_back_every_setting_that_it_got() -> None:
    """A setting that is left out would go back to its default."""
    source = (STATIC / "pages" / "settings-values.js").read_text()
    [listed] = re.findall(r"const READ_ONLY = \[(.*?)\];", source, re.DOTALL)

    not_sent = set(re.findall(r'"(\w+)"', listed))

    assert not_sent >= SettingsOut.model_fields.keys() - SettingsBody.model_fields.keys()
    assert not_sent & SettingsBody.model_fields.keys() == {"sign_in", "version"}


def test_the_vendors_colours_and_name_come_from_one_file(portal: Portal) -> None:
    branding = json.loads((STATIC / "branding.json").read_text())
    page = portal.answer(asked(None))["body"]
    [style] = [path for path in loaded_by(page) if path.endswith("branding.css")]

    css = portal.answer(asked(style))["body"]

    assert branding["light"]["accent"] in css
    assert branding["dark"]["accent"] in css
    assert f"<title>{branding['name']}</title>" in page
