"""Which of an API's changing operations give a receipt, and which of those can be undone, as a table.

    python -m tests.support.undo_table ../shared/imbi-openapi.json

prints the table of a document. `docs/changes.md` has the counts of the real one.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from shared.domain.receipts import ThingAddress
from shared.tools.openapi.actions import opposite, thing_of_action
from shared.tools.openapi.parameters import BODY
from shared.tools.openapi.snapshot import read_snapshot
from shared.tools.openapi.things import shape_of
from shared.tools.receipts.hiding import is_secret_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.tools.openapi.operation import Operation
    from shared.tools.openapi.things import Things

CHANGED_BACK = "changed back"
DELETED = "deleted again"
MADE_AGAIN = "made again"
REVERSED = "reversed"
SHOWN = "receipt only"
NONE = "no receipt"


def ways(document: bytes) -> Iterator[tuple[Operation, str]]:
    """Yield the changing operations of a document, each with what an undo of it would do at best."""
    snapshot = read_snapshot(document, httpx2.AsyncClient(base_url="http://imbi-api"))
    for operation in snapshot.operations.values():
        if operation.method != "get":
            yield operation, _way(operation, snapshot.things)


def _way(operation: Operation, things: Things) -> str:
    shape = shape_of(operation.path)
    element = things.element_of(shape) if operation.method == "post" else None
    if element is not None:
        return DELETED if things.find("delete", shape_of(element.path)) else SHOWN
    if thing_of_action(things, operation, ThingAddress(shape, ())) is not None:
        return REVERSED if opposite(things, operation) else SHOWN
    if things.readable(shape) is None:
        return NONE
    if operation.method == "delete":
        return MADE_AGAIN if _can_be_made(shape, things) else SHOWN
    has_way = any(things.find(method, shape) for method in ("patch", "put"))
    return CHANGED_BACK if has_way else SHOWN


def _can_be_made(shape: str, things: Things) -> bool:
    makers = [things.find("post", collection) for collection in things.collections_of(shape)]
    return any(
        maker is not None
        and not any(each.location == BODY and is_secret_name(each.wire_name) for each in maker.arguments.values())
        for maker in [*makers, things.find("put", shape)]
    )


async def main(path: str) -> None:
    """Print the table and the counts."""
    found = sorted(ways(await asyncio.to_thread(Path(path).read_bytes)), key=lambda each: (each[1], each[0].path))
    for operation, way in found:
        print(f"{way:14} {operation.method.upper():6} {operation.path} ({operation.definition.name})")  # noqa: T201
    print(Counter(way for _, way in found), len(found))  # noqa: T201
    print(Counter((operation.method, way) for operation, way in found))  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
