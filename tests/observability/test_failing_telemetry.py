"""Telemetry that is off, not installed, or sent to a collector that does not work."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.observability.otel_sdk import Telemetry
from shared.observability.telemetry import start_telemetry
from shared.settings import load
from tests.support.model_server import reply, text
from tests.support.observed_service import ObservedService, kept_environment
from tests.support.otlp_collector import OtlpCollector
from tests.support.service import DEVELOPER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.model_server import ModelServer

ROOT = Path(__file__).parent.parent.parent
SECONDS = 8
"""Less than the library waits for a collector."""


@pytest.fixture
def silent_collector() -> Iterator[str]:
    """Accept connections and never answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "OpenTelemetry" in record.getMessage()]


@pytest.mark.proves("telemetry.collector-away")
async def test_a_collector_that_refuses_costs_one_line_and_no_answer(
    variables: dict[str, str], model_server: ModelServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with OtlpCollector(status=400) as collector:
        telemetry = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_BSP_SCHEDULE_DELAY": "20",
            "OTEL_METRIC_EXPORT_INTERVAL": "20",
        }
        with ObservedService(variables | telemetry) as service:
            async with service.client(DEVELOPER) as client:
                conversation = await client.begin()
                for number in range(3):
                    model_server.script(reply(text("All is well.")))
                    assert (await client.ask(conversation, f"Question {number}")).done
        assert len(collector.bodies) > 2
    assert not [record for record in caplog.records if record.name.startswith(("opentelemetry", "urllib3"))]
    assert lines(caplog) == [
        "the OpenTelemetry collector cannot be reached; traces and metrics are lost meanwhile",
    ]


@pytest.mark.proves("telemetry.collector-away")
async def test_the_end_does_not_wait_for_a_collector_that_never_answers(
    variables: dict[str, str], silent_collector: str
) -> None:
    variables = variables | {"OTEL_EXPORTER_OTLP_ENDPOINT": silent_collector}
    with kept_environment():
        telemetry = start_telemetry(load(variables), variables)
    assert isinstance(telemetry, Telemetry)
    telemetry.observer.tracer.start_span("waiting").end()
    async with asyncio.timeout(SECONDS):
        await telemetry.aclose(0.1)


STARTED = """
import os, sys
from shared.observability.logs import set_up_logging
set_up_logging("INFO", "json")
from shared.observability.telemetry import start_telemetry
from shared.settings import load
HIDE
telemetry = start_telemetry(load(os.environ), os.environ)
"""
SERVICE = f"""{STARTED}
import json
import shared.chat.assembly
from local_server import application
application(load(os.environ), telemetry)
parts = ("opentelemetry.sdk", "opentelemetry.exporter", "prometheus_client", "shared.observability.otel_sdk")
print(json.dumps([name for name in sys.modules if name.startswith(parts)]))
"""


def ran(program: str, variables: dict[str, str], hide: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program.replace("HIDE", hide)]
    return subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=True)  # noqa: S603  # our own


@pytest.mark.proves("telemetry.off")
def test_nothing_of_the_sdk_is_imported_without_the_variables(variables: dict[str, str]) -> None:
    assert json.loads(ran(SERVICE, variables).stdout) == []


@pytest.mark.proves("telemetry.off")
@pytest.mark.parametrize(
    ("variable", "value", "package"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318", "opentelemetry.sdk"),
        ("IMBI_ASSISTANT_METRICS_ADDRESS", "127.0.0.1:9464", "opentelemetry.exporter"),
    ],
    ids=["collector", "prometheus"],
)
def test_a_missing_package_is_one_line_that_names_it(
    variables: dict[str, str], variable: str, value: str, package: str
) -> None:
    run = ran(STARTED, variables | {variable: value}, hide=f"sys.modules['{package}'] = None")
    [line] = [json.loads(line) for line in run.stderr.splitlines() if "imbi-assistant[otel]" in line]
    assert line["level"] == "WARNING"
    assert line["message"].startswith(f"{variable} has no effect, because the package of {package}")


@pytest.mark.proves("telemetry.off")
@pytest.mark.parametrize(
    "changes",
    [
        {"OTEL_SDK_DISABLED": "true"},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": " None"},
    ],
    ids=["disabled", "no exporter"],
)
def test_the_standard_variables_switch_it_off(variables: dict[str, str], changes: dict[str, str]) -> None:
    variables = variables | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"} | changes
    assert not load(variables).has_telemetry


@pytest.mark.proves("telemetry.off")
def test_what_the_service_does_not_do_is_one_line_each(
    variables: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    variables = variables | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        "OTEL_TRACES_EXPORTER": "console",
        "OTEL_METRICS_EXPORTER": "none",
    }
    assert start_telemetry(load(variables), variables) is None
    assert [record.getMessage().split()[0] for record in caplog.records] == [
        "OTEL_TRACES_EXPORTER",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
    ]
