"""The command `imbi-assistant lambda`, run from the checkout as a user runs it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.aftermath import goes_on, until
from tests.support.client import Client
from tests.support.command_line import SECONDS, answered, processes_of, run, serving
from tests.support.model_server import reply, text, wait
from tests.support.service import DEVELOPER, token_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.support.database import Database
    from tests.support.model_server import ModelServer

OTHERWISE = ("--payload", "1.0", "--snap-start", "--concurrency", "4")
FUNCTIONS = ("python_runtime.py", "shared.aws.streaming")

pytestmark = pytest.mark.slow


def children_of(pid: int) -> Sequence[int]:
    """Return the processes of functions that another process has started."""
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True)  # noqa: S607  # the ps that is there
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return [
        int(child) for child, parent, args in rows if int(parent) == pid and any(each in args for each in FUNCTIONS)
    ]


def runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.timeout(180)
@pytest.mark.proves("lambda-local.functions", "lambda-local.stopped")
@pytest.mark.parametrize(
    "options", [(), ("--payload", "1.0", "--snap-start", "--concurrency", "4")], ids=["url", "rest"]
)
async def test_functions_answer_on_embedded_parts_and_ctrl_c_ends_answers_and_leaves_no_process(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    data = tmp_path / "data"
    async with serving(tmp_path, *options, command="lambda", LOG_FORMAT="text") as (process, url, said):
        assert any("Functions" in line for line in said)
        token = (await asyncio.to_thread(run, tmp_path, "token", "--data-dir", str(data))).stdout.strip()
        assert await answered(url)
        async with Client(url, token) as client:
            conversation = await client.begin()
            answer = await client.ask(conversation, "Which teams are there?")
            assert answer.of("tool_result")
            assert "Platform Engineering" in answer.text
            assert answer.done
            assert [each["id"] for each in (await client.http.get("/conversations")).json()] == [conversation]
            assert len(await client.messages(conversation)) >= 4
            exported = await client.http.get(f"/conversations/{conversation}/export", params={"format": "json"})
            assert exported.json()["messages"]
            assert (await client.http.head("/status")).status_code == 200
            assert (await client.http.get("/nothing")).status_code == 404
            started = children_of(process.pid)
            assert len(started) >= 5
            async with client.stream(conversation, "Which projects are written in Python?") as stream:
                await stream.until("text")
                process.send_signal(signal.SIGINT)
                assert (await stream.rest()).error["retryable"]
        async with asyncio.timeout(SECONDS):
            assert await process.wait() == 0
    await until(lambda: not any(map(runs, started)), SECONDS)
    await until(lambda: not processes_of(data), SECONDS)


@pytest.mark.timeout(120)
@pytest.mark.proves("lambda-local.streamed", "lambda-local.killed", "lambda-local.stopped")
async def test_an_answer_arrives_in_pieces_and_a_killed_environment_frees_its_conversation(
    tmp_path: Path, variables: dict[str, str], model_server: ModelServer, database: Database
) -> None:
    await database.prepare()
    async with serving(tmp_path, command="lambda", **variables) as (process, url, _):
        async with Client(url, token_of(DEVELOPER), DEVELOPER) as client:
            conversation = await client.begin()
            gate = model_server.gate()
            model_server.script(reply(text("Hel", wait(gate), "lo")))
            async with client.stream(conversation, "Hi") as stream:
                assert (await stream.until("text")).data == {"text": "Hel"}
                gate.open()
                assert (await stream.rest()).done
            before = set(children_of(process.pid))
            gate = model_server.gate()
            model_server.script(reply(text("Hel", wait(gate), "lo")))
            async with client.stream(conversation, "And?") as stream:
                await stream.until("text")
                # Only the environment of the answer is running; the others are frozen.
                for pid in before:
                    os.kill(pid, signal.SIGKILL)
                with pytest.raises(Exception, match=r"peer closed|incomplete"):
                    await stream.rest()
            gate.open()
            await goes_on(client, conversation, model_server)
            left = children_of(process.pid)
        process.kill()
        await process.wait()
    await until(lambda: not any(map(runs, left)), SECONDS)
