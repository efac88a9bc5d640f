"""Tracing with AWS X-Ray through Powertools' Tracer, which needs the package aws-xray-sdk; it is off by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools import Tracer

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class XRay:
    """A Tracer that records sections as subsegments of the invocation's trace."""

    def __init__(self, service: str) -> None:
        # No library is patched: its subsegments would contain the URLs of requests.
        self._tracer = Tracer(service=service, auto_patch=False)

    def section(self, name: str) -> AbstractContextManager[object]:
        """Return a context manager that records a subsegment."""
        section: AbstractContextManager[object] = self._tracer.provider.in_subsegment(name=name)
        return section
