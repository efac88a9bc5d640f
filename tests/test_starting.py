"""Starts with what cannot work: one line that names the variable, and nothing is made."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from shared.graph.connector import connect
from shared.graph.inspection import has_graph
from tests.support.command_line import SECONDS, answered, run, serving
from tests.support.database import Database, new_graph_name
from tests.support.service import JWT_SECRET

if TYPE_CHECKING:
    from pathlib import Path

PRODUCTION = {"ENVIRONMENT": "production", "IMBI_AUTH_JWT_SECRET": JWT_SECRET, "LOG_FORMAT": "text"}


@pytest.mark.proves("commands.setup", "graph.set-up")
@pytest.mark.parametrize("command", ["setup", "serve"])
async def test_a_graph_that_is_not_there_is_never_made_by_accident(
    tmp_path: Path, database: Database, command: str
) -> None:
    graph = Database(database.dsn, new_graph_name())
    given = PRODUCTION | {"POSTGRES_URL": graph.dsn, "POSTGRES_GRAPH_NAME": graph.graph_name}
    options = ("--port", "0") if command == "serve" else ()
    refused = await asyncio.to_thread(run, tmp_path, command, *options, **given)
    *_, line = refused.stderr.splitlines()
    assert (refused.returncode, refused.stdout) == (1, "")
    assert line.startswith(f"POSTGRES_GRAPH_NAME: the database of POSTGRES_URL has no graph {graph.graph_name}")
    assert "--create" in line
    assert "Traceback" not in refused.stderr
    async with await connect(database.dsn) as connection:
        assert not await has_graph(connection, graph.graph_name)


@pytest.mark.proves("settings.refused")
@pytest.mark.parametrize(
    ("variables", "variable"),
    [
        ({"POSTGRES_URL": "postgresql://u@127.0.0.1:1/x?nonsense=1"}, "POSTGRES_URL"),
        ({"POSTGRES_URL": "host=db hunter2"}, "POSTGRES_URL"),
        ({"POSTGRES_URL": "mysql://u:hunter2@db/x"}, "POSTGRES_URL"),
        ({"POSTGRES_URL": "postgresql://db/x", "POSTGRES_MIN_POOL_SIZE": "50"}, "POSTGRES_MAX_POOL_SIZE"),
        ({"POSTGRES_URL": "postgresql://db/x", "SENTRY_DSN": "hunter2"}, "SENTRY_DSN"),
        ({"POSTGRES_URL": "postgresql://db/x", "LOG_FORMAT": "yaml"}, "LOG_FORMAT"),
    ],
    ids=["a parameter", "no pairs", "another database", "the pool", "sentry", "the format"],
)
def test_what_cannot_work_is_told_in_one_line(tmp_path: Path, variables: dict[str, str], variable: str) -> None:
    refused = run(tmp_path, "serve", "--port", "0", **(PRODUCTION | variables))
    assert refused.returncode in {1, 2}
    *_, line = refused.stderr.splitlines()
    assert line.startswith(f"{variable}: ")
    assert "hunter2" not in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.proves("settings.unknown", "availability.forced", "telemetry.lines")
async def test_what_is_probably_a_mistake_is_told_at_the_start(tmp_path: Path, database: Database) -> None:
    given = PRODUCTION | {
        "POSTGRES_URL": database.dsn,
        "POSTGRES_GRAPH_NAME": database.graph_name,
        "IMBI_ASSISTANT_MODLE": "x",
        "LOG_FORMAT": "json",
    }
    async with serving(tmp_path, **given) as (process, url, said):
        async with asyncio.timeout(SECONDS):
            while not await answered(url):
                pass
            process.terminate()
            await process.wait()
    lines = [json.loads(line) for line in said]
    assert {"uvicorn.error", "local_server"} <= {line["name"] for line in lines}
    warnings = [line["message"] for line in lines if line["level"] == "WARNING"]
    assert warnings == [
        "IMBI_ASSISTANT_MODLE is unknown and has no effect. Did you mean IMBI_ASSISTANT_MODEL?",
        "The assistant is switched off, because ANTHROPIC_API_KEY is not set. It answers no questions.",
    ]
