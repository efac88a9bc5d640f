"""An independent serialiser: what OpenAPI's tables say should arrive, written as the tables are.

It shares no code with the service. Values that the tables leave open are written as JSON; null is left out of them.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote


def compact(value: Any) -> str:
    """Write a value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def plain(value: Any) -> str:
    """Write one value as text."""
    return value if isinstance(value, str) else compact(value)


def encoded(value: Any) -> str:
    """Write one value percent-encoded."""
    return quote(plain(value), safe="-._~")


def _kind(value: Any) -> str:
    return "array" if isinstance(value, list) else "object" if isinstance(value, dict) else "primitive"


def in_path(style: str, name: str, value: Any, *, explode: bool) -> str:
    """Write a path parameter (the rows simple, label and matrix of the table "Style Examples")."""
    n = encoded(name)
    one = encoded(value)
    items = [encoded(item) for item in value] if isinstance(value, list) else []
    members = [(encoded(k), encoded(v)) for k, v in value.items()] if isinstance(value, dict) else []
    flat = ",".join(f"{k},{v}" for k, v in members)
    rows = {
        ("simple", "primitive", False): one,
        ("simple", "primitive", True): one,
        ("simple", "array", False): ",".join(items),
        ("simple", "array", True): ",".join(items),
        ("simple", "object", False): flat,
        ("simple", "object", True): ",".join(f"{k}={v}" for k, v in members),
        ("label", "primitive", False): "." + one,
        ("label", "primitive", True): "." + one,
        ("label", "array", False): "." + ",".join(items),
        ("label", "array", True): "." + ".".join(items),
        ("label", "object", False): "." + flat,
        ("label", "object", True): "." + ".".join(f"{k}={v}" for k, v in members),
        ("matrix", "primitive", False): f";{n}={one}",
        ("matrix", "primitive", True): f";{n}={one}",
        ("matrix", "array", False): f";{n}=" + ",".join(items),
        ("matrix", "array", True): "".join(f";{n}={item}" for item in items),
        ("matrix", "object", False): f";{n}={flat}",
        ("matrix", "object", True): "".join(f";{k}={v}" for k, v in members),
    }
    return rows[style, _kind(value), explode]


def in_query(style: str, name: str, value: Any, *, explode: bool) -> str:
    """Write a query parameter (the rows form, spaceDelimited, pipeDelimited and deepObject of the table)."""
    n = encoded(name)
    if style == "deepObject":
        return _deep(name, value)
    separator = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C"}[style]
    match value:
        case list():
            items = [encoded(item) for item in value if item is not None]
            joined = [f"{n}={item}" for item in items] if explode else [f"{n}={separator.join(items)}"]
            return "&".join(joined) if items else ""
        case dict():
            members = [(encoded(k), encoded(v)) for k, v in value.items() if v is not None]
            if not members:
                return ""
            if explode:
                return "&".join(f"{k}={v}" for k, v in members)
            return f"{n}=" + separator.join(f"{k}{separator}{v}" for k, v in members)
    return f"{n}={encoded(value)}"


def _deep(name: str, value: Any) -> str:
    found: list[str] = []
    stack = [(name, value)]
    while stack:
        key, current = stack.pop(0)
        if current is None:
            continue
        if isinstance(current, dict):
            stack = [(f"{key}[{inner}]", item) for inner, item in current.items()] + stack
        elif isinstance(current, list):
            found += [f"{encoded(key)}={encoded(item)}" for item in current if item is not None]
        else:
            found.append(f"{encoded(key)}={encoded(current)}")
    return "&".join(found)


def in_header(value: Any, *, explode: bool) -> str:
    """Write a header, which is not percent-encoded."""
    match value:
        case list():
            return ",".join(plain(item) for item in value)
        case dict():
            return ",".join(f"{k}={plain(v)}" if explode else f"{k},{plain(v)}" for k, v in value.items())
    return plain(value)


def in_cookie(name: str, value: Any, *, explode: bool) -> str:
    """Write cookies: one, or one for each element."""
    match value:
        case list() if explode:
            return "; ".join(f"{name}={plain(item)}" for item in value)
        case dict() if explode:
            return "; ".join(f"{k}={plain(v)}" for k, v in value.items())
        case list():
            return f"{name}=" + ",".join(plain(item) for item in value)
        case dict():
            return f"{name}=" + ",".join(f"{k},{plain(v)}" for k, v in value.items())
    return f"{name}={plain(value)}"


def in_form(name: str, value: Any, encoding: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Write a field of a form as decoded pairs."""
    if encoding and "contentType" in encoding:
        return [(name, compact(value) if "json" in encoding["contentType"] else plain(value))]
    if encoding:
        style = encoding.get("style", "form")
        explode = encoding.get("explode", style in {"form", "deepObject"})
        return _styled_pairs(style, name, value, explode=explode)
    if isinstance(value, dict):
        return [(name, compact(value))]
    return [(name, plain(item)) for item in value] if isinstance(value, list) else [(name, plain(value))]


def _styled_pairs(style: str, name: str, value: Any, *, explode: bool) -> list[tuple[str, str]]:
    if style == "deepObject":
        return [
            (f"{name}[{key}]", plain(each))
            for key, item in (value.items() if isinstance(value, dict) else ())
            for each in (item if isinstance(item, list) else [item])
        ] or [(name, plain(each)) for each in (value if isinstance(value, list) else [value])]
    separator = {"form": ",", "spaceDelimited": " ", "pipeDelimited": "|"}[style]
    if isinstance(value, list):
        items = [plain(item) for item in value]
        return [(name, item) for item in items] if explode else [(name, separator.join(items))]
    if isinstance(value, dict):
        members = [(key, plain(item)) for key, item in value.items()]
        return members if explode else [(name, separator.join(f"{k}{separator}{v}" for k, v in members))]
    return [(name, plain(value))]


def in_multipart(
    name: str, value: Any, encoding: dict[str, Any] | None
) -> list[tuple[str, str | None, str | None, bytes]]:
    """Write a field of a multipart form as parts: one for each element, JSON for objects."""
    if encoding and "contentType" in encoding:
        media_type = encoding["contentType"]
        items = value if isinstance(value, list) else [value]
        written = [compact(item) if "json" in media_type else plain(item) for item in items]
        return [(name, None, media_type, text.encode()) for text in written]
    if encoding and "style" in encoding:
        return [(key, None, None, text.encode()) for key, text in in_form(name, value, encoding)]
    items = value if isinstance(value, list) else [value]
    return [
        (name, None, "application/json" if isinstance(item, dict | list) else None, plain(item).encode())
        for item in items
    ]
