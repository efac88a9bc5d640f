"""The arguments and paths of audited calls, apart from the audit's chains, so that they can be erased with a user.

The chained record holds a hash of them and of a random salt. A chain can still be verified when they are gone, and
nobody can guess what they were. A plain table of ours in the graph's schema.
"""

from __future__ import annotations

from hashlib import sha256
from secrets import token_hex
from typing import TYPE_CHECKING

import orjson

from shared.graph.statements import Sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain.models import JsonObject

TABLE = "imbi_assistant_audit_text"
RIGHTS = ("INSERT", "DELETE")
"""The rights that the service needs on the table, besides SELECT."""
CREATE_TABLE = (
    f"""
    CREATE TABLE IF NOT EXISTS {{graph}}.{TABLE} (
        hash text PRIMARY KEY,
        user_email text NOT NULL,
        content text NOT NULL
    )""",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_user ON {{graph}}.{TABLE} (user_email)",
)

STORE = Sql(f"""
    INSERT INTO {{graph}}.{TABLE} (hash, user_email, content)
    SELECT hash, user_email, content
      FROM jsonb_to_recordset(%(texts)s::jsonb) AS text (hash text, user_email text, content text)
    ON CONFLICT (hash) DO NOTHING
    RETURNING 'true'
""")  # noqa: S608  # constants
ERASE = Sql(f"""
    DELETE FROM {{graph}}.{TABLE}
     WHERE user_email = ANY (ARRAY(SELECT jsonb_array_elements_text(%(emails)s::jsonb)))
    RETURNING 'true'
""")  # noqa: S608  # constants

HASH = "texts_hash"
"""The member of a record that names its texts."""
_MEMBERS = ("path", "arguments")
_SALT_BYTES = 16


def separated(records: Sequence[JsonObject]) -> tuple[list[JsonObject], list[JsonObject]]:
    """Return records without their texts, and the rows of the texts."""
    chained: list[JsonObject] = []
    texts: list[JsonObject] = []
    for record in records:
        content = {name: record[name] for name in _MEMBERS if record.get(name) is not None}
        rest = {name: value for name, value in record.items() if name not in _MEMBERS}
        if content:
            text = orjson.dumps({**content, "salt": token_hex(_SALT_BYTES)}).decode()
            rest[HASH] = hash_of(text)
            texts.append({"hash": rest[HASH], "user_email": record["user"], "content": text})
        chained.append(rest)
    return chained, texts


def joined(record: JsonObject, text: str | None) -> JsonObject:
    """Return a record with its texts; the members of texts that are erased are null."""
    content: JsonObject = orjson.loads(text) if text else {}
    return {**record, **{name: content.get(name) for name in _MEMBERS}}


def hash_of(text: str) -> str:
    """Return the hash under which a text is stored."""
    return sha256(text.encode()).hexdigest()
