"""The slow libraries are imported only where they are used, and once, in one thread, so that no tool is missing."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.background import served
from tests.support.imbi_api import ADMIN, ImbiApi
from tests.support.mcp_hosts import scripted, tool

ROOT = Path(__file__).parent.parent.parent
SLOW = frozenset({"anthropic", "fastmcp", "mcp", "boto3", "botocore", "uvicorn", "rich", "pygments", "mangum"})
MOST_MODULES = 1100
"""The chat service needs some 880; the SDK alone had 2,900."""
PROCESSES = 20
AT_ONCE = 4

pytestmark = pytest.mark.anyio


async def first_load(free: asyncio.Semaphore, api_url: str, mcp_url: str) -> list[str]:
    """Give the tools that a new process finds."""
    async with free:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.support.first_load",
            api_url,
            mcp_url,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    names: list[str] = json.loads(out)
    return names


def test_the_chat_service_is_assembled_without_the_slow_libraries() -> None:
    code = "import json, sys, functions.send_message, shared.chat.assembly; print(json.dumps([*sys.modules]))"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603  # our own interpreter and modules
    modules = json.loads(run.stdout.splitlines()[-1])
    assert not SLOW & set(modules)
    assert len(modules) <= MOST_MODULES


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_no_first_load_lacks_a_tool() -> None:
    api = ImbiApi()
    async with scripted([tool("add"), tool("subtract")]) as host:
        with served(api.app) as api_url:
            toolset = api.toolset()
            await toolset.ensure_loaded()
            expected = {definition.name for definition in toolset.definitions(ADMIN.principal)}
            expected |= {"mcp_calc_add", "mcp_calc_subtract"}
            await toolset.aclose()
            free = asyncio.Semaphore(AT_ONCE)
            loads = await asyncio.gather(*(first_load(free, api_url, host.url) for _ in range(PROCESSES)))
    lacking = [sorted(expected - set(names)) for names in loads if set(names) != expected]
    assert not lacking, f"{len(lacking)} of {PROCESSES} processes lack tools: {lacking}"
