"""The command line, run as processes."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx2
import jwt
import pytest

from local.data_lock import locked
from tests.support.client import Client
from tests.support.command_line import PROGRAM, SECONDS, answered, processes_of, run, serving, variables_of
from tests.support.database import Database, new_graph_name
from tests.support.lambda_functions import free_port
from tests.support.service import JWT_SECRET

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.proves("commands.help")
def test_the_help_names_every_command(tmp_path: Path) -> None:
    helped = run(tmp_path, "--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    words = "serve chat eval lambda token setup check --host --port --data-dir POSTGRES_URL ANTHROPIC_API_KEY"
    for word in words.split():
        assert word in helped.stdout
    assert "--user" in run(tmp_path, "token", "--help").stdout


@pytest.mark.proves("commands.token")
def test_a_token_is_printed_and_nothing_else(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first = run(tmp_path, "token", "--data-dir", str(data))
    assert (first.returncode, first.stderr) == (0, "")
    secret = (data / "jwt_secret").read_text()
    assert (data / "jwt_secret").stat().st_mode & 0o777 == 0o600
    claims = jwt.decode(first.stdout.removesuffix("\n"), secret, algorithms=["HS256"])
    assert (claims["sub"], claims["type"]) == ("developer@example.com", "access")
    other = run(tmp_path, "token", "--user", "viewer@example.com", IMBI_AUTH_JWT_SECRET=JWT_SECRET)
    assert jwt.decode(other.stdout.strip(), JWT_SECRET, algorithms=["HS256"])["sub"] == "viewer@example.com"
    assert (data / "jwt_secret").read_text() == secret


@pytest.mark.proves("commands.token", "settings.required-outside-development")
def test_outside_development_there_are_no_tokens(tmp_path: Path) -> None:
    refused = run(tmp_path, "token", ENVIRONMENT="production", IMBI_AUTH_JWT_SECRET=JWT_SECRET)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.count("\n") == 1
    assert "ENVIRONMENT" in refused.stderr


@pytest.mark.proves("settings.required-outside-development", "settings.refused")
def test_outside_development_nothing_is_embedded(tmp_path: Path) -> None:
    data = tmp_path / "data"
    refused = run(tmp_path, "serve", "--port", "0", "--data-dir", str(data), ENVIRONMENT="production", LOG_LEVEL="LOUD")
    assert refused.returncode == 2
    said = refused.stderr.splitlines()[1:]
    assert [line.split(" ")[0].rstrip(":") for line in said] == ["POSTGRES_URL", "IMBI_AUTH_JWT_SECRET", "LOG_LEVEL"]
    assert not data.exists()


@pytest.mark.proves("commands.setup", "graph.set-up")
@pytest.mark.parametrize("variables", [{}, {"ENVIRONMENT": "production"}], ids=["development", "production"])
async def test_setup_reports_what_it_does_and_may_be_repeated(
    tmp_path: Path, database: Database, variables: dict[str, str]
) -> None:
    graph = Database(database.dsn, new_graph_name())
    given = {"POSTGRES_URL": graph.dsn, "POSTGRES_GRAPH_NAME": graph.graph_name} | variables
    try:
        first = await asyncio.to_thread(run, tmp_path, "setup", "--create", **given)
        assert (first.returncode, first.stdout) == (0, "")
        assert f"created graph {graph.graph_name}" in first.stderr.splitlines()
        again = await asyncio.to_thread(run, tmp_path, "setup", **given)
        assert (again.returncode, again.stderr) == (0, f"The graph {graph.graph_name} is complete.\n")
    finally:
        await graph.drop()


@pytest.mark.proves("commands.setup")
def test_without_a_database_nothing_is_set_up(tmp_path: Path) -> None:
    missing = run(tmp_path, "setup")
    assert (missing.returncode, missing.stderr) == (2, "POSTGRES_URL is not set.\n")
    unreachable = run(tmp_path, "setup", POSTGRES_URL="postgresql://nobody@127.0.0.1:1/none")
    assert unreachable.returncode == 1
    assert unreachable.stderr.count("\n") == 1


@pytest.mark.proves("commands.serve")
def test_a_port_in_use_is_reported_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = run(tmp_path, "--port", str(port), "--data-dir", str(tmp_path / "data"))
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert f"127.0.0.1:{port}" in refused.stderr
    assert "--port" in refused.stderr


@pytest.mark.proves("commands.serve")
async def test_a_data_directory_in_use_is_reported_in_one_line(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with locked(data):
        refused = await asyncio.to_thread(run, tmp_path, "serve", "--port", "0", "--data-dir", str(data))
    assert refused.returncode == 1
    [_version, line] = refused.stderr.splitlines()
    assert str(data) in line
    assert "in use" in line


@pytest.mark.slow
@pytest.mark.proves("commands.serve", "commands.signals", "conversations.survive-restart")
async def test_a_first_run_needs_nothing_and_leaves_no_process(tmp_path: Path) -> None:
    """Everything is embedded: a question is answered from the demo API's data; after a restart it is still there."""
    data, conversation = tmp_path / "data", ""
    for number, stopped_by in enumerate((signal.SIGINT, signal.SIGTERM)):
        async with serving(tmp_path, LOG_FORMAT="text") as (process, url, said):
            assert {"Database", "Model", "Imbi", "Serving"} <= {line.split(" ")[0] for line in said}
            for name in ("POSTGRES_URL", "ANTHROPIC_API_KEY", "IMBI_INTERNAL_API_URL"):
                assert any(name in line for line in said)
            async with asyncio.timeout(SECONDS):
                while not await answered(url):
                    pass
            token = (await asyncio.to_thread(run, tmp_path, "token", "--data-dir", str(data))).stdout.strip()
            async with Client(url, token) as client:
                if not number:
                    conversation = await client.begin()
                    answer = await client.ask(conversation, "Which teams are there?")
                    assert answer.of("tool_result")
                    assert "Platform Engineering" in answer.text
                    assert answer.done
                assert len(await client.messages(conversation)) >= 4
            process.send_signal(stopped_by)
            async with asyncio.timeout(SECONDS):
                assert await process.wait() == 0
    async with asyncio.timeout(SECONDS):
        while await asyncio.to_thread(processes_of, data):
            pass


