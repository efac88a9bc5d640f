"""Embedded replacements for the services that a developer's environment does not configure, and the chat page."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from local.company.principals import DEVELOPER_EMAIL, USERS
from local.demo_api import create_demo_api
from local.demo_model import create_demo_model
from local.embedded_database import embedded_database
from local.mcp_servers.encryption_key import load_encryption_key
from local.mcp_servers.serving import demo_mcp_servers
from local.node import NodeSetupError, set_up_page
from local.page import page_router
from local.seed import register_mcp_servers, seed
from local.tokens import issue_token, load_secret
from shared.graph.connector import connect
from shared.graph.schema import set_up
from shared.graph.search_backfill import make_findable
from shared.http.server import running
from shared.settings import DEFAULT_GRAPH_NAME
from shared.util.secret_lists import separated_keys, separated_secrets

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from fastapi import APIRouter

    from shared.settings import Settings

_PLACEHOLDER_API_KEY = "development"
"""The demo model, and a server that is named by ANTHROPIC_BASE_URL alone, accept any key."""


def chat_page(settings: Settings) -> APIRouter:
    """Return the routes of the chat page, which lets its user act as any of the development users."""
    secret = settings.jwt_secret.get_secret_value()
    emails = sorted((user.email for user in USERS), key=lambda email: email != DEVELOPER_EMAIL)
    return page_router(lambda email: issue_token(secret, email), emails, settings.route_prefix)


@asynccontextmanager
async def completed(
    variables: Mapping[str, str], data_dir: Path, report: Callable[[str], None]
) -> AsyncIterator[dict[str, str]]:
    """Start an embedded replacement for each service that the variables leave out, and yield the complete variables.

    The replacements stop when the context ends. `report` receives lines for the terminal.

    Raises:
        StartupError: the data directory or the embedded database cannot be used.
    """
    complete = dict(variables)
    complete.setdefault("IMBI_AUTH_JWT_SECRET", load_secret(data_dir))
    complete.setdefault("IMBI_CONFIG_ENCRYPTION_KEY", load_encryption_key(data_dir))
    async with AsyncExitStack() as stack:
        await _complete_database(complete, data_dir, report, stack)
        await _complete_model(complete, report, stack)
        await _complete_api(complete, report, stack)
        await _complete_page(report)
        yield complete


async def _complete_database(
    complete: dict[str, str], data_dir: Path, report: Callable[[str], None], stack: AsyncExitStack
) -> None:
    if "POSTGRES_URL" in complete:
        report("Database  PostgreSQL at POSTGRES_URL")
        return
    dsn = await stack.enter_async_context(embedded_database(data_dir, report=report))
    graph_name = complete.get("POSTGRES_GRAPH_NAME", DEFAULT_GRAPH_NAME)
    await set_up(dsn, graph_name)
    await make_findable(dsn, graph_name)
    servers = await stack.enter_async_context(
        demo_mcp_servers(separated_keys(complete["IMBI_CONFIG_ENCRYPTION_KEY"])[0])
    )
    async with await connect(dsn) as connection:
        await seed(connection, graph_name)
        await register_mcp_servers(connection, graph_name, servers)
    complete["POSTGRES_URL"] = dsn
    report(f"Database  embedded PostgreSQL in {data_dir} (set POSTGRES_URL to use another database)")
    report("MCP       two demo servers: on call, cloud costs")


async def _complete_model(complete: dict[str, str], report: Callable[[str], None], stack: AsyncExitStack) -> None:
    if "ANTHROPIC_API_KEY" in complete:
        report(f"Model     {complete.get('ANTHROPIC_BASE_URL', 'Anthropic')}, with ANTHROPIC_API_KEY")
    elif "ANTHROPIC_BASE_URL" in complete:
        complete["ANTHROPIC_API_KEY"] = _PLACEHOLDER_API_KEY
        report(f"Model     {complete['ANTHROPIC_BASE_URL']} (ANTHROPIC_BASE_URL)")
    else:
        complete["ANTHROPIC_BASE_URL"] = await stack.enter_async_context(running(create_demo_model()))
        complete["ANTHROPIC_API_KEY"] = _PLACEHOLDER_API_KEY
        report("Model     demo model, not a language model (set ANTHROPIC_API_KEY to use Claude)")


async def _complete_api(complete: dict[str, str], report: Callable[[str], None], stack: AsyncExitStack) -> None:
    if "IMBI_INTERNAL_API_URL" in complete:
        report(f"Imbi API  {complete['IMBI_INTERNAL_API_URL']} (IMBI_INTERNAL_API_URL)")
        return
    url = await stack.enter_async_context(
        running(create_demo_api(separated_secrets(complete["IMBI_AUTH_JWT_SECRET"])[0]))
    )
    complete["IMBI_INTERNAL_API_URL"] = url
    if "IMBI_UI_URL" not in complete:
        complete.setdefault("IMBI_INTERNAL_UI_URL", url)
    report(f"Imbi API  demo API at {url} (set IMBI_INTERNAL_API_URL to use another API)")


async def _complete_page(report: Callable[[str], None]) -> None:
    """Install the chat page's libraries. Without them the service works, and the page says what is missing."""
    try:
        await asyncio.to_thread(set_up_page, report)
    except NodeSetupError as error:
        report(f"Page      not available: {error}")
