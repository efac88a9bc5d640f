"""Log lines as JSON."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

from shared.observability.json_lines import JsonFormatter
from shared.observability.log_privacy import private

FIELDS: dict[str, Any] = {
    "nothing": {},
    "numbers": {"status": 200, "duration": 1.5, "is_replay": False, "unknown": None},
    "objects": {"calls": ["a:ok"], "usage": {"input_tokens": 1}, "place": Path("a"), "by number": {1: "a"}},
    "texts": {"user": "ann@example.com", "odd": 'é\n"\u2028\x00\x1f'},
    "half a pair": {"odd": "\ud800"},
    "a large number": {"odd": 2**70},
}
SAID = "what was said"
WORDS = [("answered: %s in %d", "end_turn", 3), ("100 % of it",), ("é \ud800 %s", "x")]


def line(formatter: logging.Formatter, words: tuple[Any, ...], fields: dict[str, Any], *, fails: bool) -> Any:
    record = logging.makeLogRecord(
        {"name": "shared.a", "levelname": "INFO", "msg": words[0], "args": words[1:], "funcName": "f", "lineno": 3}
        | fields
    )
    if fails:
        try:
            int(SAID)
        except ValueError:
            record.exc_info = sys.exc_info()
    shown = private(record)
    assert shown is not None
    shown.created = 1.25
    text = formatter.format(shown)
    assert "\n" not in text
    return json.loads(text)


@pytest.mark.proves("telemetry.lines")
@pytest.mark.parametrize("fails", [False, True], ids=["calm", "failing"])
@pytest.mark.parametrize("words", WORDS, ids=["values", "text", "half a pair"])
@pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS)
def test_a_line_has_the_fields_of_powertools(words: tuple[Any, ...], fields: dict[str, Any], *, fails: bool) -> None:
    theirs = LambdaPowertoolsFormatter(
        use_rfc3339=True, utc=True, service="imbi-assistant", name="%(name)s", serialize_stacktrace=False
    )
    expected = line(theirs, words, fields, fails=fails)
    ours = line(JsonFormatter("imbi-assistant"), words, fields, fails=fails)
    if fails:
        # Their text of an exception contains what it says.
        assert SAID not in str(ours)
        assert ours.pop("exception").endswith("ValueError")
        del expected["exception"]
    assert ours == expected


@pytest.mark.proves("telemetry.lines")
def test_fields_that_libraries_add_are_not_written() -> None:
    record = logging.makeLogRecord(
        {"name": "mcp.server", "levelno": logging.ERROR, "levelname": "ERROR", "msg": "x", "body": SAID}
    )
    shown = private(record)
    assert shown is not None
    assert SAID not in JsonFormatter("imbi-assistant").format(shown)
    assert vars(record)["body"] == SAID
