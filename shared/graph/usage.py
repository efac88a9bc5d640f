"""The tokens that each user has used, by UTC day and model: a plain table of ours in the graph's schema.

The rows belong to users and not to conversations, so they outlive them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from shared.domain.models import Usage
from shared.graph.statements import Sql, text_parameter

if TYPE_CHECKING:
    from datetime import date

    from shared.graph.connector import Graph, Rows
    from shared.graph.statements import BoundStatement

TABLE = "imbi_assistant_usage"
CREATE_TABLE = (
    f"""
    CREATE TABLE IF NOT EXISTS {{graph}}.{TABLE} (
        user_email text NOT NULL,
        day date NOT NULL,
        model text NOT NULL,
        answers bigint NOT NULL,
        input_tokens bigint NOT NULL,
        output_tokens bigint NOT NULL,
        cache_creation_input_tokens bigint NOT NULL,
        cache_read_input_tokens bigint NOT NULL,
        is_told boolean NOT NULL DEFAULT false,
        PRIMARY KEY (user_email, day, model)
    )""",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_day ON {{graph}}.{TABLE} (day)",
)

TODAY = "(clock_timestamp() AT TIME ZONE 'UTC')::date"
TOTAL = "input_tokens + output_tokens + cache_creation_input_tokens + cache_read_input_tokens"
"""The tokens of a row that count for a budget."""
USER = text_parameter("user")

_COUNTS = ("answers", *Usage.__slots__)
_MOST_ROWS = 10_000
_ROW = ", ".join(f"'{name}', {name}" for name in _COUNTS)
_SUMS = ", ".join(f"sum({name})::bigint AS {name}" for name in _COUNTS)
_SINCE, _UNTIL = text_parameter("since"), text_parameter("until")

ADD = Sql(f"""
    INSERT INTO {{graph}}.{TABLE} AS counted (user_email, day, model, {", ".join(_COUNTS)})
    VALUES ({USER}, {TODAY}, {text_parameter("model")}, {", ".join(f"%({name})s::bigint" for name in _COUNTS)})
    ON CONFLICT (user_email, day, model) DO UPDATE
       SET {", ".join(f"{name} = counted.{name} + excluded.{name}" for name in _COUNTS)}
    RETURNING 'true'
""")  # noqa: S608  # values are bound
_BY_DAY = Sql(f"""
    SELECT jsonb_build_object('day', day, 'model', model, {_ROW})::text FROM {{graph}}.{TABLE}
     WHERE user_email = {USER} AND day BETWEEN {_SINCE}::date AND {_UNTIL}::date
     ORDER BY day DESC, model LIMIT {_MOST_ROWS}
""")  # noqa: S608  # values are bound
_BY_USER = Sql(f"""
    SELECT jsonb_build_object('user', user_email, 'model', model, {_ROW})::text
      FROM (SELECT user_email, model, {_SUMS} FROM {{graph}}.{TABLE}
             WHERE day BETWEEN {_SINCE}::date AND {_UNTIL}::date GROUP BY user_email, model) AS summed
     ORDER BY user_email, model LIMIT {_MOST_ROWS}
""")  # noqa: S608  # values are bound
USERS = Sql(f"""
    WITH RECURSIVE found AS (
        (SELECT user_email AS value FROM {{graph}}.{TABLE} ORDER BY user_email LIMIT 1)
        UNION ALL
        SELECT (SELECT user_email FROM {{graph}}.{TABLE} WHERE user_email > found.value ORDER BY user_email LIMIT 1)
          FROM found WHERE found.value IS NOT NULL
    )
    SELECT to_jsonb(value)::text FROM found WHERE value IS NOT NULL
""")  # noqa: S608  # constants
"""Lists the users, one step in the index for each."""
RENAME = Sql(f"""
    UPDATE {{graph}}.{TABLE} SET user_email = {text_parameter("pseudonym")} WHERE user_email = {USER}
    RETURNING 'true'
""")  # noqa: S608  # values are bound
"""Gives the rows of a user to a pseudonym, so that the sums of all users stay as they are."""
_TELL = Sql(f"""
    UPDATE {{graph}}.{TABLE} SET is_told = true
     WHERE user_email = {USER} AND day = {TODAY} AND NOT is_told
       AND NOT EXISTS (SELECT FROM {{graph}}.{TABLE} WHERE user_email = {USER} AND day = {TODAY} AND is_told)
       AND (SELECT sum({TOTAL}) FROM {{graph}}.{TABLE} WHERE user_email = {USER} AND day = {TODAY})
           >= %(tokens)s::numeric
    RETURNING (SELECT sum({TOTAL}) FROM {{graph}}.{TABLE} WHERE user_email = {USER} AND day = {TODAY})::bigint::text
""")  # noqa: S608  # values are bound


@dataclass(frozen=True, slots=True)
class Days:
    """A range of UTC days; both ends belong to it."""

    since: date
    until: date

    def values(self) -> dict[str, str]:
        """Return the range as the parameters of a statement."""
        return {"since": self.since.isoformat(), "until": self.until.isoformat()}


def added(user: str, model: str, usage: Usage, *, answers: int = 0) -> BoundStatement:
    """Return the statement that adds tokens and ended answers to the row of today."""
    return ADD.bind(user=user, model=model, answers=answers, **asdict(usage))


class UsageTable:
    """The usage of all users.

    Every method raises GraphUnavailable if the database cannot be reached in time.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def add(self, user: str, model: str, usage: Usage) -> None:
        """Add tokens that belong to no answer, such as those of a title."""
        await self._graph.write(added(user, model, usage))

    async def by_day(self, user: str, days: Days) -> Rows:
        """Return one user's rows by day and model, the newest day first."""
        [rows] = await self._graph.read(_BY_DAY.bind(user=user, **days.values()))
        return rows

    async def by_user(self, days: Days) -> Rows:
        """Return the sums of all users by user and model."""
        [rows] = await self._graph.read(_BY_USER.bind(**days.values()))
        return rows

    async def tell(self, user: str, tokens: int) -> int | None:
        """Return the tokens that a user has used today, if they are at least `tokens`, and only once a day."""
        rows = await self._graph.write(_TELL.bind(user=user, tokens=tokens))
        return int(str(rows[0][0])) if rows else None
