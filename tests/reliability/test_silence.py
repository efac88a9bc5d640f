"""A stream is never silent for long, whatever the service waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.http.frame_stream import SILENCE_SECONDS
from tests.support.aftermath import goes_on
from tests.support.background import served
from tests.support.faulty_api import faulty_api
from tests.support.model_server import reply, text, tool

if TYPE_CHECKING:
    from tests.conftest import StartService
    from tests.support.model_server import ModelServer

pytestmark = pytest.mark.slow


@pytest.mark.proves("stream.ping", "stop.anywhere")
async def test_a_comment_comes_while_a_tool_runs(start_service: StartService, model_server: ModelServer) -> None:
    assert SILENCE_SECONDS < 10
    with served(faulty_api()) as url:
        async with start_service(IMBI_INTERNAL_API_URL=url).client() as client:
            conversation = await client.begin()
            model_server.script(reply(text("Let me see."), tool("hang")))
            async with client.stream(conversation, "Hi") as stream:
                await stream.until("tool_executing")
                assert await stream.comment() == ": ping"
            await goes_on(client, conversation, model_server)
