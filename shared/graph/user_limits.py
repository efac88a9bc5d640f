"""The check of a user's limits, in the transaction that stores a question; it holds across all processes.

The table has the questions of the last hour, if any limit is set. An answer runs while its conversation has a lease.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain.user_limits import Standing, UserLimits
from shared.graph import leases, usage
from shared.graph.statements import Sql, text_parameter

if TYPE_CHECKING:
    from shared.domain.models import Lease
    from shared.graph.connector import Rows
    from shared.graph.statements import BoundStatement

TABLE = "imbi_assistant_recent_question"
CREATE_TABLE = (
    f"""
    CREATE TABLE IF NOT EXISTS {{graph}}.{TABLE} (
        holder text PRIMARY KEY,
        user_email text NOT NULL,
        conversation_id text NOT NULL,
        asked_at timestamptz NOT NULL
    )""",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_user ON {{graph}}.{TABLE} (user_email, asked_at)",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_conversation ON {{graph}}.{TABLE} (conversation_id)",
)

_USER = usage.USER
_ID = text_parameter("id")
_SECONDS_OF_WINDOW = "extract(epoch FROM asked_at + interval '1 minute' - clock_timestamp())"
_RECENT = f"{{graph}}.{TABLE} WHERE user_email = {_USER} AND asked_at > clock_timestamp() - interval '1 minute'"

_LOCK = Sql(f"SELECT to_jsonb(pg_advisory_xact_lock(hashtextextended('{TABLE} ' || {_USER}, 0))::text)::text")
_STANDING = Sql(f"""
    SELECT (SELECT coalesce(sum({usage.TOTAL}), 0)::bigint FROM {{graph}}.{usage.TABLE}
             WHERE user_email = {_USER} AND day = {usage.TODAY})::text,
           (SELECT count(*) FROM {_RECENT})::text,
           coalesce((SELECT greatest(ceil({_SECONDS_OF_WINDOW}), 1)::bigint FROM {_RECENT}
                      ORDER BY asked_at DESC OFFSET %(earlier)s::bigint LIMIT 1), 1)::text,
           (SELECT count(*) FROM {{graph}}.{leases.TABLE} AS lease
             WHERE lease.expires_at > clock_timestamp() AND lease.conversation_id <> {_ID}
               AND lease.conversation_id IN (SELECT conversation_id FROM {{graph}}.{TABLE}
                                              WHERE user_email = {_USER}))::text,
           ceil(extract(epoch FROM ({usage.TODAY} + 1) - (clock_timestamp() AT TIME ZONE 'UTC')))::bigint::text
""")  # noqa: S608  # values are bound
_ADD = Sql(f"""
    INSERT INTO {{graph}}.{TABLE} (holder, user_email, conversation_id, asked_at)
    VALUES ({text_parameter("holder")}, {_USER}, {_ID}, clock_timestamp())
    RETURNING 'true'
""")  # noqa: S608  # values are bound
_SWEEP = Sql(f"""
    DELETE FROM {{graph}}.{TABLE} AS question
     WHERE user_email = {_USER} AND asked_at < clock_timestamp() - interval '1 hour'
       AND NOT EXISTS (SELECT FROM {{graph}}.{leases.TABLE} AS lease
                        WHERE lease.conversation_id = question.conversation_id
                          AND lease.expires_at > clock_timestamp())
    RETURNING 'true'
""")  # noqa: S608  # values are bound
DELETE_OF_CONVERSATION = Sql(f"DELETE FROM {{graph}}.{TABLE} WHERE conversation_id = {_ID} RETURNING 'true'")  # noqa: S608  # values are bound


@dataclass(frozen=True, slots=True)
class LimitCheck:
    """The check of one user's limits. Its statements are the last ones before the transaction is checked."""

    limits: UserLimits

    def statements(self, lease: Lease, user: str) -> list[BoundStatement]:
        """Return the statements. The first one lets a user's questions pass one after the other."""
        if not self.limits.are_set:
            return []
        earlier = max(self.limits.messages_per_minute - 1, 0)
        return [
            _LOCK.bind(user=user),
            _SWEEP.bind(user=user),
            _ADD.bind(user=user, **leases.values_of(lease)),
            _STANDING.bind(user=user, id=str(lease.conversation_id), earlier=earlier + 1),
        ]

    def check(self, results: list[Rows]) -> None:
        """Check the rows of a transaction that ends with these statements.

        Raises:
            LimitReached: the user may ask no further question now.
        """
        if self.limits.are_set:
            [counts] = results[-1]
            tokens, messages, message_wait, running, day_wait = (int(str(each)) for each in counts)
            # The question itself is counted already.
            self.limits.check(Standing(tokens, messages - 1, message_wait, running, day_wait))


NO_LIMITS = LimitCheck(UserLimits())
