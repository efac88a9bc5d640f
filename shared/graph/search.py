"""Full-text search over conversations, in an ordinary table inside the graph's schema.

A row has the words of one text: a title, a question or an answer. A long text has several rows. Results of tools and
the blocks that the UI adds to a question have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain.snippets import snippet
from shared.domain.user_text import without_ui_blocks
from shared.graph import agtype, mapping
from shared.graph.search_vectors import match_all, match_any, vectors
from shared.graph.statements import Sql, property_of, text_parameter
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from uuid import UUID

    from pydantic import JsonValue

    from shared.domain.models import Conversation, Message
    from shared.domain.search_query import SearchQuery
    from shared.graph.connector import Graph
    from shared.graph.statements import BoundStatement

TABLE = "imbi_assistant_search"
CREATE_TABLE = (
    f"""
    CREATE TABLE IF NOT EXISTS {{graph}}.{TABLE} (
        conversation_id text NOT NULL,
        message_id text NOT NULL,
        part integer NOT NULL,
        owner text NOT NULL,
        written_at timestamptz NOT NULL,
        words tsvector NOT NULL,
        PRIMARY KEY (conversation_id, message_id, part)
    )""",
    # Without a list of pending entries, the cost of a search does not depend on how much was written lately.
    f"CREATE INDEX IF NOT EXISTS {TABLE}_words ON {{graph}}.{TABLE} USING gin (words) WITH (fastupdate = off)",
)

_TITLE = ""
"""Stands for a message's id in the row of a title."""
_HALF_LIFE_SECONDS = 30 * 24 * 3600
_OLDEST_SHARE = 0.25
"""What a very old match counts, compared with one of this moment."""

_ANY = f"{text_parameter('any')}::tsquery"
_AGE = f"least(greatest(extract(epoch FROM now() - max(hit.written_at)), 0) / {_HALF_LIFE_SECONDS}, 60)::float8"


def _agtype(json: str) -> str:
    """Return the SQL expression of a jsonb as an agtype; there is no cast between the two."""
    return f"ag_catalog.agtype_in(textout(({json})::text))"


SEARCH = Sql(f"""
    WITH clause AS MATERIALIZED (
        SELECT place, (value ->> 'match')::tsquery AS match, (value ->> 'excluded')::boolean AS excluded
          FROM jsonb_array_elements(%(clauses)s::jsonb) WITH ORDINALITY AS list (value, place)
    ), hit AS MATERIALIZED (
        SELECT conversation_id, message_id, written_at, words, ts_rank(words, {_ANY}, 1) AS rank
          FROM {{graph}}.{TABLE} WHERE words @@ {_ANY} AND owner = {text_parameter("email")}
    ), found AS (
        SELECT hit.conversation_id, count(DISTINCT place) AS clauses,
               (array_agg(hit.message_id ORDER BY hit.message_id = '', rank DESC, hit.written_at DESC))[1]
                   AS message_id,
               max(rank) * ({_OLDEST_SHARE} + {1 - _OLDEST_SHARE} * 0.5::float8 ^ {_AGE}) AS score
          FROM hit LEFT JOIN clause ON hit.words @@ clause.match
         GROUP BY hit.conversation_id
        HAVING coalesce(bool_or(excluded), false) IS FALSE AND count(DISTINCT place) >= (%(least)s)::text::bigint
    ), best AS (
        SELECT conversation.properties, found.*
          FROM found
          JOIN {{graph}}."Conversation" AS conversation
            ON {property_of("id", "conversation")} OPERATOR(ag_catalog.=) {_agtype("to_jsonb(found.conversation_id)")}
           AND {property_of("user_email", "conversation")} OPERATOR(ag_catalog.=) {_agtype("%(email)s::jsonb")}
         WHERE (%(include_archived)s)::text::boolean
            OR NOT coalesce({property_of("is_archived", "conversation")} OPERATOR(ag_catalog.=)
                            'true'::ag_catalog.agtype, false)
         ORDER BY clauses DESC, score DESC, found.conversation_id
         LIMIT (%(limit)s)::text::bigint OFFSET (%(offset)s)::text::bigint
    )
    SELECT best.properties, to_jsonb(best.clauses)::text,
           (SELECT {property_of("content", "message")} FROM {{graph}}."Message" AS message
             WHERE best.message_id <> ''
               AND {property_of("id", "message")} OPERATOR(ag_catalog.=) {_agtype("to_jsonb(best.message_id)")} LIMIT 1)
      FROM best ORDER BY clauses DESC, score DESC, best.conversation_id
""")  # noqa: S608  # values are bound
WRITE = Sql(f"""
    INSERT INTO {{graph}}.{TABLE} (conversation_id, message_id, part, owner, written_at, words)
    SELECT {text_parameter("id")}, message_id, part, {text_parameter("email")}, written_at, words::tsvector
      FROM jsonb_to_recordset(%(rows)s::jsonb)
           AS row (message_id text, part integer, written_at timestamptz, words text)
    ON CONFLICT (conversation_id, message_id, part)
       DO UPDATE SET words = excluded.words, written_at = excluded.written_at
    RETURNING 'true'
""")  # noqa: S608  # values are bound
WRITE_TITLE = Sql(f"""
    INSERT INTO {{graph}}.{TABLE} (conversation_id, message_id, part, owner, written_at, words)
    SELECT {text_parameter("id")}, '{_TITLE}', 0, {text_parameter("email")}, now(), {text_parameter("words")}::tsvector
      FROM {{graph}}."Conversation"
     WHERE {property_of("id")} OPERATOR(ag_catalog.=) {_agtype("%(id)s::jsonb")}
       AND {property_of("user_email")} OPERATOR(ag_catalog.=) {_agtype("%(email)s::jsonb")}
       AND {property_of("title")} OPERATOR(ag_catalog.=) {_agtype("%(title)s::jsonb")}
    ON CONFLICT (conversation_id, message_id, part)
       DO UPDATE SET words = excluded.words, written_at = excluded.written_at
    RETURNING 'true'
""")  # noqa: S608  # values are bound
DELETE_OF_CONVERSATION = Sql(f"""
    DELETE FROM {{graph}}.{TABLE} WHERE conversation_id = {text_parameter("id")} RETURNING 'true'
""")  # noqa: S608  # constants
FORGET_MESSAGES = Sql(f"""
    DELETE FROM {{graph}}.{TABLE}
     WHERE conversation_id = {text_parameter("id")}
       AND message_id = ANY (ARRAY(SELECT jsonb_array_elements_text(%(message_ids)s::jsonb)))
    RETURNING 'true'
""")  # noqa: S608  # constants


