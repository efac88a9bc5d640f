"""Full-text search over conversations, in an ordinary table inside the graph's schema.

A row has the words of one text: a title, a question or an answer. A long text has several rows. Results of tools and
the blocks that the UI adds to a question have none.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.domain.models import FoundConversation
from shared.domain.search_query import MAX_TERMS
from shared.domain.snippets import snippet
from shared.domain.user_text import without_ui_blocks
from shared.graph import agtype, leases, mapping
from shared.graph.search_vectors import matches, vectors
from shared.graph.statements import Sql, is_not_true, property_of, text_parameter
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator
    from datetime import datetime
    from uuid import UUID

    from pydantic import JsonValue

    from shared.domain.models import Conversation, JsonObject, Message
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
        weight real NOT NULL,
        written_at timestamptz NOT NULL,
        words tsvector NOT NULL,
        PRIMARY KEY (conversation_id, message_id, part)
    )""",
    # Without a list of pending entries, the cost of a search does not depend on how much was written lately.
    f"CREATE INDEX IF NOT EXISTS {TABLE}_words ON {{graph}}.{TABLE} USING gin (words) WITH (fastupdate = off)",
)

_TITLE = ""
"""Stands for a message's id in the row of a title."""
_TITLE_WEIGHT = 1.0
_QUESTION_WEIGHT = 0.4
_ANSWER_WEIGHT = 0.2
"""What a match counts, by the text that it is in."""
_HALF_LIFE_SECONDS = 30 * 24 * 3600
_OLDEST_SHARE = 0.25
"""What a very old match counts, compared with one of this moment."""

_AGE = f"least(greatest(extract(epoch FROM now() - max(written_at)), 0) / {_HALF_LIFE_SECONDS}, 60)::float8"
_ORDER = "clauses DESC, score DESC, conversation_id"
_RECENCY = f"({_OLDEST_SHARE} + {1 - _OLDEST_SHARE} * 0.5::float8 ^ {_AGE})"


def _agtype(json: str) -> str:
    """Return the SQL expression of a jsonb as an agtype; there is no cast between the two."""
    return f"ag_catalog.agtype_in(textout(({json})::text))"


def _hits_of(place: int) -> str:
    """Return the SQL query of the texts that match one clause. Only the index reads their words.

    The clause is a parameter of its own, because the planner would not use the index for a clause from a list. It does
    not know that the clause names the owner already. It would expect one row, and compare every hit with every other
    one; it makes no such guess about CASE.
    """
    return f"""
        SELECT {place} AS place, conversation_id, message_id, weight, written_at
          FROM {{graph}}.{TABLE}
         WHERE words @@ {text_parameter(f"clause_{place}")}::tsquery
           AND CASE WHEN owner = {text_parameter("email")} THEN true ELSE false END"""  # noqa: S608  # values are bound


def _search(clauses: int) -> Sql:
    """Return the statement for a number of clauses; the wanted ones come first, and then the excluded ones."""
    return Sql(f"""
    WITH hit AS MATERIALIZED ({" UNION ALL ".join(map(_hits_of, range(clauses)))}
    ), occurring AS (
        SELECT conversation_id, place, max(weight) AS weight, max(written_at) AS written_at
          FROM hit GROUP BY conversation_id, place
    ), found AS (
        SELECT conversation_id, count(*) AS clauses, avg(weight) * {_RECENCY} AS score
          FROM occurring GROUP BY conversation_id
        HAVING max(place) < (%(wanted)s)::text::bigint AND count(*) >= (%(least)s)::text::bigint
    ), page AS MATERIALIZED (
        SELECT ranked.*, conversation.properties
          FROM (SELECT * FROM found ORDER BY {_ORDER}) AS ranked
         CROSS JOIN LATERAL (
            SELECT properties FROM {{graph}}."Conversation"
             WHERE {property_of("id")} OPERATOR(ag_catalog.=) {_agtype("to_jsonb(ranked.conversation_id)")}
               AND {property_of("user_email")} OPERATOR(ag_catalog.=) {_agtype("%(email)s::jsonb")}
               AND ((%(include_archived)s)::text::boolean OR {is_not_true("is_archived")})
             LIMIT 1) AS conversation
         ORDER BY {_ORDER}
         LIMIT (%(limit)s)::text::bigint OFFSET (%(offset)s)::text::bigint
    ), best AS MATERIALIZED (
        SELECT DISTINCT ON (conversation_id) conversation_id, message_id
          FROM hit WHERE message_id <> '{_TITLE}' AND conversation_id IN (SELECT conversation_id FROM page)
         GROUP BY conversation_id, message_id
         ORDER BY conversation_id, count(DISTINCT place) DESC, max(weight) DESC, max(written_at) DESC
    )
    SELECT page.properties, to_jsonb(page.clauses)::text,
           (SELECT {property_of("content", "message")} FROM {{graph}}."Message" AS message
             WHERE {property_of("id", "message")} OPERATOR(ag_catalog.=) {_agtype("to_jsonb(best.message_id)")} LIMIT 1)
      FROM page LEFT JOIN best USING (conversation_id)
     ORDER BY {_ORDER}
    """)  # noqa: S608  # values are bound


