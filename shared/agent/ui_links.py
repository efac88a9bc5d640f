"""The UI's URL patterns for links in answers, from its `llms.txt` or, if that is unavailable, from a built-in list."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from typing import TYPE_CHECKING

import httpx2

from shared.util.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

BUILT_IN = """\
- /dashboard: the user's start page
- /projects: all projects
- /projects/{project_id}: a project; `project_id` is its `id`, not its slug
- /projects/{project_id}/{tab}: a tab of a project: `overview`, `dependencies`, `relationships`, `documents`, \
`configuration`, `logs`, `operations-log`
- /operations-log: the operations log of all projects
- /documents: all documents
- /reports: the reports
- /reports/{id}: a report: `monthly-improvement`, `open-pull-requests`, `projects-graph`, `score-history`, `team-kpi`
- /users/{email}: a user's profile
- /settings, /settings/{tab}: the user's own settings
- /admin/{section}: administration, for administrators only; sections are `project-types`, `environments`, `teams`, \
`organizations`, `blueprints`, `roles`, `users`, `service-accounts`
- /admin/{section}/{slug}: one thing of a section, such as a team
- /admin/{section}/new: the form for a new thing; /admin/{section}/{slug}/edit: the form for changing one"""
"""The pages of the Imbi UI of November 2026."""

_MAX_AGE_SECONDS = 600.0
_RETRY_SECONDS = 60.0
_TIMEOUT_SECONDS = 2.0
_LARGEST_BYTES = 32_768
_LONGEST_TEXT = 8_000
"""The maximum number of characters of the patterns, which every request contains."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")


class UrlPatterns:
    """Reads the UI's description of its pages every ten minutes. Only the first turn waits for it, for at most 2 s."""

    def __init__(
        self,
        ui_url: str | None,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare without a request. `clock` must advance while the process is frozen; a monotonic clock does not."""
        self._url = f"{ui_url}/llms.txt" if ui_url else None
        self._transport = transport
        self._text: str | None = None
        self._clock = clock
        self._due = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def text(self) -> str:
        """Return the patterns as Markdown."""
        now = self._clock()
        if self._url is not None and not now < self._due <= now + _MAX_AGE_SECONDS:
            self._due = now + _RETRY_SECONDS
            self._reading = asyncio.create_task(self._read(self._url))
        if self._text is None and self._reading is not None:
            await asyncio.wait({self._reading}, timeout=_TIMEOUT_SECONDS)
        return self._text or BUILT_IN

    async def aclose(self) -> None:
        """Cancel a running request."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})

    async def _read(self, url: str) -> None:
        try:
            # Each request has its own client, so that the certificates do not stay in memory between two requests.
            async with (
                httpx2.AsyncClient(
                    timeout=_TIMEOUT_SECONDS, follow_redirects=False, transport=self._transport
                ) as client,
                client.stream("GET", url) as response,
            ):
                response.raise_for_status()
                content = b""
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) >= _LARGEST_BYTES:
                        break
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            log.warning("the UI's llms.txt could not be read: %s", type(error).__name__)
            return
        text = _readable(content[:_LARGEST_BYTES].decode("utf-8", "ignore"))
        if text and not text.startswith("<"):
            self._text = text
            self._due = self._clock() + _MAX_AGE_SECONDS


def _readable(text: str) -> str:
    """Remove invisible characters, and cut a text that is too long at the end of a line."""
    text = _CONTROL.sub("", clean(text)).strip()
    if len(text) <= _LONGEST_TEXT:
        return text
    start = text[:_LONGEST_TEXT]
    return (start.rpartition("\n")[0] or start).rstrip()
