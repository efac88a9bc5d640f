"""Metrics of answers in CloudWatch's embedded metric format: CloudWatch extracts them from a log line.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

if TYPE_CHECKING:
    from shared.observability.metrics import AnswerReport

NAMESPACE = "ImbiAssistant"


class CloudWatchMetrics:
    """A Sink that writes each report to stdout, one line for each answer."""

    def __init__(self, service: str, environment: str) -> None:
        self._service = service
        self._environment = environment

    def record_answer(self, report: AnswerReport) -> None:
        """Write the metrics of one answer."""
        metrics = EphemeralMetrics(namespace=NAMESPACE, service=self._service)
        metrics.add_dimension("environment", self._environment)
        if report.first_event_ms is not None:
            metrics.add_metric("TimeToFirstEvent", MetricUnit.Milliseconds, report.first_event_ms)
        metrics.add_metric("Duration", MetricUnit.Milliseconds, report.duration_ms)
        usage = report.usage
        for name, count in (
            ("Answers", 1),
            ("Failures", int(report.is_failure)),
            ("Rounds", report.rounds),
            ("ToolCalls", report.tool_calls),
            ("ToolErrors", report.tool_errors),
            ("InputTokens", usage.input_tokens),
            ("OutputTokens", usage.output_tokens),
            ("CacheReadTokens", usage.cache_read_input_tokens),
            ("CacheWriteTokens", usage.cache_creation_input_tokens),
        ):
            metrics.add_metric(name, MetricUnit.Count, count)
        metrics.add_metadata("outcome", report.outcome)
        metrics.flush_metrics()
