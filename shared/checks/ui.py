"""The check of the UI's `llms.txt`, which has the URL patterns for links in answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.agent.ui_links import BUILT_IN, UrlPatterns
from shared.checks.findings import Finding, embedded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.checks.findings import Installation

_INSTEAD = "Links in answers follow the built-in list of pages."


async def check_ui(installation: Installation) -> Sequence[Finding]:
    """Read the document as the first question does."""
    if "ui" in installation.embedded:
        return embedded("ui")
    url = installation.settings.ui_document_url
    if url is None:
        return [Finding("ui", "warning", f"IMBI_UI_URL is not set. {_INSTEAD} Set it to the address of Imbi's UI.")]
    patterns = UrlPatterns(url)
    try:
        is_read = await patterns.text() != BUILT_IN
    finally:
        await patterns.aclose()
    if is_read:
        return [Finding("ui", "ok", "Its llms.txt is read.")]
    advice = "Check IMBI_UI_URL and IMBI_INTERNAL_UI_URL."
    return [Finding("ui", "warning", f"Its llms.txt cannot be read within 2 seconds. {_INSTEAD} {advice}")]
