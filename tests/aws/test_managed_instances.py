"""The chat function as on Lambda Managed Instances: many answers at a time in one process."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.aftermath import goes_on
from tests.support.lambda_chat import answer_of, question
from tests.support.lambda_functions import ROOT, Process, measured
from tests.support.model_server import reply, text, wait
from tests.support.runtime_api import runtime_api

if TYPE_CHECKING:
    from tests.conftest import NewClient
    from tests.support.model_server import ModelServer

MANY = 12
COMMAND = [sys.executable, "-u", "-m", "shared.aws.streaming"]
"""The command of the layer's wrapper."""


@pytest.mark.slow
@pytest.mark.proves("streaming.concurrency", "telemetry.traced-lines")
async def test_one_process_streams_many_answers_at_a_time(
    function_variables: dict[str, str], new_client: NewClient, model_server: ModelServer
) -> None:
    client = await new_client()
    gate = model_server.gate()
    model_server.script(*(reply(text("Hel", wait(gate), "lo.")) for _ in range(MANY)))
    conversations = [await client.begin() for _ in range(MANY)]
    async with runtime_api(concurrency=MANY) as api:
        variables = (
            measured()
            | function_variables
            | {
                "_HANDLER": "functions.send_message.handler",
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "AWS_LAMBDA_MAX_CONCURRENCY": str(MANY),
                "POSTGRES_MAX_POOL_SIZE": "5",
            }
        )
        with Process(COMMAND, variables, ROOT) as process:
            answers = [api.invoke(question(client, each, f"Hi from {each}")) for each in conversations]
            await asyncio.gather(*(answer.until(b'"Hel"') for answer in answers))
            gate.open()
            for answer in answers:
                assert answer_of(await answer.end()).text == "Hello."
            await api.idle()
            written = [json.loads(line) for line in process.output.splitlines() if line.startswith("{")]
    lines = [line for line in written if "request_id" in line]
    assert {(line["request_id"], line["xray_trace_id"]) for line in lines} == {
        (answer.id, answer.trace_id) for answer in answers
    }
    assert len(lines) >= 2 * MANY
    for conversation in conversations:
        asked, _ = await goes_on(client, conversation, model_server)
        assert asked["content"] == f"Hi from {conversation}"
