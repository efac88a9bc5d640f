"""The erasure of a user's data: the conversations with all that belongs to them, and the texts of audited calls.

The tokens that the user has used keep counting for the sums of all users, under a pseudonym that nobody can resolve.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from uuid import uuid4

from shared.domain.errors import UserNotFound
from shared.graph import audit_texts, frames, leases, usage
from shared.graph.audit_trail import AuditTrail
from shared.graph.deletions import Deletions
from shared.graph.orphans import remove_orphans
from shared.graph.statements import Sql, property_of

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.graph.connector import Graph

_BATCH = 100
_STOP_SECONDS = 8.0
"""The longest wait for the ends of the user's running answers. They look for a stop request once a second."""
_PAUSE_SECONDS = 0.2


def _values(label: str, name: str) -> Sql:
    """Return the statement that lists the different values of an indexed property, one step in the index for each."""
    value = property_of(name)
    return Sql(f"""
        WITH RECURSIVE found AS (
            (SELECT {value} AS value FROM {{graph}}."{label}" WHERE {value} IS NOT NULL ORDER BY {value} LIMIT 1)
            UNION ALL
            SELECT (SELECT {value} FROM {{graph}}."{label}" WHERE {value} OPERATOR(ag_catalog.>) found.value
                     ORDER BY {value} LIMIT 1)
              FROM found WHERE found.value IS NOT NULL
        )
        SELECT value FROM found WHERE value IS NOT NULL
    """)  # noqa: S608  # constants


USERS = _values("User", "email")
OWNERS = _values("Conversation", "user_email")


class Erasure:
    """Erases the data of users, and what deleted conversations have left.

    Every method raises GraphUnavailable if the database cannot be reached in time; it can be repeated.
    """

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._deletions = Deletions(graph)
        self._audit = AuditTrail(graph)

    async def erase(self, email: str) -> None:
        """Erase the conversations of a user, whatever the case of the email's letters.

        Running answers of the user are stopped first. The user and the rows of the audit stay; these rows lose
        arguments and paths.

        Raises:
            UserNotFound: there is no such user, and nobody of this name has conversations.
        """
        users, owners = await self._graph.read(USERS.bind(), OWNERS.bind())
        spellings = sorted({str(found) for (found,) in [*users, *owners] if _is_same(str(found), email)})
        await self._stop_answers(spellings)
        await self._remove_all(spellings)
        await self.tidy_up()
        names: list[JsonValue] = [*spellings]
        erased = await self._graph.write(audit_texts.ERASE.bind(emails=names or [email]))
        renamed = await self._rename_usage(email)
        if not spellings and not erased and not renamed:
            raise UserNotFound

    async def tidy_up(self) -> None:
        """Remove what deleted conversations have left: interrupted deletions, calls and prompts."""
        while await self._deletions.resume(_BATCH):
            pass
        await self._audit.collect()
        await self._graph.write(frames.REMOVE_ORPHANS.bind())
        await remove_orphans(self._graph)

    async def _stop_answers(self, emails: list[str]) -> None:
        """Stop the running answers of a user and wait for their ends, so that they store nothing afterwards."""
        ends_at = time.monotonic() + _STOP_SECONDS
        for email in emails:
            while time.monotonic() < ends_at:
                if not await self._graph.write(leases.STOP_ALL_OF.bind(email=email)):
                    break
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _rename_usage(self, email: str) -> bool:
        """Give the usage of a user to a pseudonym; return whether there was any."""
        [users] = await self._graph.read(usage.USERS.bind())
        found = [str(user) for (user,) in users if _is_same(str(user), email)]
        for user in found:
            await self._graph.write(usage.RENAME.bind(user=user, pseudonym=f"erased-{uuid4()}"))
        return bool(found)

    async def _remove_all(self, emails: list[str]) -> None:
        for email in emails:
            while await self._deletions.delete_of(email, _BATCH):
                pass


def _is_same(one: str, other: str) -> bool:
    return one.casefold() == other.strip().casefold()
