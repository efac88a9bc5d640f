"""Operations whose result is a secret: new API keys, rotated credentials, passwords."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from shared.util.patterns import bounded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydantic import JsonValue

    from shared.domain.approval_rules import ApprovalRule
    from shared.domain.models import JsonObject
    from shared.tools.definitions.schemas import Schemas
    from shared.tools.openapi.document import RawOperation

_MAX_SCHEMAS = 2_000
"""Schemas of one operation's responses that are looked at."""
_MAX_NAME_CHARS = 200
_SECRETS = ("secret", "password", "passphrase", "private_key", "api_key", "token", "recovery_codes", "backup_codes")
"""Endings of the names of properties that hold a secret, in snake case."""
_NO_SECRETS = ("next", "page", "continuation", "sync", "previous", "cursor", "csrf", "cancel", "has_", "is_")
"""Beginnings of the names of properties that are no secrets: those of pages, and flags."""
_MAKES = frozenset({"post", "put", "patch"})
_KEYS = frozenset(
    {"api_keys", "api_key", "client_credentials", "client_credential", "access_tokens", "tokens", "secrets"}
)
_RENEWALS = frozenset({"rotate", "regenerate", "reset", "renew", "reissue"})
_CREDENTIALS = _KEYS | {"credential", "credentials", "token", "secret", "password", "passwords"}
_REVOCATIONS = _RENEWALS | {"revoke", "invalidate", "expire", "delete"}
_PASSWORDS = frozenset({"password", "passwords", "reset_password", "password_reset", "change_password"})
_HUMP = bounded(r"(?<=[a-z0-9])(?=[A-Z])", _MAX_NAME_CHARS)
_NO_WORD = bounded(r"[^a-z0-9]+", 2 * _MAX_NAME_CHARS)


def is_offered(name: str, *, has_secret_result: bool, rules: Iterable[ApprovalRule], can_ask: bool = False) -> bool:
    """Return whether the model is offered an operation.

    An operation whose result is a secret needs a rule that allows it: `auto`, or `ask` where calls can be asked about
    (`can_ask`). The first rule whose pattern matches the tool's name decides. Other operations are always offered.
    """
    if not has_secret_result:
        return True
    decision = next((rule.decision for rule in rules if fnmatchcase(name, rule.pattern)), "deny")
    return decision == "auto" or (decision == "ask" and can_ask)


def has_secret_result(raw: RawOperation, schemas: Schemas) -> bool:
    """Return whether the result of an operation is a secret, as far as the document tells.

    A property of a successful response tells it by its name. Where the document does not describe the response, and
    for passwords, the path and the operationId tell it.
    """
    described = False
    for schema in _result_schemas(raw.content.get("responses"), schemas):
        for name, item in _properties(schema, schemas):
            described = True
            if _is_secret(name, item):
                return True
    return raw.method in _MAKES and _is_named_so(raw, is_described=described)


def changes_credentials(raw: RawOperation) -> bool:
    """Return whether an operation replaces or revokes credentials or passwords, as its path and operationId tell.

    Operations that make or rotate credentials are found by their result as well, see `has_secret_result`.
    """
    if raw.method not in _MAKES:
        return False
    if _is_named_so(raw, is_described=False):
        return True
    words = _path_words(raw)
    named = _snake(raw.operation_id or "")
    is_about_keys = not _CREDENTIALS.isdisjoint(words) or any(f"_{word}" in f"_{named}" for word in _CREDENTIALS)
    replaces = bool(words) and words[-1] in _CREDENTIALS
    return replaces or (is_about_keys and not _REVOCATIONS.isdisjoint([*words, *named.split("_")]))


def _path_words(raw: RawOperation) -> list[str]:
    return [_snake(part) for part in raw.path.replace(":", "/").split("/") if part and "{" not in part]


def _is_named_so(raw: RawOperation, *, is_described: bool) -> bool:
    words = _path_words(raw)
    last = words[-1] if words else ""
    if last in _PASSWORDS:
        return True
    if is_described:
        return False
    makes_key = last in _KEYS and raw.method == "post"
    renews_key = last in _RENEWALS and not _KEYS.isdisjoint(words)
    named = _snake(raw.operation_id or "").split("_")
    is_about_keys = any(key in "_".join(named) for key in ("api_key", "client_credential", "secret", "password"))
    return makes_key or renews_key or (is_about_keys and not {"create", *_RENEWALS}.isdisjoint(named))


def _result_schemas(responses: JsonValue, schemas: Schemas) -> Iterator[JsonValue]:
    """Yield the schemas of all successful responses."""
    for status, declared in responses.items() if isinstance(responses, dict) else ():
        content = schemas.resolved(declared).get("content") if status.startswith("2") or status == "default" else None
        for media in content.values() if isinstance(content, dict) and status != "default" else ():
            if isinstance(media, dict):
                yield media.get("schema")


def _properties(schema: JsonValue, schemas: Schemas) -> Iterator[tuple[str, JsonObject]]:
    """Yield all properties of a schema, at any depth."""
    pending = [schema]
    seen: set[str] = set()
    for _ in range(_MAX_SCHEMAS):
        if not pending:
            return
        current = pending.pop()
        reference = current.get("$ref") if isinstance(current, dict) else None
        if isinstance(reference, str):
            if reference in seen:
                continue
            seen.add(reference)
        resolved = schemas.resolved(current)
        properties = resolved.get("properties")
        for name, item in properties.items() if isinstance(properties, dict) else ():
            yield name, schemas.resolved(item)
            pending.append(item)
        for keyword in ("items", "additionalProperties", "allOf", "anyOf", "oneOf", "prefixItems"):
            inner = resolved.get(keyword)
            pending += [each for each in (inner if isinstance(inner, list) else [inner]) if isinstance(each, dict)]


def _is_secret(name: str, schema: JsonObject) -> bool:
    if schema.get("writeOnly") is True or not _may_be_text(schema):
        return False
    return is_secret_name(name) or (schema.get("format") == "password" and not _snake(name).startswith(_NO_SECRETS))


def is_secret_name(name: str) -> bool:
    """Return whether a property of this name holds a secret."""
    snake = _snake(name[:_MAX_NAME_CHARS])
    return snake.endswith(_SECRETS) and not snake.startswith(_NO_SECRETS)


def _may_be_text(schema: JsonObject) -> bool:
    types = schema.get("type")
    members = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(members, list):
        return any(isinstance(member, dict) and _may_be_text(member) for member in members)
    return types is None or not {"string", "array"}.isdisjoint(types if isinstance(types, list) else [types])


def _snake(name: str) -> str:
    return _NO_WORD.sub("_", _HUMP.sub("_", name).lower()).strip("_")
