"""The tools of a real Imbi and their arguments, kept so that tests need no document.

    python -m tests.support.imbi_operations ../shared/imbi-openapi.json

writes `tests/data/imbi_operations.json` anew from a document, by way of our own toolset.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from shared.tools.openapi.toolset import OpenAPIToolset
from tests.support.imbi_api import ADMIN

if TYPE_CHECKING:
    from shared.domain.models import JsonObject

ROOT = Path(__file__).parents[2]
KEPT = ROOT / "tests" / "data" / "imbi_operations.json"
DOCUMENT = Path(os.environ.get("IMBI_OPENAPI") or ROOT.parent / "shared" / "imbi-openapi.json")
"""The document of a running Imbi, where the machine has one."""


def operations() -> dict[str, list[str]]:
    """Read the kept tools, each with the names of its arguments."""
    kept: dict[str, list[str]] = json.loads(KEPT.read_text())
    return kept


async def operations_of(document: bytes) -> dict[str, list[str]]:
    """Make tools of a document; return the names of their arguments."""
    transport = httpx2.MockTransport(lambda _request: httpx2.Response(200, content=document))
    toolset = OpenAPIToolset("http://imbi-api:8000", transport=transport)
    await toolset.load()
    found = toolset.definitions(ADMIN.principal)
    await toolset.aclose()
    return {each.name: sorted(_arguments(each.input_schema)) for each in sorted(found, key=lambda each: each.name)}


def _arguments(schema: JsonObject) -> list[str]:
    properties = schema.get("properties")
    return [*properties] if isinstance(properties, dict) else []


def main() -> None:
    """Write the file."""
    document = Path(sys.argv[1]).read_bytes()
    lines = [f"{json.dumps(name)}: {json.dumps(names)}" for name, names in asyncio.run(operations_of(document)).items()]
    KEPT.write_text("{\n  " + ",\n  ".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
