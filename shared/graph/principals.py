"""Users and service accounts with the permissions of their roles, and revoked tokens: one round trip for all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.graph.statements import Sql, property_of
from shared.models import Principal

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.graph.age import Graph, Rows


def _find(label: str, key: str) -> Sql:
    # Plain SQL: Cypher's variable-length paths load the edges of the whole graph, whoever asks.
    return Sql(f"""
        WITH RECURSIVE roles AS (
            SELECT role.id
              FROM {{graph}}."{label}" principal
              JOIN {{graph}}."MEMBER_OF" membership ON membership.start_id = principal.id
              JOIN {{graph}}."Role" role ON {property_of("slug", "role")} = {property_of("role", "membership")}
             WHERE {property_of(key, "principal")} = %(subject)s::ag_catalog.agtype
            UNION
            SELECT inherits.end_id
              FROM roles
              JOIN {{graph}}."INHERITS_FROM" inherits ON inherits.start_id = roles.id
        )
        SELECT principal.properties, NULL::ag_catalog.agtype
          FROM {{graph}}."{label}" principal
         WHERE {property_of(key, "principal")} = %(subject)s::ag_catalog.agtype
        UNION ALL
        SELECT NULL::ag_catalog.agtype, {property_of("name", "permission")}
          FROM roles
          JOIN {{graph}}."GRANTS" grants ON grants.start_id = roles.id
          JOIN {{graph}}."Permission" permission ON permission.id = grants.end_id
    """)  # noqa: S608  # labels and keys are constants, values are bound


FIND_USER = _find("User", "email")
FIND_SERVICE_ACCOUNT = _find("ServiceAccount", "slug")
FIND_TOKEN = Sql(f"""
    SELECT properties FROM {{graph}}."TokenMetadata" WHERE {property_of("jti")} = %(jti)s::ag_catalog.agtype
""")  # noqa: S608  # values are bound


@dataclass(frozen=True, slots=True)
class Subject:
    """What the graph says of a token's subject; `principal` is None where it is unknown or inactive."""

    principal: Principal | None
    is_revoked: bool


class Principals:
    """Who may do what."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def find(self, subject: str, token_id: str, *, is_service_account: bool = False) -> Subject:
        """Look up a token's subject, its permissions, and whether the token is revoked.

        Raises:
            GraphUnavailable: the database cannot be reached.
        """
        find = FIND_SERVICE_ACCOUNT if is_service_account else FIND_USER
        rows, tokens = await self._graph.read(find.bind(subject=subject), FIND_TOKEN.bind(jti=token_id))
        is_revoked = any(isinstance(token, dict) and token.get("revoked") is True for (token,) in tokens)
        return Subject(_principal(rows, subject, is_service_account=is_service_account), is_revoked)


def _principal(rows: Rows, subject: str, *, is_service_account: bool) -> Principal | None:
    properties = next((row[0] for row in rows if isinstance(row[0], dict)), None)
    if properties is None or properties.get("is_active") is False:
        return None
    return Principal(
        subject=subject,
        display_name=_text(properties.get("display_name")) or subject,
        is_admin=properties.get("is_admin") is True,
        is_service_account=is_service_account,
        permissions=frozenset(name for _, name in rows if isinstance(name, str)),
    )


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""
