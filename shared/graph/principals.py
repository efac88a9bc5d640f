"""Users and service accounts with the permissions of their roles, and revoked tokens: one round trip for all."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from shared.domain.errors import GraphError
from shared.domain.models import KeyRecord, Principal, Subject
from shared.graph import agtype
from shared.graph.statements import Cypher, Sql, property_of
from shared.util import clock

if TYPE_CHECKING:
    from pydantic import JsonValue

    from shared.graph.connector import Graph, Rows


log = logging.getLogger(__name__)


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
        SELECT principal.properties, NULL::ag_catalog.agtype, NULL::ag_catalog.agtype
          FROM {{graph}}."{label}" principal
         WHERE {property_of(key, "principal")} = %(subject)s::ag_catalog.agtype
        UNION ALL
        SELECT NULL::ag_catalog.agtype, {property_of("name", "permission")}, NULL::ag_catalog.agtype
          FROM roles
          JOIN {{graph}}."GRANTS" grants ON grants.start_id = roles.id
          JOIN {{graph}}."Permission" permission ON permission.id = grants.end_id
        UNION ALL
        SELECT NULL::ag_catalog.agtype, NULL::ag_catalog.agtype, {property_of("slug", "organization")}
          FROM {{graph}}."{label}" principal
          JOIN {{graph}}."MEMBER_OF" membership ON membership.start_id = principal.id
          JOIN {{graph}}."Organization" organization ON organization.id = membership.end_id
         WHERE {property_of(key, "principal")} = %(subject)s::ag_catalog.agtype
    """)  # noqa: S608  # labels and keys are constants, values are bound


FIND_USER = _find("User", "email")
FIND_SERVICE_ACCOUNT = _find("ServiceAccount", "slug")
FIND_TOKEN = Sql(f"""
    SELECT properties FROM {{graph}}."TokenMetadata" WHERE {property_of("jti")} = %(jti)s::ag_catalog.agtype
""")  # noqa: S608  # values are bound


FIND_KEY = Sql(f"""
    WITH RECURSIVE key AS (
        SELECT id, properties FROM {{graph}}."APIKey" WHERE {property_of("key_id")} = %(key_id)s::ag_catalog.agtype
    ), owner AS (
        SELECT owned.end_id AS id FROM key JOIN {{graph}}."OWNED_BY" owned ON owned.start_id = key.id
    ), roles AS (
        SELECT role.id
          FROM owner
          JOIN {{graph}}."MEMBER_OF" membership ON membership.start_id = owner.id
          JOIN {{graph}}."Role" role ON {property_of("slug", "role")} = {property_of("role", "membership")}
        UNION
        SELECT inherits.end_id
          FROM roles
          JOIN {{graph}}."INHERITS_FROM" inherits ON inherits.start_id = roles.id
    )
    SELECT '"key"'::ag_catalog.agtype, properties FROM key
    UNION ALL
    SELECT '"user"'::ag_catalog.agtype, principal.properties
      FROM owner JOIN {{graph}}."User" principal ON principal.id = owner.id
    UNION ALL
    SELECT '"service_account"'::ag_catalog.agtype, principal.properties
      FROM owner JOIN {{graph}}."ServiceAccount" principal ON principal.id = owner.id
    UNION ALL
    SELECT '"permission"'::ag_catalog.agtype, {property_of("name", "permission")}
      FROM roles
      JOIN {{graph}}."GRANTS" grants ON grants.start_id = roles.id
      JOIN {{graph}}."Permission" permission ON permission.id = grants.end_id
    UNION ALL
    SELECT '"organization"'::ag_catalog.agtype, {property_of("slug", "organization")}
      FROM owner
      JOIN {{graph}}."MEMBER_OF" membership ON membership.start_id = owner.id
      JOIN {{graph}}."Organization" organization ON organization.id = membership.end_id
""")  # noqa: S608  # values are bound
NOTE_USE = Cypher("""
    MATCH (key:APIKey) WHERE key.key_id = $key_id
    SET key.last_used = $last_used
    RETURN key.key_id
""")

_NOTED_EVERY_SECONDS = 60.0


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

    async def find_key(self, key_id: str) -> KeyRecord | None:
        """Look up an API key with its owner and the owner's permissions, in one round trip.

        Raises:
            GraphUnavailable: the database cannot be reached.
        """
        [rows] = await self._graph.read(FIND_KEY.bind(key_id=key_id))
        return _key(key_id, rows)

    async def note_use(self, key: KeyRecord) -> None:
        """Note that a key has been used, at most once a minute; a database that cannot do so now fails nobody."""
        if time.time() - key.last_used < _NOTED_EVERY_SECONDS:
            return
        try:
            await self._graph.write(NOTE_USE.bind(key_id=key.key_id, last_used=clock.text_of(clock.now())))
        except GraphError as error:
            log.warning("the use of an API key could not be noted: %s", type(error).__name__)


def _key(key_id: str, rows: Rows) -> KeyRecord | None:
    properties = next((value for kind, value in rows if kind == "key" and isinstance(value, dict)), None)
    if properties is None:
        return None
    scopes = agtype.structure(properties.get("scopes"))
    return KeyRecord(
        key_id=key_id,
        key_hash=_text(properties.get("key_hash")),
        scopes=frozenset(each for each in scopes if isinstance(each, str)) if isinstance(scopes, list) else frozenset(),
        is_revoked=properties.get("revoked") is True,
        expires_at=_seconds(properties.get("expires_at"), float("inf")),
        last_used=_seconds(properties.get("last_used"), 0.0),
        owner=_owner(rows),
    )


def _owner(rows: Rows) -> Principal | None:
    for kind, properties in rows:
        if kind in {"user", "service_account"} and isinstance(properties, dict):
            subject = _text(properties.get("email" if kind == "user" else "slug"))
            found: Rows = [
                (properties, None, None),
                *((None, value, None) for each, value in rows if each == "permission"),
                *((None, None, value) for each, value in rows if each == "organization"),
            ]
            return _principal(found, subject, is_service_account=kind != "user")
    return None


def _seconds(value: JsonValue, otherwise: float) -> float:
    """Read a time; one that cannot be read is long ago, so that a key with a broken expiry is expired."""
    if value is None:
        return otherwise
    try:
        return clock.read(_text(value)).timestamp()
    except ValueError:
        return 0.0


def _principal(rows: Rows, subject: str, *, is_service_account: bool) -> Principal | None:
    properties = next((row[0] for row in rows if isinstance(row[0], dict)), None)
    if properties is None or properties.get("is_active") is False:
        return None
    return Principal(
        subject=subject,
        display_name=_text(properties.get("display_name")) or subject,
        is_admin=properties.get("is_admin") is True,
        is_service_account=is_service_account,
        permissions=frozenset(name for _, name, _ in rows if isinstance(name, str)),
        organizations=tuple(sorted({slug for _, _, slug in rows if isinstance(slug, str)})),
    )


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""
