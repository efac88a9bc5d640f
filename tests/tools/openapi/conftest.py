"""An API in Imbi's ways and its tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.imbi_api import ImbiApi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.tools.openapi.toolset import OpenAPIToolset


@pytest.fixture
def api() -> ImbiApi:
    """Make an API that notes what reaches it."""
    return ImbiApi()


@pytest.fixture
async def tools(api: ImbiApi) -> AsyncIterator[OpenAPIToolset]:
    """Load the tools of the API."""
    toolset = api.toolset(timeout=20.0)
    await toolset.load()
    yield toolset
    await toolset.aclose()
