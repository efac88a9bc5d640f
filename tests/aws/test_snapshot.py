"""A function that is restored from a snapshot imports nothing more, and its answers are those of any other."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.lambda_chat import answer_of, question
from tests.support.lambda_functions import ROOT, Process, measured
from tests.support.model_server import reply, text, tool
from tests.support.runtime_api import SECONDS, runtime_api

if TYPE_CHECKING:
    from tests.conftest import NewClient
    from tests.support.model_server import ModelServer

IMPORT = "import time:"
COMMAND = [sys.executable, "-X", "importtime", "-m", "shared.aws.streaming"]


def imports(output: str) -> list[str]:
    """Return the modules that were imported, by the lines of `-X importtime`."""
    return [line.rpartition("|")[2].strip() for line in output.splitlines() if line.startswith(IMPORT)]


@pytest.mark.slow
@pytest.mark.proves("streaming.snapstart", "snapshot.no-imports")
async def test_a_restored_function_imports_nothing(
    function_variables: dict[str, str], new_client: NewClient, model_server: ModelServer
) -> None:
    client = await new_client()
    model_server.script(
        reply(text("Let me look."), tool("list_projects", {"org_slug": "fernwood"})),
        reply(text("There are some.")),
        reply(text("Hello again.")),
    )
    variables = measured() | function_variables
    variables |= {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start", "_HANDLER": "functions.send_message.handler"}
    conversation_id = await client.begin()
    async with runtime_api() as api:
        variables["AWS_LAMBDA_RUNTIME_API"] = api.address
        with Process(COMMAND, variables, ROOT) as process:
            async with asyncio.timeout(SECONDS):
                await api.asked_to_restore.wait()
            before = imports(process.output)
            api.may_restore.set()
            first = await api.invoke(question(client, conversation_id, "Which projects?")).end()
            second = await api.invoke(question(client, conversation_id, "And now?")).end()
            after = imports(process.output)[len(before) :]
    assert answer_of(first).text.endswith("There are some.")
    assert answer_of(second).text == "Hello again."
    assert {"fastmcp", "mcp", "shared.chat.rehearsal"} <= set(before)
    assert after == []
