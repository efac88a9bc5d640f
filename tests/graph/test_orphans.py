"""The removal of prompts that no conversation refers to, page by page of the conversations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from shared.graph import orphans
from shared.graph.connector import Graph
from shared.graph.contents import Contents, hash_of, stored

if TYPE_CHECKING:
    from tests.support.database import Database

NAMES = ("Ann", "Bo", "Cy")


@pytest.mark.proves("retention.sweep")
async def test_only_prompts_that_no_conversation_has_are_removed(database: Database) -> None:
    texts = {hash_of(name): name for name in NAMES}
    prefixes = {name: json.dumps(["m", "0" * 64, hash_of(name), ["tool"]], separators=(",", ":")) for name in NAMES}
    texts |= {hash_of(prefix): prefix for prefix in prefixes.values()}
    graph = Graph(database.dsn, database.graph_name)
    await graph.write(stored(texts))
    for name in ("Ann", "Cy", "Ann"):
        await database.cypher(
            "CREATE (c:Conversation {id: $id, prefix: $prefix}) RETURN 1",
            id=str(uuid4()),
            prefix=hash_of(prefixes[name]),
        )
    await orphans.remove_orphans(graph, page=2)
    left = await Contents(graph).read(texts)
    await graph.aclose()
    assert {texts[key] for key in left} == {"Ann", "Cy", prefixes["Ann"], prefixes["Cy"]}
