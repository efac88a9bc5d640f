"""The repository of users and service accounts, with the permissions of their roles, their tokens and API keys."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from shared.domain.errors import GraphError
from shared.domain.models import KeyRecord, Principal, Subject
from shared.graph import agtype, security_fields
from shared.graph.admission import Priority
from shared.graph.security_fields import Malformed
from shared.graph.statements import Sql, equals, property_of
from shared.graph.vertex_changes import CHANGED_PROPERTIES, changing
from shared.util import clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.graph.connector import Graph, Rows
    from shared.graph.statements import BoundStatement

log = logging.getLogger(__name__)

_USE_INTERVAL_SECONDS = 60.0

# The roles of the rows of `principal`, with the roles that they inherit, and the permissions that all of them grant.
# This is SQL because Cypher's variable-length paths load every edge of the graph for each query.
_ROLES = f"""
    roles AS (
        SELECT role.id
          FROM principal
          JOIN {{graph}}."MEMBER_OF" membership ON membership.start_id OPERATOR(ag_catalog.=) principal.id
          JOIN {{graph}}."Role" role
            ON {property_of("slug", "role")} OPERATOR(ag_catalog.=) {property_of("role", "membership")}
        UNION
        SELECT inherits.end_id
          FROM roles
          JOIN {{graph}}."INHERITS_FROM" inherits ON inherits.start_id OPERATOR(ag_catalog.=) roles.id
    )"""  # noqa: S608  # labels are constants
_RIGHTS = f"""
    SELECT '"organization"'::ag_catalog.agtype, {property_of("slug", "organization")}
      FROM principal
      JOIN {{graph}}."MEMBER_OF" membership ON membership.start_id OPERATOR(ag_catalog.=) principal.id
      JOIN {{graph}}."Organization" organization ON organization.id OPERATOR(ag_catalog.=) membership.end_id
    UNION ALL
    SELECT '"permission"'::ag_catalog.agtype, {property_of("name", "permission")}
      FROM roles
      JOIN {{graph}}."GRANTS" grants ON grants.start_id OPERATOR(ag_catalog.=) roles.id
      JOIN {{graph}}."Permission" permission ON permission.id OPERATOR(ag_catalog.=) grants.end_id"""  # noqa: S608  # labels are constants


def _find(label: str, key: str, kind: str) -> Sql:
    return Sql(f"""
        WITH RECURSIVE principal AS (
            SELECT id, properties FROM {{graph}}."{label}" WHERE {equals(key, "subject")}
        ), {_ROLES}
        SELECT '"{kind}"'::ag_catalog.agtype, properties FROM principal
        UNION ALL {_RIGHTS}
    """)  # noqa: S608  # labels and keys are constants, values are bound


FIND_USER = _find("User", "email", "user")
FIND_SERVICE_ACCOUNT = _find("ServiceAccount", "slug", "service_account")
FIND_TOKEN = Sql(f"""
    SELECT properties FROM {{graph}}."TokenMetadata" WHERE {equals("jti")}
""")  # noqa: S608  # values are bound
FIND_KEY = Sql(f"""
    WITH RECURSIVE key AS (
        SELECT id, properties FROM {{graph}}."APIKey" WHERE {equals("key_id")}
    ), principal AS (
        SELECT owned.end_id AS id
          FROM key JOIN {{graph}}."OWNED_BY" owned ON owned.start_id OPERATOR(ag_catalog.=) key.id
    ), {_ROLES}
    SELECT '"key"'::ag_catalog.agtype, properties FROM key
    UNION ALL
    SELECT '"user"'::ag_catalog.agtype, owner.properties
      FROM principal JOIN {{graph}}."User" owner ON owner.id OPERATOR(ag_catalog.=) principal.id
    UNION ALL
    SELECT '"service_account"'::ag_catalog.agtype, owner.properties
      FROM principal JOIN {{graph}}."ServiceAccount" owner ON owner.id OPERATOR(ag_catalog.=) principal.id
    UNION ALL {_RIGHTS}
""")  # noqa: S608  # values are bound
RECORD_USE = Sql(f"""
    UPDATE {{graph}}."APIKey" SET properties = {CHANGED_PROPERTIES} WHERE {equals("key_id")}
    RETURNING 'true'
