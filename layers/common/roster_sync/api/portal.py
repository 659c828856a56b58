"""The district portal as files: its pages, and all that they load under a path that changes with the content."""

import hashlib
import json
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_PAGE = "index.html"
_REFERENCE_PAGE = "api.html"
_REFERENCE = "reference/"
"""Folder of what only that page loads."""
_DESCRIPTION = "openapi.json"
_BRANDING = "branding.json"
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_FIRST = "no-cache"
_COLOURS = {"accent": "--accent", "on_accent": "--on-accent", "accent_soft": "--accent-soft"}
"""Of the branding, and the property of the style sheet that each sets."""

mimetypes.add_type("text/javascript", ".js")


@dataclass(frozen=True, slots=True)
class PortalSettings:
    """What the page must know of its deployment.

    Attributes:
        sign_in_url: Where the hosted sign-in page is, without path; "/" if that is the portal's own host.
        uploads_url: Where large files are put, the same.
    """

    sign_in_url: str
    uploads_url: str


class Portal:
    """Answers API Gateway's events for `/portal` and what is below it, and for the API's description."""

    def __init__(self, folder: Path, settings: PortalSettings) -> None:
        """Read every file of the folder; they are few and small."""
        texts = {
            path.relative_to(folder).as_posix(): path.read_text("utf-8")
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        branding = json.loads(texts[_BRANDING])
        pages = [texts.pop(_PAGE), texts.pop(_REFERENCE_PAGE)]
        self._description = texts.pop(_DESCRIPTION)
        self._files = {**texts, "branding.css": _style_of(branding)}
        self._version = hashlib.sha256(json.dumps([pages, self._files]).encode()).hexdigest()[:16]
        self._settings = settings
        self._branding = branding
        modules = [name for name in sorted(texts) if name.endswith(".js") and not name.startswith(_REFERENCE)]
        preloads = "\n    ".join(map(self._preload, modules))
        self._page, self._reference_page = (
            page.replace("{version}", self._version)
            .replace("{name}", branding["name"])
            .replace("{logo}", branding["logo"])
            .replace("{modules}", preloads)
            for page in pages
        )
        self._policy = _content_security_policy(settings.sign_in_url, settings.uploads_url)

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """A page, one of the files, or 404 for a file of another version."""
        if event["resource"] == f"/{_DESCRIPTION}":
            return self._response("application/json", self._description, _ASK_FIRST)
        asked = (event.get("pathParameters") or {}).get("proxy")
        if asked is None:
            return self._response("text/html", self._page, _ASK_FIRST)
        if asked == "api":
            return self._response("text/html", self._reference_page, _ASK_FIRST)
        if asked == "config.json":
            client_id = (event.get("stageVariables") or {}).get("portalClientId")
            return self._response("application/json", self._config(client_id), _ASK_FIRST)
        version, _, name = asked.partition("/")
        if version != self._version or name not in self._files:
            return self._response("text/plain", "There is no such file. Load the page again.", "no-store", 404)
        return self._response(mimetypes.guess_type(name)[0] or "text/plain", self._files[name], _FOR_EVER)

    def _preload(self, name: str) -> str:
        return f'<link rel="modulepreload" href="portal/{self._version}/{name}">'

    def _config(self, client_id: str | None) -> str:
        return json.dumps(
            {
                "sign_in_url": self._settings.sign_in_url,
                "client_id": client_id,
                "name": self._branding["name"],
                "logo": f"portal/{self._version}/{self._branding['logo']}",
            }
        )

    def _response(self, content_type: str, body: str, caching: str, status: int = HTTPStatus.OK) -> dict[str, Any]:
        return {
            "statusCode": int(status),
            "headers": {
                "Content-Type": f"{content_type}; charset=utf-8",
                "Cache-Control": caching,
                "Content-Security-Policy": self._policy,
                "Referrer-Policy": "no-referrer",
                "Strict-Transport-Security": "max-age=31536000",
                "X-Content-Type-Options": "nosniff",
            },
            "body": body,
            "isBase64Encoded": False,
        }


def _content_security_policy(*urls: str) -> str:
    """Nothing but the portal's own files, its API, the tokens of the hosted sign-in page, and the bucket of uploads."""
    parts = map(urlsplit, urls)
    hosts = "".join(f" {each.scheme}://{each.netloc}" for each in parts if each.netloc)
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            f"connect-src 'self'{hosts}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        )
    )


def _style_of(branding: Mapping[str, Any]) -> str:
    """The vendor's colours, for a light and a dark page."""
    light, dark = (
        "".join(f"{name}:{branding[theme][key]};" for key, name in _COLOURS.items()) for theme in ("light", "dark")
    )
    return f":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n"
