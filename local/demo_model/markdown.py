"""Renders records as Markdown: tables and lists of fields."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from local.demo_model.tool_results import name_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pydantic import JsonValue

    from local.demo_model.tool_results import Record, ToolResult
    from local.demo_model.ui_pages import Pages

MOST_ROWS = 25
_MOST_COLUMNS = 6
_MOST_FIELDS = 16
_FEW_COLUMNS = 4
"""The highest number of columns in a table that shows slugs beside names."""
_LONGEST_CELL = 90
_LONGEST_TEXT = 2000
_MOST_ITEMS = 5

_FIRST = (
    "name", "display_name", "tag", "title", "occurred_at", "entry_type", "email", "slug", "team", "project",
    "project_types", "project_slug", "environment", "environment_slug", "deployed_at", "performed_by", "version",
    "release", "role", "direction", "description", "notes", "status", "current_status", "deployable", "releasable",
    "score",
)  # fmt: skip
"""The most informative fields, in the order of a table's columns."""
HIDDEN = frozenset(
    {
        "archived", "avatar_url", "breakdown", "closed_pr_count", "committish", "completed_at", "drift_ranges", "icon",
        "id", "identifiers", "json_schema", "label_color", "links", "namespace", "open_pr_count", "organization",
        "plugin_slug", "project_id", "project_type_icon", "recorded_at", "recorded_by", "relationships", "sort_order",
        "updated_at", "viewer_closed_pr_count", "viewer_open_pr_count",
    }
)  # fmt: skip
"""Fields that are not shown, because only programs use them."""
_LAST = ("created_at", "created_by")


def table(records: Sequence[Record], pages: Pages, kind: str) -> str:
    """Render a table of records; the first column links to their pages."""
    if not records:
        return "None."
    columns = _columns(records[:MOST_ROWS])
    rows = [[heading(column) for column in columns], ["---"] * len(columns)]
    for record in records[:MOST_ROWS]:
        first, *others = (cell(record.get(column)) for column in columns)
        rows.append([pages.link(kind, record, first), *others])
    more = f"\n\n…and {len(records) - MOST_ROWS} more." if len(records) > MOST_ROWS else ""
    return "\n".join(f"| {' | '.join(row)} |" for row in rows) + more


def fields(record: Record) -> str:
    """Render the fields of a record as a list, without its name."""
    keys = [key for key in _ordered(record) if has_value(record[key]) and record[key] != name_of(record)]
    return "\n".join(f"- **{heading(key)}:** {cell(record[key])}" for key in keys[:_MOST_FIELDS])


def any_result(result: ToolResult, pages: Pages) -> str:
    """Render any tool result: as a table, as fields, or as plain text."""
    if result.is_list:
        return table(result.records, pages, "") + cut_notice(result)
    if result.record:
        return fields(result.record) + cut_notice(result)
    shown = result.text[:_LONGEST_TEXT] or "(nothing)"
    more = f"\n\n*…and {len(result.text) - len(shown)} more characters.*" if len(result.text) > len(shown) else ""
    return f"```text\n{shown}\n```{more}" if "\n" in shown else f"> {shown}{more}"


def cut_notice(result: ToolResult) -> str:
    """Return a sentence for a result that was cut off; empty for a complete one."""
    return "\n\n*The result was too long and was cut off: there is more than I can show.*" if result.is_cut else ""


def cell(value: JsonValue) -> str:
    """Render a value briefly, in a form that fits a table's cell."""
    if not has_value(value):
        return "\N{EN DASH}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        return cell(name_of(value) or ", ".join(f"{key}: {_short(inner)}" for key, inner in value.items()))
    if isinstance(value, list):
        more = f", … ({len(value)})" if len(value) > _MOST_ITEMS else ""
        return ", ".join(cell(item) for item in value[:_MOST_ITEMS]) + more
    flat = " ".join(_moment(str(value)).split()).replace("|", "\\|")
    return flat if len(flat) <= _LONGEST_CELL else flat[: _LONGEST_CELL - 1] + "…"


def has_value(value: JsonValue) -> bool:
    """Return whether a value is neither null nor empty."""
    return value is not None and value not in ("", [], {})


def heading(key: str) -> str:
    """Return a field's name as people write it."""
    words = key.removesuffix("_slug").replace("_", " ").strip()
    return (words[:1].upper() + words[1:]) or key


def _columns(records: Sequence[Record]) -> list[str]:
    merged: Record = {}
    for record in records:
        merged |= {key: value for key, value in record.items() if has_value(value)}
    columns = [key for key in _ordered(merged) if not isinstance(merged[key], dict) or name_of(merged[key])]
    if "name" in columns and "slug" in columns and len(columns) > _FEW_COLUMNS:
        columns.remove("slug")
    return columns[:_MOST_COLUMNS] or list(records[0])[:_MOST_COLUMNS]


def _ordered(record: Record) -> list[str]:
    first = [key for key in _FIRST if key in record]
    rest = [key for key in record if key not in {*first, *_LAST, *HIDDEN} and not key.endswith("_id")]
    return [*first, *rest, *(key for key in _LAST if key in record)]


def _moment(text: str) -> str:
    try:
        is_moment = re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d", text)
        return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M") if is_moment else text
    except ValueError:
        return text


def _short(value: JsonValue) -> str:
    return (name_of(value) or "…") if isinstance(value, dict) else "…" if isinstance(value, list) else cell(value)