""")  # noqa: S608  # values are bound


class Principals:
    """Users, service accounts, access tokens and API keys."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def find(self, subject: str, token_id: str, *, is_service_account: bool = False) -> Subject:
        """Return a token's subject with its permissions, and whether the token is revoked, in one round trip.

        Raises:
            GraphUnavailable: the database cannot be reached in time.
        """
        find = FIND_SERVICE_ACCOUNT if is_service_account else FIND_USER
        rows, tokens = await self._read(find.bind(subject=subject), FIND_TOKEN.bind(jti=token_id))
        return Subject(_principal(rows), any(_is_revoked(token) for (token,) in tokens))

    async def find_key(self, key_id: str) -> KeyRecord | None:
        """Return an API key with its owner and the owner's permissions, in one round trip.

        Raises:
            GraphUnavailable: the database cannot be reached in time.
        """
        [rows] = await self._read(FIND_KEY.bind(key_id=key_id))
        return _key_record(key_id, rows)

    async def record_use(self, key: KeyRecord) -> None:
        """Store the time of an API key's use, at most once a minute. A database failure is only logged."""
        if time.time() - key.last_used < _USE_INTERVAL_SECONDS:
            return
        try:
            await self._graph.write(RECORD_USE.bind(key_id=key.key_id, **changing({"last_used": clock.now_text()})))
        except GraphError as error:
            log.warning("the use of an API key could not be stored: %s", type(error).__name__)

    async def _read(self, *statements: BoundStatement) -> list[Rows]:
        return await self._graph.read(*statements)


class FencedPrincipals(Principals):
    """Principals whose queries also run the statement of a fence, in the same round trip."""

    def __init__(self, graph: Graph, fence: BoundStatement) -> None:
        super().__init__(graph)
        self._fence = fence
        self.is_held = False
        """Whether the fence let the last query pass."""

    async def _read(self, *statements: BoundStatement) -> list[Rows]:
        *results, held = await self._graph.repeatable(*statements, self._fence, priority=Priority.UPKEEP)
        self.is_held = bool(held)
        return results


def _is_revoked(token: JsonValue) -> bool:
    """Return whether a token's node says that it is revoked, or says it in a form that cannot be understood."""
    try:
        return not isinstance(token, dict) or security_fields.flag(token, "revoked", absent=False)
    except Malformed as error:
        log.warning("a TokenMetadata node revokes its token, because %s", error)
        return True


def _key_record(key_id: str, rows: Rows) -> KeyRecord | None:
    """Return the key of the rows, or None if there is none or one of its fields is malformed."""
    properties = next((value for kind, value in rows if kind == "key" and isinstance(value, dict)), None)
    if properties is None:
        return None
    try:
        return KeyRecord(
            key_id=key_id,
            key_hash=agtype.text(properties.get("key_hash")),
            scopes=security_fields.names(properties, "scopes"),
            is_revoked=security_fields.flag(properties, "revoked", absent=False),
            expires_at=security_fields.seconds(properties, "expires_at", absent=float("inf")),
            last_used=_last_used(properties),
            owner=_principal(rows),
        )
    except Malformed as error:
        log.warning("the API key %s is refused, because %s", key_id, error)
        return None


def _last_used(properties: JsonObject) -> float:
    try:
        return security_fields.seconds(properties, "last_used", absent=0.0)
    except Malformed:
        return 0.0


def _principal(rows: Rows) -> Principal | None:
    """Return the user or service account of the rows with its permissions, or None if it is unknown or not active.

    Several nodes of one user count as one user, who is active, and an administrator, only if all of them say so. Nodes
    of several users are nobody, so a key with two owners is refused.
    """
    nodes = [(kind, value) for kind, value in rows if kind in {"user", "service_account"} and isinstance(value, dict)]
    subjects = {(kind, _subject(kind, properties)) for kind, properties in nodes}
    if len(subjects) != 1:
        return None
    kind, subject = next(iter(subjects))
    try:
        is_active = all(security_fields.flag(properties, "is_active", absent=True) for _, properties in nodes)
    except Malformed as error:
        log.warning("a %s node is refused, because %s", kind, error)
        return None
    if not is_active or not subject:
        return None
    return Principal(
        subject=subject,
        display_name=agtype.text(nodes[0][1].get("display_name")) or subject,
        is_admin=all(properties.get("is_admin") is True for _, properties in nodes),
        is_service_account=kind == "service_account",
        permissions=frozenset(_texts(rows, "permission")),
        organizations=tuple(sorted(set(_texts(rows, "organization")))),
    )


def _subject(kind: JsonValue, properties: JsonObject) -> str:
    return agtype.text(properties.get("slug" if kind == "service_account" else "email"))


def _texts(rows: Rows, wanted: str) -> Iterator[str]:
    return (value for kind, value in rows if kind == wanted and isinstance(value, str))
