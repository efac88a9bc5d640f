"""The UI's URL patterns for links in answers: its `llms.txt`, or a built-in list where that cannot be had."""

from __future__ import annotations

import asyncio
import logging
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
- /projects/{project_id}: a project
- /projects/{project_id}/releases: a project's releases
- /projects/{project_id}/operations-log: a project's operations log
- /teams/{team_slug}: a team
- /operations-log: the operations log
- /reports: reports
- /admin/organizations/{org_slug}: an organization's settings
- /admin/teams, /admin/project-types, /admin/environments, /admin/blueprints, /admin/roles, /admin/users: administration
- /settings: the user's own settings"""
_MAX_AGE_SECONDS = 600.0
_RETRY_SECONDS = 60.0
_PATIENCE_SECONDS = 2.0
_LARGEST = 32_768


class UrlPatterns:
    """What the UI says of its pages, read again now and then; only the first turn waits for it, and briefly."""

    def __init__(
        self,
        ui_url: str | None,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare without asking; the clock goes on while the process is frozen, which a monotonic one does not."""
        self._url = f"{ui_url}/llms.txt" if ui_url else None
        self._transport = transport
        self._text: str | None = None
        self._clock = clock
        self._due = float("-inf")
        self._reading: asyncio.Task[None] | None = None

    async def text(self) -> str:
        """Give the patterns as Markdown."""
        now = self._clock()
        if self._url is not None and not now < self._due <= now + _MAX_AGE_SECONDS:
            self._due = now + _RETRY_SECONDS
            self._reading = asyncio.create_task(self._read(self._url))
        if self._text is None and self._reading is not None:
            await asyncio.wait({self._reading}, timeout=_PATIENCE_SECONDS)
        return self._text or BUILT_IN

    async def aclose(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait({self._reading})

    async def _read(self, url: str) -> None:
        try:
            # A client of its own for each reading: the certificates that it loads are not kept for minutes.
            async with (
                httpx2.AsyncClient(
                    timeout=_PATIENCE_SECONDS, follow_redirects=False, transport=self._transport
                ) as client,
                client.stream("GET", url) as response,
            ):
                response.raise_for_status()
                content = b""
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) >= _LARGEST:
                        break
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            log.warning("the UI's llms.txt could not be read: %s", type(error).__name__)
            return
        text = clean(content[:_LARGEST].decode("utf-8", "ignore")).strip()
        if text and not text.lstrip().startswith("<"):
            self._text = text
            self._due = self._clock() + _MAX_AGE_SECONDS
