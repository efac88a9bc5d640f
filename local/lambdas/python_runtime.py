"""Lambda's own Python runtime in short: it calls a handler, event by event, and returns each response as a whole.

It is run as a script in a process of its own, with the variables that Lambda sets, and uses only the standard library.
https://docs.aws.amazon.com/lambda/latest/dg/runtimes-custom.html
"""

from __future__ import annotations

import http.client
import importlib
import json
import os
import sys
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message

_RUNTIME = "/2018-06-01/runtime"
_OK = 200


@dataclass(frozen=True, slots=True)
class Context:
    """Lambda's context object.

    https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
    """

    aws_request_id: str
    invoked_function_arn: str
    deadline: float
    function_name: str
    memory_limit_in_mb: str
    function_version: str = "$LATEST"

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the invocation times out."""
        return max(int((self.deadline - time.time()) * 1000), 0)


def main() -> int:
    """Handle invocations until the Runtime API is gone; return 1 if the handler cannot be imported."""
    try:
        module, _, name = os.environ["_HANDLER"].rpartition(".")
        handler = getattr(importlib.import_module(module), name)
        if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
            _request("GET", "/restore/next")
    except Exception as error:  # noqa: BLE001  # whatever the module raises
        _report("/init/error", error)
        return 1
    while True:
        status, headers, body = _request("GET", "/invocation/next")
        if status != _OK:
            return 1
        _handle(handler, headers, body)


def _handle(handler: Callable[[Any, Context], Any], headers: Message, body: bytes) -> None:
    id_ = str(headers["Lambda-Runtime-Aws-Request-Id"])
    os.environ["_X_AMZN_TRACE_ID"] = str(headers["Lambda-Runtime-Trace-Id"])
    context = Context(
        aws_request_id=id_,
        invoked_function_arn=str(headers["Lambda-Runtime-Invoked-Function-Arn"]),
        deadline=int(str(headers["Lambda-Runtime-Deadline-Ms"])) / 1000,
        function_name=os.environ["AWS_LAMBDA_FUNCTION_NAME"],
        memory_limit_in_mb=os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
    )
    try:
        answer = json.dumps(handler(json.loads(body), context)).encode()
    except Exception as error:  # noqa: BLE001  # whatever the handler raises
        _report(f"/invocation/{id_}/error", error)
    else:
        _request("POST", f"/invocation/{id_}/response", answer)


def _report(path: str, error: Exception) -> None:
    traceback.print_exception(error)
    kind = type(error).__name__
    report = {"errorMessage": str(error), "errorType": kind, "stackTrace": traceback.format_tb(error.__traceback__)}
    _request("POST", path, json.dumps(report).encode(), {"Lambda-Runtime-Function-Error-Type": f"Runtime.{kind}"})


def _request(
    method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, Message, bytes]:
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        connection.request(method, _RUNTIME + path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read()
    finally:
        connection.close()


if __name__ == "__main__":
    # The folder of this script is no place for imports; the handler's modules are found by PYTHONPATH.
    sys.path.pop(0)
    try:
        sys.exit(main())
    except (OSError, http.client.HTTPException):
        sys.exit(1)
