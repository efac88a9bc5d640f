"""What the service writes to its log while a test runs."""

from __future__ import annotations

import io
import json
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from shared.observability import logs
from tests.support.aftermath import until

if TYPE_CHECKING:
    from collections.abc import Iterator


class Written(io.StringIO):
    """The lines that were written."""

    async def request(self, request_id: str) -> list[dict[str, Any]]:
        """Wait for the last line of a request, which follows the response, and return all lines of the request."""
        lines: list[dict[str, Any]] = []

        def has_ended() -> bool:
            lines[:] = [each for each in self.objects if each.get("request_id") == request_id]
            return any(str(each["message"]).startswith("request:") for each in lines)

        await until(has_ended)
        return lines

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The lines as JSON objects."""
        return [json.loads(line) for line in self.getvalue().splitlines(keepends=True) if line.endswith("\n")]


@contextmanager
def written_log(level: str = "INFO", form: str = "json") -> Iterator[Written]:
    """Set up the log as the service does, and give what it writes; the root logger is put back afterwards."""
    root = logging.getLogger()
    before, level_before = [*root.handlers], root.level
    logs.set_up_logging(level, form)
    [handler] = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    written = Written()
    handler.setStream(written)
    try:
        yield written
    finally:
        root.handlers[:] = before
        root.setLevel(level_before)
        logs.unbind()