@dataclass(frozen=True, slots=True)
class FoundConversation:
    """A conversation that a search has found, with the part of its text that shows why."""

    conversation: Conversation
    snippet: str
    clauses: int
    """How many clauses of the query occur in it."""


@dataclass(frozen=True, slots=True)
class Text:
    """The text of a message that the search finds."""

    message_id: str
    is_question: bool
    content: str
    written_at: datetime


class ConversationSearch:
    """Searches the conversations of one user at a time.

    Every method raises GraphUnavailable if the database cannot be reached in time.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def search(
        self,
        email: str,
        query: SearchQuery,
        *,
        limit: int,
        offset: int,
        include_archived: bool,
        least: int | None = None,
    ) -> list[FoundConversation]:
        """Return a page of the user's conversations in which all clauses occur, or at least `least` of them.

        A clause may occur in the title or in any message. Conversations with more clauses come first, then those with
        the higher score: the rank of the best match (a title counts more than a question, and a question more than an
        answer), times a factor from 1 for a match of this moment down to 0.25. The factor's excess over 0.25 halves
        every 30 days.
        """
        if not query.clauses:
            return []
        bound = SEARCH.bind(
            clauses=[dict(each) for each in match_all(email, query)],
            any=match_any(email, query),
            email=email,
            least=len(query.wanted) if least is None else least,
            include_archived=include_archived,
            limit=limit,
            offset=offset,
        )
        [rows] = await self._graph.read(bound)
        return [_found(query, *row) for row in rows]


def written(conversation_id: UUID | str, email: str, messages: Iterable[Message]) -> list[BoundStatement]:
    """Return the statements that make messages findable; there is none if they have no words."""
    texts = (
        Text(str(each.id), each.role == "user", each.content, each.created_at)
        for each in messages
        if not each.tool_results
    )
    rows = rows_of(email, texts)
    return [WRITE.bind(id=str(conversation_id), email=email, rows=rows)] if rows else []


def rows_of(email: str, texts: Iterable[Text]) -> list[JsonValue]:
    """Return the rows of texts that the user's search finds."""
    return [row for text in texts for row in _rows(email, text)]


def title_written(conversation_id: UUID | str, email: str, title: str) -> BoundStatement:
    """Return the statement that makes a title findable, if the conversation has this title when it runs."""
    words = next(vectors(email, title, "A"), "")
    return WRITE_TITLE.bind(id=str(conversation_id), email=email, title=title, words=words)


def _rows(email: str, text: Text) -> Iterator[JsonValue]:
    content = without_ui_blocks(text.content) if text.is_question else text.content
    written_at = clock.to_text(text.written_at)
    for part, words in enumerate(vectors(email, content, "B" if text.is_question else "C")):
        yield {"message_id": text.message_id, "part": part, "written_at": written_at, "words": words}


def _found(query: SearchQuery, properties: JsonValue, clauses: JsonValue, content: JsonValue) -> FoundConversation:
    conversation = mapping.conversation(properties)
    text = without_ui_blocks(agtype.text(content)) or conversation.title or ""
    return FoundConversation(conversation, snippet(text, query), int(str(clauses)))
