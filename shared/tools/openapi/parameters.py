"""The parameters of an operation, and the rules by which their values are written into a request."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

from shared.tools.definitions.nullability import without_null
from shared.tools.definitions.property_names import accepted_name, with_real_name
from shared.util.patterns import bounded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic import JsonValue

    from shared.domain.models import JsonObject
    from shared.tools.definitions.schemas import Schemas
    from shared.tools.openapi.document import RawOperation

Location: TypeAlias = Literal["path", "query", "header", "cookie", "body"]
Style: TypeAlias = Literal["simple", "label", "matrix", "form", "spaceDelimited", "pipeDelimited", "deepObject"]

BODY: Final = "body"
"""The location of the body, and the name of an argument that is the whole body."""

PLACEHOLDER = bounded(r"\{([^{}]+)\}", 2_000)
"""A parameter in a path template."""

_STYLES: Mapping[Location, tuple[Style, ...]] = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
    "body": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
}
"""The styles of each location, the default first (OpenAPI 3.1, "Style Values")."""

_SET_BY_CLIENT = frozenset(
    {
        "accept",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that the HTTP client or the caller's credential sets, never the model."""


class Unusable(ValueError):
    """An operation cannot be made into a tool; the message says why."""


@dataclass(frozen=True, slots=True)
class Serialization:
    """How a value is written outside JSON: by a style, or by a media type where one is set."""

    style: Style
    explode: bool
    allows_reserved: bool = False
    media_type: str = ""
    is_file: bool = False
    """The value, or each element of a list, is a file of a multipart form."""
    is_base64: bool = False
    """The file is sent as base64 text (`contentEncoding: base64`)."""


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a tool, and its place in the request."""

    name: str
    location: Location
    wire_name: str
    schema: JsonObject
    is_required: bool = False
    allows_null: bool = False
    serialization: Serialization | None = None
    """How the value is written; None is JSON, as a part of the body or as the whole body."""


def read_parameters(raw: RawOperation, schemas: Schemas) -> list[Argument]:
    """Read the parameters of an operation; a placeholder of the path that is not declared is a string.

    Raises:
        Unusable: a parameter cannot be read.
    """
    placeholders = dict.fromkeys(PLACEHOLDER.findall(raw.path))
    declared = [_parameter(parameter, schemas) for parameter in raw.parameters]
    kept = [
        argument
        for argument in declared
        if not (argument.location == "header" and argument.wire_name.lower() in _SET_BY_CLIENT)
        and (argument.location != "path" or argument.wire_name in placeholders)
    ]
    known = {argument.wire_name for argument in kept if argument.location == "path"}
    simple = Serialization("simple", explode=False)
    missing = [
        Argument(name, "path", name, {"type": "string"}, is_required=True, serialization=simple)
        for name in placeholders
        if name not in known
    ]
    return [*missing, *kept]


def _parameter(parameter: JsonObject, schemas: Schemas) -> Argument:
    name, location = parameter.get("name"), _location(parameter.get("in"))
    if not isinstance(name, str) or not name or not name.isprintable() or location is None:
        raise Unusable("a parameter cannot be read")
    schema, media_type = parameter.get("schema"), ""
    if schema is None:
        media_type, schema = _only_content(parameter.get("content"))
    converted = without_null(schemas.converted(schema))
    if isinstance(text := parameter.get("description"), str) and "description" not in converted:
        converted = {**converted, **schemas.converted({"description": text})}
    return Argument(
        name=name,
        location=location,
        wire_name=name,
        schema=converted,
        is_required=location == "path" or parameter.get("required") is True,
        serialization=read_serialization(parameter, location, media_type),
    )


def read_serialization(declared: JsonObject, location: Location, media_type: str = "") -> Serialization:
    """Read `style`, `explode` and `allowReserved` of a parameter or of a form's field."""
    styles = _STYLES[location]
    style = next((known for known in styles if known == declared.get("style")), styles[0])
    explode = declared.get("explode")
    if not isinstance(explode, bool) or style == "deepObject":
        # A list in one cookie is written with commas: few servers read a repeated cookie.
        explode = style in {"form", "deepObject"} and location != "cookie"
    return Serialization(
        style=style,
        explode=explode,
        allows_reserved=declared.get("allowReserved") is True,
        media_type=media_type,
    )


def _location(value: JsonValue) -> Location | None:
    return next((location for location in get_args(Location) if location == value != BODY), None)


def _only_content(content: JsonValue) -> tuple[str, JsonValue]:
    """Read the one media type of a parameter that has `content` instead of `schema`."""
    if not isinstance(content, dict) or not content:
        return "", None
    media_type = next(iter(content))
    media = content[media_type]
    return media_type.lower(), media.get("schema") if isinstance(media, dict) else None


def named(arguments: Iterable[Argument], texts: Mapping[str, str]) -> list[Argument]:
    """Give each argument a unique name that the Messages API accepts.

    A parameter that shares its name with a field of the body, or with a parameter elsewhere, gets its location as a
    suffix. The description of a renamed argument has the real name. `texts` are descriptions by real name.
    """
    found = list(arguments)
    shared = Counter(argument.name for argument in found)
    names: set[str] = set()
    result = []
    for argument in sorted(found, key=lambda argument: argument.location == BODY):
        is_shared = shared[argument.name] > 1 and argument.location != BODY
        wanted = f"{argument.name}__{argument.location}" if is_shared else argument.name
        name = accepted_name(wanted, names)
        names.add(name)
        text = texts.get(argument.name) or ("In the path." if is_shared and argument.location == "path" else "")
        schema = {"description": text, **argument.schema} if text else argument.schema
        if name != wanted:
            schema = {**schema, "description": with_real_name(str(schema.get("description") or ""), argument.wire_name)}
        result.append(replace(argument, name=name, schema=schema))
    return result
