"""What is missing in a developer's environment, embedded: the database, the model, the Imbi API, the secret."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from local.demo_api import create_demo_api
from local.demo_model import create_demo_model
from local.embedded import embedded_database
from local.mcp_servers.key import kept_encryption_key
from local.mcp_servers.serving import demo_mcp_servers
from local.seed import register_mcp_servers, seed
from local.tokens import kept_secret
from shared.graph.connector import connect
from shared.graph.schema import set_up
from shared.http.server import running
from shared.settings import DEFAULT_GRAPH_NAME

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

_KEY_FOR_OTHERS = "development"
"""A key for a server that is named by ANTHROPIC_BASE_URL alone."""


@asynccontextmanager
async def completed(
    variables: Mapping[str, str], data_dir: Path, report: Callable[[str], None]
) -> AsyncIterator[dict[str, str]]:
    """Give the variables with everything that was missing, embedded for as long as the context lasts.

    Raises:
        EmbeddedDatabaseError: the embedded database cannot be used.
    """
    whole = dict(variables)
    whole.setdefault("IMBI_AUTH_JWT_SECRET", kept_secret(data_dir))
    async with AsyncExitStack() as stack:
        whole.setdefault("IMBI_CONFIG_ENCRYPTION_KEY", kept_encryption_key(data_dir))
        await _complete_database(whole, data_dir, report, stack)
        await _complete_model(whole, report, stack)
        await _complete_api(whole, report, stack)
        yield whole


async def _complete_database(
    whole: dict[str, str], data_dir: Path, report: Callable[[str], None], stack: AsyncExitStack
) -> None:
    if "POSTGRES_URL" in whole:
        report("Database  PostgreSQL of POSTGRES_URL")
        return
    dsn = await stack.enter_async_context(embedded_database(data_dir, report=report))
    graph_name = whole.get("POSTGRES_GRAPH_NAME", DEFAULT_GRAPH_NAME)
    await set_up(dsn, graph_name)
    servers = await stack.enter_async_context(demo_mcp_servers(whole["IMBI_CONFIG_ENCRYPTION_KEY"]))
    async with await connect(dsn) as connection:
        await seed(connection, graph_name)
        await register_mcp_servers(connection, graph_name, servers)
    whole["POSTGRES_URL"] = dsn
    report(f"Database  embedded PostgreSQL with Apache AGE, kept in {data_dir} (POSTGRES_URL names another)")
    report("MCP       two demo servers, on call and cloud costs (MCPServer nodes of the graph name others)")


async def _complete_model(whole: dict[str, str], report: Callable[[str], None], stack: AsyncExitStack) -> None:
    if "ANTHROPIC_API_KEY" in whole:
        report(f"Model     {whole.get('ANTHROPIC_BASE_URL', 'Anthropic')}, with ANTHROPIC_API_KEY")
    elif "ANTHROPIC_BASE_URL" in whole:
        whole["ANTHROPIC_API_KEY"] = _KEY_FOR_OTHERS
        report(f"Model     {whole['ANTHROPIC_BASE_URL']} (ANTHROPIC_BASE_URL)")
    else:
        whole["ANTHROPIC_BASE_URL"] = await stack.enter_async_context(running(create_demo_model()))
        whole["ANTHROPIC_API_KEY"] = _KEY_FOR_OTHERS
        report("Model     demo model, which is no language model (ANTHROPIC_API_KEY brings Claude)")


async def _complete_api(whole: dict[str, str], report: Callable[[str], None], stack: AsyncExitStack) -> None:
    if "IMBI_INTERNAL_API_URL" in whole:
        report(f"Imbi API  {whole['IMBI_INTERNAL_API_URL']} (IMBI_INTERNAL_API_URL)")
        return
    url = await stack.enter_async_context(running(create_demo_api(whole["IMBI_AUTH_JWT_SECRET"])))
    whole["IMBI_INTERNAL_API_URL"] = url
    if "IMBI_UI_URL" not in whole:
        whole.setdefault("IMBI_INTERNAL_UI_URL", url)
    report(f"Imbi API  demo API at {url} (IMBI_INTERNAL_API_URL names another)")
