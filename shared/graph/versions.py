"""The versions of PostgreSQL and Apache AGE, and the least version of AGE that the service works with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.graph.connector import Connection

LEAST_AGE = (1, 5)

_VERSIONS = """
    SELECT split_part(current_setting('server_version'), ' ', 1),
           (SELECT extversion FROM pg_extension WHERE extname = 'age')"""


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of PostgreSQL and of the extension AGE, which is None if it is not installed."""

    postgresql: str
    age: str | None

    @property
    def problem(self) -> str | None:
        """Why the service cannot work with this version of AGE, and what to do; None if it can."""
        if self.age is None or tuple(map(int, re.findall(r"[0-9]+", self.age))) >= LEAST_AGE:
            return None
        least = ".".join(map(str, LEAST_AGE))
        return (
            f"Apache AGE {self.age} is too old: the service needs {least} or newer. Install a newer AGE in the server,"
            " then run ALTER EXTENSION age UPDATE."
        )


async def versions(connection: Connection) -> Versions:
    """Read the versions."""
    row = await (await connection.execute(_VERSIONS)).fetchone()
    postgresql, age = row or (None, None)
    return Versions(str(postgresql), age)
