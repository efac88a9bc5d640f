"""The entry point of functions that stream: `python -m shared.aws.streaming` replaces Lambda's own runtime."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, cast

from shared.aws.runtime_loop import serve
from shared.aws.snapshot import prepare
from shared.observability import logs
from shared.settings import TRACE_VARIABLE, environment, has_model, publish

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.aws.application import LambdaApplication
    from shared.aws.lambda_handler import LambdaHandler
    from shared.aws.runtime_loop import LambdaContext


def main() -> int:
    """Serve the handler that the function is configured with, and return the process's exit status."""
    variables = environment()
    concurrency = max(int(variables.get("AWS_LAMBDA_MAX_CONCURRENCY", "1")), 1)
    is_snap_start = variables.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"
    return asyncio.run(
        serve(
            lambda: _application(variables),
            variables["AWS_LAMBDA_RUNTIME_API"],
            before_snapshot=partial(prepare, variables) if is_snap_start else None,
            on_invocation=partial(_bind_trace, is_alone=concurrency == 1),
            concurrency=concurrency,
        )
    )


def _application(variables: Mapping[str, str]) -> LambdaApplication:
    """Import the handler with everything that its answers need, so that a SnapStart snapshot contains all modules."""
    module, _, name = variables["_HANDLER"].rpartition(".")
    handler = cast("LambdaHandler", getattr(import_module(module), name))
    if has_model(variables):
        import_module("shared.chat.assembly")
    return handler.application()


def _bind_trace(context: LambdaContext, *, is_alone: bool) -> None:
    logs.bind_invocation(context.trace_id)
    # The variable would name the trace of another request if several are handled at a time.
    if is_alone:
        publish(TRACE_VARIABLE, context.trace_id)


if __name__ == "__main__":
    sys.exit(main())
