"""Measures the import and the first answer of one Lambda function in its own process.

`python bench/cold.py ROUTE EVENT` prints both times as JSON; without arguments it only imports fastapi. The route's
module is imported from PYTHONPATH: from the layer and the function that `make build` built, or from the checkout.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from types import SimpleNamespace

_INVOCATION_SECONDS = 30


def main() -> None:
    """Measure from the first line of this module."""
    began = time.perf_counter()
    if len(sys.argv) == 1:
        importlib.import_module("fastapi")
        print(json.dumps({"import": time.perf_counter() - began} | _costs()))
        return
    route, event = sys.argv[1:]
    module = importlib.import_module(f"functions.{route}")
    imported = time.perf_counter()
    costs = _costs()
    answer = module.handler(json.loads(Path(event).read_text()), _context())
    answered = time.perf_counter()
    print(json.dumps({"import": imported - began, "answer": answered - began, "status": answer["statusCode"]} | costs))


def _costs() -> dict[str, float]:
    """Return the CPU seconds of the process so far, and the number of its modules."""
    return {"cpu": time.process_time(), "modules": len(sys.modules)}


def _context() -> SimpleNamespace:
    ends_at = time.time() + _INVOCATION_SECONDS
    return SimpleNamespace(
        aws_request_id="cold",
        invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:cold",
        get_remaining_time_in_millis=lambda: int((ends_at - time.time()) * 1000),
    )


if __name__ == "__main__":
    main()
