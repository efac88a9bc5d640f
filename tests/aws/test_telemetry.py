"""The log lines, metrics and error reports of an answer and of a failure."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import sentry_sdk
from sentry_sdk.transport import Transport

from shared.aws.cloudwatch import CloudWatchMetrics
from shared.domain.events import AnswerFailed, AnswerStored, BlockFinished, TextAdded, ToolFinished
from shared.domain.models import Usage
from shared.observability import logs, metrics
from shared.observability.metrics import AnswerMetrics
from shared.observability.redaction import redact
from shared.observability.sentry import flush_reports, set_up_reports
from tests.support.lambda_functions import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sentry_sdk.envelope import Envelope

    from shared.domain.events import AnswerEvent
    from shared.observability.metrics import AnswerReport

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
USAGE = Usage(10, 20, 30, 40)
ANSWER: list[AnswerEvent] = [
    TextAdded("I look."),
    BlockFinished(),
    ToolFinished("1", "a", is_error=False, duration_ms=1),
    ToolFinished("2", "b", is_error=True, duration_ms=1),
    TextAdded("Once more."),
    BlockFinished(),
    ToolFinished("3", "a", is_error=False, duration_ms=1),
    TextAdded("There."),
    BlockFinished(),
    AnswerStored(uuid4(), USAGE, "end_turn"),
]


class RecordingSink:
    """A sink that records the reports of answers."""

    def __init__(self) -> None:
        self.reports: list[AnswerReport] = []

    def record_answer(self, report: AnswerReport) -> None:
        self.reports.append(report)


@pytest.mark.proves("telemetry.answers")
def test_an_answer_is_measured_by_its_events() -> None:
    recorded = RecordingSink()
    metrics.set_sinks(recorded)
    meter = AnswerMetrics()
    for event in ANSWER:
        meter.record(event)
    meter.finish()
    metrics.set_sinks()
    [report] = recorded.reports
    assert (report.outcome, report.is_failure, report.usage) == ("end_turn", False, USAGE)
    assert (report.rounds, report.tool_calls, report.tool_errors) == (2, 3, 1)
    assert report.first_event_ms is not None
    assert 0 <= report.first_event_ms <= report.duration_ms


@pytest.mark.proves("telemetry.answers")
@pytest.mark.parametrize(
    ("events", "outcome"), [([], "interrupted"), ([AnswerFailed("No.", "overloaded", retryable=True)], "overloaded")]
)
def test_an_answer_that_fails_is_told_by_its_code(events: list[AnswerEvent], outcome: str) -> None:
    meter = AnswerMetrics()
    for event in events:
        meter.record(event)
    report = meter.finish()
    assert (report.outcome, report.is_failure) == (outcome, True)


@pytest.mark.proves("telemetry.metrics")
def test_an_answer_is_one_line_of_metrics(capsys: pytest.CaptureFixture[str]) -> None:
    meter = AnswerMetrics()
    for event in ANSWER:
        meter.record(event)
    CloudWatchMetrics("imbi-assistant", "production").record_answer(meter.finish())
    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "ImbiAssistant"
    assert {frozenset(each) for each in directive["Dimensions"]} == {frozenset({"environment", "service"})}
    assert {name: line[name] for name in ("Rounds", "ToolCalls", "ToolErrors", "InputTokens", "OutputTokens")} == {
        "Rounds": [2.0],
        "ToolCalls": [3.0],
        "ToolErrors": [1.0],
        "InputTokens": [10.0],
        "OutputTokens": [20.0],
    }
    assert (line["CacheWriteTokens"], line["CacheReadTokens"]) == ([30.0], [40.0])


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Give what the set-up log handler writes; the root logger is put back afterwards."""
    root = logging.getLogger()
    before, level = [*root.handlers], root.level
    yield io.StringIO()
    root.handlers[:] = before
    root.setLevel(level)
    logs.unbind()


def redirected(stream: io.StringIO) -> logging.Logger:
    [handler] = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    return logging.getLogger("shared.tested")


@pytest.mark.proves("telemetry.lines")
def test_a_line_in_a_terminal_says_what_it_belongs_to(written: io.StringIO) -> None:
    logs.set_up_logging("INFO", "text")
    log = redirected(written)
    log.info("started")
    logs.bind(request_id="0123456789", user="a@example.com")
    logs.bind(conversation_id="abcdefghijk")
    log.warning("slow")
    logging.getLogger("httpx2").info("GET https://example.com/?key=secret")
    first, second = written.getvalue().splitlines()
    assert first.endswith("INFO    shared.tested: started")
    assert second.endswith("slow  [request=0123456789 user=a@example.com conversation=abcdefghijk]")