WITHOUT_JIT = Sql("SELECT to_jsonb(set_config('jit', 'off', true))::text")
"""PostgreSQL would compile a search of many clauses for longer than it takes. It lasts until the transaction ends."""
_MOST_CLAUSES = MAX_TERMS + 1
"""A query that only excludes has one more."""
_SEARCHES = tuple(map(_search, range(1, _MOST_CLAUSES + 1)))
SEARCH = _SEARCHES[1]
"""The statement for two clauses. Tests look at its plan."""
COLUMNS = "conversation_id, message_id, part, owner, weight, written_at, words"
SELECT_ROWS = f"""
    SELECT {text_parameter("id")}, message_id, part, {text_parameter("email")}, weight, written_at, words::tsvector
      FROM jsonb_to_recordset(%(rows)s::jsonb)
           AS row (message_id text, part integer, weight real, written_at timestamptz, words text)"""  # noqa: S608  # values are bound
WRITE = Sql(f"""
    INSERT INTO {{graph}}.{TABLE} ({COLUMNS})
    {SELECT_ROWS}
    ON CONFLICT (conversation_id, message_id, part)
       DO UPDATE SET words = excluded.words, written_at = excluded.written_at
    RETURNING 'true'
""")
WRITE_TITLE = Sql(f"""
    INSERT INTO {{graph}}.{TABLE} ({COLUMNS})
    SELECT {text_parameter("id")}, '{_TITLE}', 0, {text_parameter("email")}, {_TITLE_WEIGHT}, now(),
           {text_parameter("words")}::tsvector
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
        the higher score. It is the mean weight of the clauses' best matches (a title counts more than a question, and a
        question more than an answer), times a factor from 1 for a match of this moment down to 0.25. The factor's
        excess over 0.25 halves every 30 days.
        """
        if not query.clauses:
            return []
        matched = matches(email, query)
        bound = _SEARCHES[len(matched) - 1].bind(
            **{f"clause_{place}": match for place, match in enumerate(matched)},
            email=email,
            wanted=max(len(query.wanted), 1),
            least=max(len(query.wanted) if least is None else least, 1),
            include_archived=include_archived,
            limit=limit,
            offset=offset,
        )
        _, rows = await self._graph.read(WITHOUT_JIT.bind(), bound)
        found = [_found(query, *row) for row in rows]
        ids: list[JsonValue] = [str(each.conversation.id) for each in found]
        [running] = await self._graph.read(leases.RUNNING.bind(ids=ids)) if found else [[]]
        answering = {conversation_id for (conversation_id,) in running}
        return [replace(each, conversation=_answering(each.conversation, answering)) for each in found]


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
    words = next(vectors(email, title), "")
    return WRITE_TITLE.bind(id=str(conversation_id), email=email, title=title, words=words)


def _rows(email: str, text: Text) -> Iterator[JsonValue]:
    content = without_ui_blocks(text.content) if text.is_question else text.content
    weight = _QUESTION_WEIGHT if text.is_question else _ANSWER_WEIGHT
    row: JsonObject = {"message_id": text.message_id, "weight": weight, "written_at": clock.to_text(text.written_at)}
    for part, words in enumerate(vectors(email, content)):
        yield {**row, "part": part, "words": words}


def _answering(conversation: Conversation, answering: Container[JsonValue]) -> Conversation:
    return replace(conversation, is_answering=str(conversation.id) in answering)


def _found(query: SearchQuery, properties: JsonValue, clauses: JsonValue, content: JsonValue) -> FoundConversation:
    conversation = mapping.conversation(properties)
    text = without_ui_blocks(agtype.text(content)) or conversation.title or ""
    return FoundConversation(conversation, snippet(text, query), int(str(clauses)))