async def text_of(http: httpx2.AsyncClient, address: str) -> str:
    return (await http.get(f"{address}/metrics")).text


@pytest.mark.proves("commands.serve", "commands.signals", "container.workers", "telemetry.prometheus-service")
@pytest.mark.parametrize("place", ["service", pytest.param("address", marks=pytest.mark.slow)])
async def test_workers_serve_from_any_folder_and_stop_with_their_parent(
    tmp_path: Path, database: Database, place: str
) -> None:
    """The metrics are those of all workers, whichever of them is asked."""
    (tmp_path / "cli.py").write_text("raise SystemExit('the wrong module')")
    variables = {
        "ENVIRONMENT": "production",
        "POSTGRES_URL": database.dsn,
        "POSTGRES_GRAPH_NAME": database.graph_name,
        "IMBI_AUTH_JWT_SECRET": JWT_SECRET,
        "IMBI_INTERNAL_API_URL": "http://127.0.0.1:1",
        "LOG_FORMAT": "json",
        "IMBI_ASSISTANT_METRICS_ADDRESS": place if place == "service" else f"127.0.0.1:{free_port()}",
    }
    async with serving(tmp_path, "--workers", "2", **variables) as (process, url, said):
        async with asyncio.timeout(SECONDS), httpx2.AsyncClient() as http:
            while not await answered(url):
                pass
            address = url if place == "service" else f"http://{variables['IMBI_ASSISTANT_METRICS_ADDRESS']}"
            while 'up{worker="0"} 1.0\nimbi_assistant_worker_up{worker="1"} 1.0' not in await text_of(http, address):
                pass
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(SECONDS):
            assert await process.wait() == 0
    assert not await answered(url)
    assert all(json.loads(line) for line in said)


@pytest.mark.proves("commands.serve")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--port", "70000"], "'70000' is not a port number"),
        (["serve", "--workers", "0"], "'0' is not a number of processes"),
        (["serve", "--workers", "2"], "--workers needs ENVIRONMENT=production"),
        (["nonsense"], "invalid choice: 'nonsense'"),
    ],
)
def test_wrong_usage_is_explained(tmp_path: Path, arguments: list[str], expected: str) -> None:
    refused = run(tmp_path, *arguments)
    assert refused.returncode == 2
    assert expected in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.proves("commands.token")
def test_a_data_directory_that_cannot_be_used_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = run(tmp_path, "token", "--data-dir", str(tmp_path / "file" / "data"))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("Cannot use the data directory")
    assert refused.stderr.count("\n") == 1


PLAIN_ROUTES = """
import sys
from functions import create_conversation, delete_conversation, get_conversation, list_conversations, send_message
from functions import status, update_conversation
from shared.http.app import create_app
from shared.settings import load
settings = load({"POSTGRES_URL": "postgresql://x", "IMBI_AUTH_JWT_SECRET": "x" * 32})
create_app(settings, *(each.router for each in (create_conversation, delete_conversation, get_conversation,
    list_conversations, send_message, status, update_conversation)))
print(*sorted({"anthropic", "fastmcp", "mcp", "mangum"} & sys.modules.keys()))
"""


@pytest.mark.proves("commands.light-imports")
def test_routes_do_not_import_modules_that_only_answers_need() -> None:
    told = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", PLAIN_ROUTES],
        cwd=PROGRAM.parent,
        env=variables_of(),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    assert told.stdout.strip() == ""