@pytest.mark.proves("telemetry.lines")
def test_the_same_line_is_json_under_lambda(written: io.StringIO) -> None:
    logs.set_up_json_logging("INFO", "imbi-assistant")
    log = redirected(written)
    logs.bind(request_id="1", user="a@example.com", conversation_id="2")
    log.info("answered: %s", "quickly")
    line = json.loads(written.getvalue())
    told = {
        name: line[name] for name in ("level", "message", "name", "service", "request_id", "user", "conversation_id")
    }
    assert told == {
        "level": "INFO",
        "message": "answered: quickly",
        "name": "shared.tested",
        "service": "imbi-assistant",
        "request_id": "1",
        "user": "a@example.com",
        "conversation_id": "2",
    }


class Sent(Transport):
    """A transport that keeps what would be sent."""

    envelopes: list[Envelope] = []  # noqa: RUF012  # the SDK makes the transport, from its class

    def capture_envelope(self, envelope: Envelope) -> None:
        self.envelopes.append(envelope)


@pytest.fixture
def reports() -> Iterator[list[Envelope]]:
    set_up_reports("https://key@sentry.example.com/1", "production", "1.0", Sent)
    Sent.envelopes.clear()
    yield Sent.envelopes
    sentry_sdk.get_client().close()
    # Its default would patch what the other tests run on.
    sentry_sdk.init(default_integrations=False, auto_enabling_integrations=False)


@pytest.mark.proves("telemetry.reports")
def test_an_error_is_reported_without_anything_that_was_said(reports: list[Envelope]) -> None:
    message = "What does Ann in accounting earn?"

    def failing(words: str, token: str) -> None:
        raise ValueError(f"cannot answer {words} for {token}")

    try:
        failing(message, TOKEN)
    except ValueError:
        logging.getLogger("shared.tested").exception("a turn failed: %s", message)
    flush_reports()
    [envelope] = reports
    [event] = [item.payload.json for item in envelope.items]
    assert event is not None
    text = json.dumps(event)
    assert message not in text
    assert TOKEN not in text
    assert "earn" not in text
    assert event["logentry"] == {"message": "a turn failed: %s"}
    [exception] = event["exception"]["values"]
    assert exception["type"] == "ValueError"
    assert exception["stacktrace"]["frames"][-1]["function"] == "failing"


@pytest.mark.proves("telemetry.reports")
@pytest.mark.parametrize(
    "secret",
    [
        TOKEN,
        "sk-ant-api03-abcdefghijk",
        "ik_1234_secretpart",
        "imbi:hunter2",
        "gAAAAABmAbCdEfGhIjKlMnOpQrStUvWxYz0123456789==",
    ],
)
def test_what_looks_like_a_secret_is_hidden(secret: str) -> None:
    for text in (
        f"Authorization: Bearer {secret}",
        f"postgresql://{secret}@db/x" if ":" in secret else f"key {secret}.",
    ):
        assert secret not in redact(text)
    assert redact("a plain sentence: nothing to hide") == "a plain sentence: nothing to hide"
    assert redact(f"amqp://ik_1234:{secret}@db Bearer bearer {secret}") == "amqp://[hidden]@db Bearer [hidden] [hidden]"


@pytest.mark.proves("telemetry.reports")
def test_the_sdk_is_not_imported_where_nobody_wants_reports() -> None:
    code = "import sys, functions.send_message, shared.chat.assembly; print('sentry_sdk' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603  # our own
    assert run.stdout.strip() == "False"


@pytest.mark.proves("telemetry.tracing")
def test_sections_are_marked_where_tracing_is_on() -> None:
    code = """
from aws_xray_sdk.core import xray_recorder
from shared.aws.xray import XRay

class Kept:
    def send_entity(self, entity):
        print(entity.name, entity.trace_id)

    def set_daemon_address(self, address):
        pass

xray_recorder.configure(emitter=Kept())
with XRay("imbi-assistant").section("send_message"):
    pass
"""
    variables = {
        "LAMBDA_TASK_ROOT": "/var/task",
        "_X_AMZN_TRACE_ID": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
    }
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=variables)  # noqa: S603  # our own
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == "send_message 1-5bef4de7-ad49b0e87f6ef6c87fc2e700"
