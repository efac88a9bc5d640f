"""The erasure of a user's data: the conversations with all that belongs to them, and the texts of audited calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain.errors import UserNotFound
from shared.graph import audit_texts, orphans
from shared.graph.audit_trail import AuditTrail
from shared.graph.deletions import Deletions
from shared.graph.statements import Sql, property_of

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.graph.connector import Graph

_BATCH = 100


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

        The user and the rows of the audit stay; these rows lose arguments and paths.

        Raises:
            UserNotFound: there is no such user, and nobody of this name has conversations.
        """
        users, owners = await self._graph.read(USERS.bind(), OWNERS.bind())
        spellings = sorted({str(found) for (found,) in [*users, *owners] if _is_same(str(found), email)})
        await self._remove_all(spellings)
        await self.tidy_up()
        names: list[JsonValue] = [*spellings]
        erased = await self._graph.write(audit_texts.ERASE.bind(emails=names or [email]))
        if not spellings and not erased:
            raise UserNotFound

    async def tidy_up(self) -> None:
        """Remove what deleted conversations have left: interrupted deletions, calls and prompts."""
        while await self._deletions.resume(_BATCH):
            pass
        await self._audit.collect()
        await self._graph.write(orphans.REMOVE_ORPHANS.bind())

    async def _remove_all(self, emails: list[str]) -> None:
        for email in emails:
            while await self._deletions.delete_of(email, _BATCH):
                pass


def _is_same(one: str, other: str) -> bool:
    return one.casefold() == other.strip().casefold()
