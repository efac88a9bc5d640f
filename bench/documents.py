"""The OpenAPI documents of the benchmarks, with 0, 40 and 300 tools."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from bench.processes import ROOT

if TYPE_CHECKING:
    from pathlib import Path

REAL = ROOT.parent / "shared" / "imbi-openapi.json"
"""The document of a real Imbi, if there is one beside the checkout."""

_PARAGRAPH = (
    "Gives what is known about it, with the time of the last change and who made it. Entries that were archived are "
    "left out unless they are asked for. The order is that of the names; pages are taken with `limit` and `offset`. "
)


def write_documents(directory: Path) -> dict[str, Path]:
    """Write the documents and return their paths by the number of tools; `real` is the real one or as large."""
    made = {"0": _document(0), "40": _document(40), "300": _real() or _document(300)}
    paths = {}
    for name, content in made.items():
        paths[name] = directory / f"openapi-{name}.json"
        paths[name].write_bytes(content)
    return paths


def is_real() -> bool:
    """Return whether the document with 300 tools is that of a real Imbi."""
    return REAL.exists()


def _real() -> bytes | None:
    return REAL.read_bytes() if is_real() else None


def _document(tools: int) -> bytes:
    paths = {f"/api/organizations/{{org_slug}}/things-{number}/": _operation(number) for number in range(tools)}
    return orjson.dumps({"openapi": "3.1.0", "info": {"title": "Imbi", "version": "1"}, "paths": paths})


def _operation(number: int) -> dict[str, object]:
    """Return an operation of a realistic size: about 750 bytes as a tool."""
    text = {"type": "string"}
    query = [
        {"name": name, "in": "query", "schema": {"anyOf": [text, {"type": "null"}], "description": f"Narrow by {name}"}}
        for name in ("project_type", "environment", "team")
    ]
    return {
        "get": {
            "operationId": f"list_things_{number}",
            "summary": f"List the things of kind {number}",
            "description": _PARAGRAPH,
            "parameters": [{"name": "org_slug", "in": "path", "required": True, "schema": text}, *query],
            "responses": {"200": {"description": "Success"}},
        }
    }
