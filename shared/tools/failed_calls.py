"""The failures of calls as results for the model, and whether a failed call may have taken effect."""

from __future__ import annotations

import logging

from shared.domain.errors import GraphError, OutcomeUnknown, ToolError
from shared.domain.ports import ToolOutput

log = logging.getLogger(__name__)

_LATE = "The tool did not answer within {:g} seconds."
_NOT_SENT = "The call was not sent, because its answer has lost the conversation."


def failed(name: str, error: Exception, timeout: float) -> tuple[ToolOutput, bool]:
    """Return the output of a failed call, and whether the call may have taken effect although no answer came."""
    if isinstance(error, ToolError):
        return ToolOutput(str(error), is_error=True, code=error.code), isinstance(error, OutcomeUnknown)
    if isinstance(error, GraphError):
        return ToolOutput(_NOT_SENT, is_error=True, code="not_sent"), False
    if isinstance(error, TimeoutError):
        return ToolOutput(_LATE.format(timeout), is_error=True, code="timeout"), True
    log.error("the tool %s failed unexpectedly", name, exc_info=error)
    return ToolOutput("The tool failed unexpectedly.", is_error=True, code="unexpected"), True
