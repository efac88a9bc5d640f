"""Log lines as JSON objects, in the format of Powertools' Logger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

if TYPE_CHECKING:
    import logging


class JsonFormatter(LambdaPowertoolsFormatter):
    """One JSON object on one line; the text of an exception is that of the record."""

    def __init__(self, service: str) -> None:
        super().__init__(use_rfc3339=True, utc=True, service=service, name="%(name)s", serialize_stacktrace=False)

    def _extract_log_exception(
        self, log_record: logging.LogRecord
    ) -> tuple[str, str, list[str]] | tuple[None, None, None]:
        if not log_record.exc_info or log_record.exc_info[0] is None:
            return None, None, None
        return log_record.exc_text or "", log_record.exc_info[0].__name__, []
