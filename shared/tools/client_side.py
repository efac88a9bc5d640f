"""Tools that run in the user's browser: the server asks for them by an event and answers the model at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.domain.call_facts import BROWSER, CallFacts
from shared.domain.errors import ToolError
from shared.domain.ports import ToolDefinition, ToolOutput
from shared.tools.builtin import NAVIGATE_TO, REFRESH_DATA
from shared.tools.toolset import BaseToolset
from shared.util.patterns import bounded
from shared.util.urls import decodings

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.domain.models import Caller, JsonObject, Principal

RESOURCES = (
    "projects",
    "project_types",
    "environments",
    "teams",
    "organizations",
    "blueprints",
    "roles",
    "users",
    "service_accounts",
)
"""The kinds of data that the browser has copies of, and can fetch again."""

_MAX_PATH_CHARS = 2048
_MAX_SLUG_CHARS = 255
_UNSAFE = bounded(
    r"[\x00-\x20\x7f-\x9f\\\ud800-\udfff\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]", _MAX_PATH_CHARS
)
_SCHEME = bounded(r"/\s{0,20}(?:javascript|vbscript|data)\s{0,20}:", _MAX_PATH_CHARS, re.IGNORECASE)

_NAVIGATE_TO = ToolDefinition(
    name=NAVIGATE_TO,
    description=(
        "Open a page of the Imbi web UI in the user's browser. Use it when the user asks to see or go to something, "
        "and after creating something that has a page. The path is that of a page of the UI (see the URL patterns in "
        "your instructions), not of the API; the page opens at once and its content is not returned."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "path": {
                "type": "string",
                "description": "The page's path, beginning with one slash; may have a query and a fragment. "
                "No scheme and no host.",
            }
        },
        "required": ["path"],
    },
)
_REFRESH_DATA = ToolDefinition(
    name=REFRESH_DATA,
    description=(
        "Make the user's browser fetch a kind of data again, so that what it shows is current. Use it after every "
        "change of data of that kind, once for each kind, after the last change. It returns no data."
    ),
    input_schema={
        "type": "object",
        "properties": {
            "resource": {"type": "string", "enum": [*RESOURCES], "description": "The kind of data that has changed."},
            "org_slug": {"type": "string", "description": "The organization's slug, where the data belongs to one."},
        },
        "required": ["resource"],
    },
)


class ClientSideToolset(BaseToolset):
    """The tools that run in the browser; every user may use them."""

    in_browser = True

    def definitions(self, principal: Principal) -> tuple[ToolDefinition, ...]:  # noqa: ARG002  # the port's signature
        """List both tools."""
        return _NAVIGATE_TO, _REFRESH_DATA

    def facts(self, name: str, arguments: JsonObject, principal: Principal) -> CallFacts:  # noqa: ARG002  # the port's
        """Describe a call, which the user's browser carries out."""
        return CallFacts(name=name, source=BROWSER, effect="read", operation=name, title=name)

    async def call(self, name: str, arguments: JsonObject, caller: Caller) -> ToolOutput:  # noqa: ARG002  # the port's
        """Check a call that the browser will execute.

        Raises:
            ToolError: there is no such tool, or an argument has a value that must not reach the browser.
        """
        if name == _NAVIGATE_TO.name:
            _check_names(name, arguments, {"path"})
            path = _checked_path(arguments.get("path"))
            return ToolOutput(f"The user's browser is opening {path}.")
        if name == _REFRESH_DATA.name:
            _check_names(name, arguments, {"resource", "org_slug"})
            resource = _checked_resource(arguments.get("resource"))
            _check_slug(arguments.get("org_slug"))
            return ToolOutput(f"The user's browser is fetching {resource} again.")
        raise ToolError(f"There is no tool named {name[:64]!r}.")


def _check_names(tool: str, arguments: JsonObject, known: set[str]) -> None:
    if unknown := arguments.keys() - known:
        raise ToolError(f"{tool} has no argument {ascii(min(unknown))[:80]}; it takes {', '.join(sorted(known))}.")


def _checked_path(path: JsonValue) -> str:
    """Check that a browser can only read the text as a path on the site that it is on."""
    if not isinstance(path, str) or not path:
        raise ToolError("navigate_to needs a path, such as /projects.")
    if len(path) > _MAX_PATH_CHARS:
        raise ToolError(f"The path is longer than {_MAX_PATH_CHARS} characters.")
    if not path.startswith("/"):
        raise ToolError("The path must begin with a slash and have neither a scheme nor a host, such as /projects.")
    if _UNSAFE.search(path):
        raise ToolError("The path has characters that do not belong into one: encode spaces, leave out the others.")
    try:
        for decoded in decodings(path):
            _check_decoded(decoded)
    except ValueError:
        raise ToolError("The path is encoded too often.") from None
    return path


def _check_decoded(path: str) -> None:
    page = path.partition("?")[0].partition("#")[0]
    if "//" in page:
        raise ToolError("The path must not have two slashes in a row: only pages of the Imbi UI can be opened.")
    if ".." in page.split("/") or "." in page.split("/"):
        raise ToolError("The path must not have dot segments: write the page's full path.")
    if _SCHEME.search(page) or _UNSAFE.search(page.replace(" ", "")):
        raise ToolError("The path has a scheme or characters that do not belong into one.")


def _checked_resource(resource: JsonValue) -> str:
    if not isinstance(resource, str) or resource not in RESOURCES:
        raise ToolError(f"resource must be one of {', '.join(RESOURCES)}, not {ascii(resource)[:60]}.")
    return resource


def _check_slug(slug: JsonValue) -> None:
    if slug is not None and (not isinstance(slug, str) or not 0 < len(slug) <= _MAX_SLUG_CHARS or _UNSAFE.search(slug)):
        raise ToolError(f"org_slug must be an organization's slug, not {ascii(slug)[:60]}.")
