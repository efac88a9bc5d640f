"""The parts that all resources share: names, slugs, ids, links and patches."""

import hashlib
import secrets
import string
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

JsonObject: TypeAlias = dict[str, JsonValue]
Name: TypeAlias = Annotated[str, Field(min_length=1, max_length=128, description="The name that people read.")]
Slug: TypeAlias = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]+(?:-[a-z0-9]+)*$",
        max_length=64,
        description="The unique name in URLs: lower-case letters, digits and single hyphens.",
    ),
]

_ALPHABET = string.ascii_letters + string.digits
_ID_LENGTH = 21


def new_id() -> str:
    """Create a random id."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))


def stable_id(kind: str, key: str) -> str:
    """Create the id of an initial entity; the id is the same at every start."""
    digest = hashlib.sha256(f"{kind}/{key}".encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:_ID_LENGTH])


def now() -> datetime:
    """Return the current time, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Moment: TypeAlias = Annotated[datetime, AfterValidator(_aware)]
"""A time; UTC if it has no offset."""


class Named(BaseModel):
    """The fields of everything that has a name."""

    name: Name
    slug: Slug
    description: str | None = Field(None, max_length=4096, description="One or two sentences about it.")
    icon: str | None = Field(None, description="A URL, or the name of an icon such as `lucide:globe`.")


class Fields(Named):
    """The fields that a client writes."""

    model_config = ConfigDict(extra="forbid")


class Entity(Named):
    """A stored entity with a name."""

    id: str = Field(default_factory=new_id)
    created_at: datetime = Field(default_factory=now)
    updated_at: datetime | None = None


class RelationshipLink(BaseModel):
    """A link to related resources, with their number."""

    href: str
    count: int


class PatchOperation(BaseModel):
    """A single JSON Patch operation (RFC 6902)."""

    op: Literal["add", "remove", "replace", "move", "copy", "test"] = Field(description="What to do.")
    path: str = Field(
        description="JSON Pointer (RFC 6901) to the value, for example `/name` or `/links/repository`.",
        examples=["/name"],
    )
    value: JsonValue = Field(None, description="The new value, for `add`, `replace` and `test`.")
    from_: str | None = Field(None, alias="from", description="JSON Pointer to the source, for `move` and `copy`.")
