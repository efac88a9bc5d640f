"""The check of the Imbi API: its document, the tools made of it, and the permissions that it marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.chat.assembly import api_tools
from shared.checks.findings import Finding, embedded, listed
from shared.domain.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.checks.findings import Installation

_NAME = "imbi api"
_NO_PERMISSIONS = (
    "The document has no x-imbi-permission, so every user is offered every operation, and only the API itself checks"
    " permissions. Update the Imbi API, or let it publish the marks."
)


async def check_api(installation: Installation) -> Sequence[Finding]:
    """Read the API's document, count the tools, and name the operations that are left out."""
    if "imbi api" in installation.embedded:
        return embedded(_NAME)
    tools = api_tools(installation.settings)
    try:
        count = await tools.load()
    except ToolError as error:
        return [Finding(_NAME, "failed", f"{error} Check IMBI_INTERNAL_API_URL, and that the API runs.")]
    finally:
        await tools.aclose()
    found = f"The document is read, with {count} tools.{_left_out(tools.left_out)}"
    if not count:
        return [Finding(_NAME, "warning", f"{found} Check that IMBI_INTERNAL_API_URL leads to the Imbi API.")]
    if not tools.has_permissions:
        return [Finding(_NAME, "warning", f"{found} {_NO_PERMISSIONS}")]
    return [Finding(_NAME, "ok", found)]


def _left_out(reasons: Mapping[str, str]) -> str:
    if not reasons:
        return ""
    return f" {len(reasons)} operations are left out: {listed(f'{name} ({why})' for name, why in reasons.items())}."
