"""Small functions under the local Lambda service, in a folder of their own; they need only the standard library."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx2

from local.lambdas.environment import Platform
from local.lambdas.environments import Environments
from local.lambdas.front import Front
from local.lambdas.functions import Function
from shared.http.server import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from local.lambdas.http_events import Payload

SECONDS = 60
SOURCE = """\
import json, os, sys, time

def echo(event, context):
    told = {"event": event, "pid": os.getpid(), "seconds": context.get_remaining_time_in_millis() / 1000,
            "variables": {k: v for k, v in os.environ.items() if k.startswith(("IMBI_", "AWS_"))}}
    return {"statusCode": 201, "headers": {"x-made": "here"}, "cookies": ["a=1", "b=2"], "body": json.dumps(told)}

def binary(event, context):
    return {"statusCode": 200, "headers": {}, "body": "AP8=", "isBase64Encoded": True}

def bare(event, context):
    return {"warm": True}

def fail(event, context):
    raise ValueError("a reason")

def leave(event, context):
    os._exit(7)

def sleep(event, context):
    time.sleep(60)

def large(event, context):
    return {"statusCode": 200, "body": "x" * (7 * 1024 * 1024)}
"""


def stub(name: str, seconds: float = 30.0, **variables: str) -> Function:
    """Return a function of the stubs; it is served at `/<name>/{id}`."""
    given = {"IMBI_AUTH_JWT_SECRET": "unused", **variables}
    return Function(name, "POST", f"/{name}/{{id}}", f"stubs.{name}", given, seconds, 512)


@asynccontextmanager
async def serving(
    folder: Path, functions: Sequence[Function], *, limit: int = 4, payload: Payload = "2.0"
) -> AsyncIterator[httpx2.AsyncClient]:
    """Serve functions, and yield a client."""
    (folder / "stubs.py").write_text(SOURCE)
    async with Environments(Platform(code=folder), limit) as environments:
        front = Front(functions, environments, "/assistant", payload)
        async with running(front) as url, httpx2.AsyncClient(base_url=f"{url}/assistant", timeout=SECONDS) as http:
            yield http
