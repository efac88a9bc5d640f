"""The function of a schedule: it deletes what is older than the retention settings allow. It serves no route."""

from __future__ import annotations

from shared.aws.scheduled_job import ScheduledJob
from shared.checks.retention import apply_retention

handler = ScheduledJob(apply_retention)
