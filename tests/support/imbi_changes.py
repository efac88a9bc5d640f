"""The changing operations of a real Imbi: their methods, paths and effects, kept so that tests need no document.

    python -m tests.support.imbi_changes ../shared/imbi-openapi.json

writes `tests/data/imbi_changes.json` anew from a document. Read the differences before you commit them: each one is a
call that asks, or no longer asks, before it runs.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx2

from shared.domain.approval_rules import parse_rules
from shared.tools.openapi.toolset import OpenAPIToolset
from tests.support.imbi_api import ADMIN

if TYPE_CHECKING:
    from shared.domain.models import JsonObject

KEPT = Path(__file__).parents[1] / "data" / "imbi_changes.json"


class Change(NamedTuple):
    """What one operation does."""

    method: str | None
    path: str | None
    effect: str


def kept_changes() -> dict[str, Change]:
    """Read the kept operations by their tools' names."""
    return {name: Change(*fields) for name, fields in json.loads(KEPT.read_text()).items()}


async def changes_of(document: bytes) -> dict[str, Change]:
    """Classify the changing operations of a document; those with secret results are included."""
    transport = httpx2.MockTransport(lambda _request: httpx2.Response(200, content=document))
    tools = OpenAPIToolset("http://imbi-api:8000", transport=transport, rules=parse_rules("*=auto"))
    await tools.load()
    facts = {name: tools.facts(name, {}, ADMIN.principal) for name in sorted(tools.names)}
    await tools.aclose()
    return {
        name: Change(each.method, each.path_template, each.effect)
        for name, each in facts.items()
        if each.effect != "read"
    }


def document_of(changes: dict[str, Change]) -> JsonObject:
    """Return a document with these operations, without their schemas."""
    paths: dict[str, Any] = {}
    for name, change in changes.items():
        path = str(change.path)
        parameters = [
            {"name": part, "in": "path", "required": True, "schema": {"type": "string"}}
            for part in re.findall(r"\{(\w+)\}", path)
        ]
        responses = {"200": {"description": "Done"}}
        operation = {"operationId": name, "parameters": parameters, "responses": responses}
        paths.setdefault(path, {})[str(change.method).lower()] = operation
    return {"openapi": "3.1.0", "info": {"title": "Imbi", "version": "1"}, "paths": paths}


def main() -> None:
    """Write the file."""
    found = asyncio.run(changes_of(Path(sys.argv[1]).read_bytes()))
    lines = [f"{json.dumps(name)}: {json.dumps(change)}" for name, change in found.items()]
    KEPT.write_text("{\n  " + ",\n  ".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
