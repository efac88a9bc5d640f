"""The service's statements and their query plans."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from typing import TYPE_CHECKING, Any

from psycopg import AsyncRawCursor

import shared.graph
from shared.graph.statements import Cypher, Sql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.database import Database

VALUES: dict[str, Any] = {
    "limit": 20,
    "offset": 0,
    "sequence": 0,
    "changes": {"title": "A title"},
    "removed": ["prefix"],
    "properties": {"id": "new"},
    "include_archived": False,
    "told": False,
    "ids": ["conversation-7"],
    "places": {"0": {"answer": "answer-7", "conversation": "conversation-7", "after": 0}},
    "tag": "answer-7",
    "conversation": "conversation-7",
    "least": 1,
    "wanted": 2,
    "held": {"conversation-7": "holder"},
    "rows": [{"id": "new", "role": "user", "content": "a", "offset": 0, "created_at": "2026-01-01T00:00:00+00:00"}],
    "id": "conversation-7",
    "email": "user-7@example.com",
    "user_email": "user-7@example.com",
    "subject": "user-7@example.com",
    "jti": "jti-7",
    "day": "2026-01-01",
    "has_told": True,
    "after": 0,
    "moment": "2026-01-01T00:00:00+00:00",
    "used": ["hash"],
    "intents": [{"question_id": "question", "call_id": "call", "record": "{}"}],
    "calls": [{"conversation_id": "conversation-7", "question_id": "question", "call_id": "call"}],
    "records": ["{}"],
    "texts": [{"hash": "x", "user_email": "user-7@example.com", "content": "{}"}],
    "emails": ["user-7@example.com"],
    "key_id": "ik_7",
    "now": "2026-01-01T00:00:00+00:00",
    "expires_at": "2026-01-01T01:00:00+00:00",
    "rounds_left": "1",
    "user": "user-7@example.com",
    "since": "2026-01-01",
    "until": "2026-01-31",
    "earlier": 5,
    "tokens": 800,
    "rating": 1,
    "answers": 1,
    "input_tokens": 1,
    "output_tokens": 1,
    "cache_creation_input_tokens": 1,
    "cache_read_input_tokens": 1,
}


def statements() -> Iterator[tuple[str, Cypher | Sql]]:
    """Find every statement of the package, so that none that is added escapes."""
    for module in pkgutil.iter_modules(shared.graph.__path__):
        for name, value in vars(importlib.import_module(f"shared.graph.{module.name}")).items():
            if isinstance(value, Cypher | Sql):
                yield f"{module.name}.{name}", value


ALL = dict(statements())
CLEANING = frozenset({"orphans.MOMENT", "orphans.REMOVE_ORPHANS", "frames.REMOVE_ORPHANS"})
"""The statements that look for rows without a conversation, so they read all rows; no question waits for them."""
WITHOUT_CLEANING = sorted(ALL.keys() - CLEANING)
"""The names of the statements that must not read through all conversations."""


async def plan_of(crowd: Database, statement: Cypher | Sql) -> list[dict[str, Any]]:
    """Explain a statement with the connection's search path; gives the nodes of its plan."""
    return list(nodes_of(await explained(crowd, statement)))


async def explained(crowd: Database, statement: Cypher | Sql, *settings: str) -> dict[str, Any]:
    """Explain a statement with settings that hold for it alone; gives the root of its plan."""
    pattern = r"\$(\w+)" if isinstance(statement, Cypher) else r"%\((\w+)\)s"
    bound = statement.bind(**{name: VALUES.get(name, "x") for name in re.findall(pattern, statement.query)})
    async with crowd.connected() as connection, connection.transaction():
        for setting in settings:
            await connection.execute(f"SET LOCAL {setting}".encode())
        text, values = bound.render(crowd.graph_name)
        cursor = AsyncRawCursor[Any](connection)
        await cursor.execute(b"EXPLAIN (FORMAT JSON, VERBOSE) " + text, [value.decode() for value in values])
        [(plan,)] = await cursor.fetchall()
    loaded: Any = json.loads(plan) if isinstance(plan, str) else plan
    root: dict[str, Any] = loaded[0]["Plan"]
    return root


async def generic_plan_of(crowd: Database, statement: Sql) -> list[dict[str, Any]]:
    """Explain a statement for any values, as a prepared one may be planned; gives the nodes. Needs PostgreSQL 16."""
    numbers: dict[str, str] = {}
    query = re.sub(r"%\((\w+)\)s", lambda name: numbers.setdefault(name[1], f"${len(numbers) + 1}"), statement.query)
    text = "EXPLAIN (FORMAT JSON, GENERIC_PLAN) " + query.replace("%%", "%")
    async with crowd.connected() as connection:
        cursor = await connection.execute(text.replace("{graph}.", f'"{crowd.graph_name}".').encode())
        [(plan,)] = await cursor.fetchall()
    loaded: Any = json.loads(plan) if isinstance(plan, str) else plan
    return list(nodes_of(loaded[0]["Plan"]))


def nodes_of(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from nodes_of(child)
