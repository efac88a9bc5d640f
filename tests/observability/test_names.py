"""The names of metrics and attributes, compared with OpenTelemetry's conventions and with CloudWatch's names."""

from __future__ import annotations

from importlib import import_module

import pytest

from shared.observability import semantics
from shared.observability.measurements import MEASUREMENTS

PUBLISHED = (
    "attributes.error_attributes",
    "attributes.server_attributes",
    "_incubating.attributes.db_attributes",
    "_incubating.attributes.gen_ai_attributes",
    "_incubating.metrics.db_metrics",
    "_incubating.metrics.gen_ai_metrics",
)
NEWER = {semantics.EXECUTE_TOOL_DURATION}
"""Names of the conventions that the installed package does not know yet."""


@pytest.mark.proves("telemetry.names")
def test_the_names_are_those_of_the_conventions() -> None:
    modules = (import_module(f"opentelemetry.semconv.{name}") for name in PUBLISHED)
    published = {value for module in modules for value in vars(module).values() if isinstance(value, str)}
    ours = {value for name, value in vars(semantics).items() if name.isupper()}
    assert ours - NEWER <= published
    assert len(ours) > 25


@pytest.mark.proves("telemetry.names")
def test_cloudwatch_has_the_same_names_in_its_own_style() -> None:
    assert [each.cloudwatch_name for each in MEASUREMENTS] == [
        "TimeToFirstEvent",
        "Duration",
        "Answers",
        "Failures",
        "Rounds",
        "ToolCalls",
        "ToolErrors",
        "InputTokens",
        "OutputTokens",
        "CacheReadTokens",
        "CacheWriteTokens",
    ]
