"""The layer has the packages that the functions need, and none that they never load."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.support.background import served
from tests.support.imbi_api import ADMIN, ImbiApi
from tests.support.layer_only import normalized, of_the_layer
from tests.support.mcp_hosts import scripted, tool

ROOT = Path(__file__).parent.parent.parent
LEFT_OUT = [line for line in (ROOT / "layer" / "not-in-layer.txt").read_text().splitlines() if not line.startswith("#")]


async def run(*arguments: str) -> str:
    """Run a module with the layer's packages only, and return what it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.support.layer_only",
        *arguments,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return out.decode()


@pytest.mark.proves("package.contents")
async def test_every_function_is_imported_with_the_layers_packages_only() -> None:
    imported = json.loads(await run("tests.support.import_functions"))
    assert "functions.send_message" in imported
    assert {file.stem for file in (ROOT / "functions").glob("[a-z]*.py")} == {
        name.split(".")[1] for name in imported if name.startswith("functions.")
    }


@pytest.mark.proves("package.contents")
async def test_tools_are_loaded_with_the_layers_packages_only() -> None:
    api = ImbiApi()
    async with scripted([tool("add")]) as host:
        with served(api.app) as api_url:
            toolset = api.toolset()
            await toolset.ensure_loaded()
            expected = {definition.name for definition in toolset.definitions(ADMIN.principal)} | {"mcp_calc_add"}
            await toolset.aclose()
            loaded = json.loads(await run("tests.support.first_load", api_url, host.url))
    assert set(loaded) == expected


@pytest.mark.proves("package.contents")
def test_the_lock_has_nothing_that_is_left_out() -> None:
    locked = (ROOT / "layer" / "requirements.lock").read_text()
    assert not [name for name in LEFT_OUT if f"\n{name}==" in f"\n{locked}"]
    assert [normalized(name) for name in LEFT_OUT] == LEFT_OUT
    assert "fastapi" in of_the_layer()
