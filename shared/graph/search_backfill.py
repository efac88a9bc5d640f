"""The search of what was stored before the search was there, or by another service beside this one.

Nothing remembers how far it has come: a conversation whose last message and title are in the search's table is
complete. It can be interrupted and repeated, and it can run beside services that answer questions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.graph import agtype
from shared.graph import conversation_statements as statements
from shared.graph.connector import Graph
from shared.graph.search import COLUMNS, SELECT_ROWS, TABLE, Text, rows_of, title_written
from shared.graph.statements import Sql, agtype_parameter, equals, is_not_true, property_of
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pydantic import JsonValue

_CONVERSATIONS = 500
"""How many conversations one statement looks at."""
_MESSAGES = 50
"""How many messages one transaction makes findable, while it holds the conversation's lock."""
_REPORTED = 10_000


def _is_written(message: str) -> str:
    """Return the SQL condition that a text of the conversation `page.id` is in the search's table."""
    return f"""EXISTS (SELECT 1 FROM {{graph}}.{TABLE} AS search
                        WHERE search.conversation_id = {_text_of("page.id")} AND search.message_id = {message})"""  # noqa: S608  # constants


def _text_of(expression: str) -> str:
    """Return the SQL expression of an agtype that is a string, as a text."""
    return f"(textin(ag_catalog.agtype_out({expression}))::jsonb #>> '{{}}')"


_IS_COMPLETE = f"""(last.id IS NULL OR {_is_written(_text_of("last.id"))})
               AND ({property_of("title", "page")} IS NULL OR {_is_written("''")})"""
_EMPTY = """ANY (ARRAY['[]', '"[]"', '"null"', '""']::ag_catalog.agtype[])"""
_RESULTS = property_of("tool_results")
_HAS_NO_RESULTS = f"({_RESULTS} IS NULL OR {_RESULTS} OPERATOR(ag_catalog.=) {_EMPTY})"

# ORDER BY names both columns of the index on messages, because AGE's equality does not tell the planner that the first
# one is constant.
PAGE = Sql(f"""
    WITH page AS MATERIALIZED (
        SELECT properties, {property_of("id")} AS id
          FROM {{graph}}."Conversation" WHERE {property_of("id")} OPERATOR(ag_catalog.>) {agtype_parameter("after")}
         ORDER BY {property_of("id")} LIMIT {_CONVERSATIONS}
    )
    SELECT page.id, {property_of("user_email", "page")}, {property_of("title", "page")},
           to_jsonb({_IS_COMPLETE})::text
      FROM page LEFT JOIN LATERAL (
           SELECT {property_of("id")} AS id FROM {{graph}}."Message"
            WHERE {property_of("conversation_id")} OPERATOR(ag_catalog.=) page.id
            ORDER BY {property_of("conversation_id")} DESC, {property_of("sequence")} DESC LIMIT 1) AS last ON true
     ORDER BY page.id
""")  # noqa: S608  # values are bound
TEXTS = Sql(f"""
    SELECT {property_of("sequence")}, {property_of("id")}, {property_of("role")}, {property_of("created_at")},
           CASE WHEN {_HAS_NO_RESULTS} THEN {property_of("content")} END
      FROM {{graph}}."Message"
     WHERE {equals("conversation_id", "id")}
       AND {property_of("sequence")} OPERATOR(ag_catalog.>) {agtype_parameter("after")}
     ORDER BY {property_of("conversation_id")}, {property_of("sequence")} LIMIT {_MESSAGES}
""")  # noqa: S608  # values are bound
WRITE_EXISTING = Sql(f"""
    INSERT INTO {{graph}}.{TABLE} ({COLUMNS})
    {SELECT_ROWS}
     WHERE EXISTS (SELECT 1 FROM {{graph}}."Message" AS message
                    WHERE {property_of("id", "message")}
                          OPERATOR(ag_catalog.=) ag_catalog.agtype_in(textout(to_jsonb(row.message_id)::text))
                      AND {is_not_true("is_superseded", "message")})
    ON CONFLICT (conversation_id, message_id, part) DO NOTHING
    RETURNING 'true'
""")  # noqa: S608  # values are bound


async def make_findable(dsn: str, graph_name: str, report: Callable[[str], None] = lambda _line: None) -> int:
    """Let the search find all conversations that it does not find yet; return their number.

    `report` receives a line now and then.

    Raises:
        GraphUnavailable: the database cannot be reached.
        GraphError: a statement failed.
    """
    graph = Graph(dsn, graph_name, min_size=0, max_size=1)
    count = reported = 0
    try:
        async for conversation in _incomplete(graph):
            count += await _complete(graph, *conversation)
            if count >= reported + _REPORTED:
                reported = count
                report(f"The search finds {count:,} more conversations, and there are others.")
    finally:
        await graph.aclose()
    return count


async def _incomplete(graph: Graph) -> AsyncIterator[tuple[str, str, str | None]]:
    """Yield the id, the user's email and the title of each conversation that the search does not find completely."""
    after = ""
    while True:
        [page] = await graph.read(PAGE.bind(after=after))
        for conversation_id, email, title, is_complete in page:
            if not is_complete and isinstance(conversation_id, str) and isinstance(email, str):
                yield conversation_id, email, agtype.text(title) or None
        if len(page) < _CONVERSATIONS:
            return
        after = agtype.text(page[-1][0])


async def _complete(graph: Graph, conversation_id: str, email: str, title: str | None) -> bool:
    """Write what is missing of a conversation; return whether something was missing."""
    lock = statements.LOCK.bind(id=conversation_id, email=email)
    was_missing = False
    if title is not None:
        await graph.transaction(lock, title_written(conversation_id, email, title))
    after = -1
    while True:
        [page] = await graph.read(TEXTS.bind(id=conversation_id, after=after))
        if rows := rows_of(email, filter(None, map(_text, page))):
            _, new = await graph.transaction(lock, WRITE_EXISTING.bind(id=conversation_id, email=email, rows=rows))
            was_missing = was_missing or bool(new)
        if len(page) < _MESSAGES:
            return was_missing
        after = int(str(page[-1][0]))


def _text(row: tuple[JsonValue, ...]) -> Text | None:
    _, message_id, role, created_at, content = row
    if not isinstance(message_id, str) or not isinstance(content, str):
        return None
    try:
        written_at = clock.parse(agtype.text(created_at))
    except ValueError:
        written_at = clock.now()
    return Text(message_id, role != "assistant", content, written_at)
