"""The deletion of everything that is older than the retention settings allow: conversations, and days of the audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.checks import audit, sweeping

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.settings import Settings


async def apply_retention(settings: Settings, report: Callable[[str], None]) -> None:
    """Sweep the conversations and prune the audit; a failure of the first does not prevent the second.

    Raises:
        StartupError: the database cannot be reached, or it reports an error.
    """
    try:
        await audit.prune(settings, report)
    finally:
        await sweeping.sweep(settings, report)
