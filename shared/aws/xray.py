"""X-Ray sections, through Powertools' Tracer; it needs the AWS X-Ray SDK, and is off by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools import Tracer

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class XRay:
    """Marks sections of the work in the trace that the invocation belongs to."""

    def __init__(self, service: str) -> None:
        # Nothing is patched: what libraries would tell of a request holds its URL.
        self._tracer = Tracer(service=service, auto_patch=False)

    def section(self, name: str) -> AbstractContextManager[object]:
        """Mark a section."""
        section: AbstractContextManager[object] = self._tracer.provider.in_subsegment(name=name)
        return section
