"""Metrics of answers in CloudWatch's embedded metric format: CloudWatch extracts them from a log line.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from shared.observability.measurements import MEASUREMENTS

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
        for each in MEASUREMENTS:
            value = each.read(report)
            if value is not None:
                unit = MetricUnit.Milliseconds if each.unit == "ms" else MetricUnit.Count
                metrics.add_metric(each.cloudwatch_name, unit, value)
        metrics.add_metadata("outcome", report.outcome)
        line = json.dumps(metrics.serialize_metric_set(), separators=(",", ":"))
        # Powertools prints a line and its end apart from each other, and a log line of another thread may come between.
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
