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

EMPTY = "\N{EN DASH}"
"""The content of an empty cell."""
MOST_ROWS = 25
MOST_COLUMNS = 6
MOST_FIELDS = 16
FEW_COLUMNS = 4
"""The highest number of columns in a table that shows slugs beside names."""
LONGEST_CELL = 90
LONGEST_TEXT = 2000
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


def table(records: Sequence[Record], pages: Pages, phrase: str) -> str:
    """Render a table of records; the first column links to their pages."""
    if not records:
        return "None."
    columns = _columns(records)
    heads = " | ".join(heading(column) for column in columns)
    rows = [f"| {heads} |", "|" + " --- |" * len(columns)]
    for record in records[:MOST_ROWS]:
        cells = [cell(record.get(column)) for column in columns]
        cells[0] = pages.link(phrase, record, cells[0])
        rows.append(f"| {' | '.join(cells)} |")
    if len(records) > MOST_ROWS:
        rows += ["", f"…and {len(records) - MOST_ROWS} more."]
    return "\n".join(rows)


def fields(record: Record) -> str:
    """Render the fields of a record as a list."""
    keys = [key for key in _ordered(record) if key not in {"name", "display_name"} and has_value(record[key])]
    return "\n".join(f"- **{heading(key)}:** {cell(record[key])}" for key in keys[:MOST_FIELDS])


def any_result(result: ToolResult, pages: Pages, phrase: str) -> str:
    """Render any tool result: as a table, as fields, or as plain text."""
    if result.is_list:
        return table(result.records, pages, phrase) + cut_notice(result)
    return fields(result.record) + cut_notice(result) if result.record else _plain(result)


def cut_notice(result: ToolResult) -> str:
    """Return a sentence for a result that was cut off; empty for a complete one."""
    return "\n\n*The result was too long and was cut off: there is more than I can show.*" if result.is_cut else ""


def cell(value: JsonValue) -> str:
    """Render a value briefly, in a form that fits a table's cell."""
    if value is None or value in ("", [], {}):
        return EMPTY
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return (
            cell(name_of(value)) if name_of(value) else cell(", ".join(f"{key}: {_short(value[key])}" for key in value))
        )
    if isinstance(value, list):
        more = f", … ({len(value)})" if len(value) > _MOST_ITEMS else ""
        return ", ".join(cell(item) for item in value[:_MOST_ITEMS]) + more
    if isinstance(value, float):
        return f"{value:g}"
    return _escaped(_moment(str(value)))


def _columns(records: Sequence[Record]) -> list[str]:
    merged: Record = {}
    for record in records[:MOST_ROWS]:
        merged |= {key: value for key, value in record.items() if has_value(value)}
    columns = [key for key in _ordered(merged) if _fits_a_cell(merged[key])]
    if "name" in columns and "slug" in columns and len(columns) > FEW_COLUMNS:
        columns.remove("slug")
    return columns[:MOST_COLUMNS] or list(records[0])[:MOST_COLUMNS]


def _ordered(record: Record) -> list[str]:
    first = [key for key in _FIRST if key in record]
    rest = [key for key in record if key not in {*first, *_LAST, *HIDDEN} and not key.endswith("_id")]
    return [*first, *rest, *(key for key in _LAST if key in record)]


def _fits_a_cell(value: JsonValue) -> bool:
    return not isinstance(value, dict) or bool(name_of(value))


def has_value(value: JsonValue) -> bool:
    """Return whether a value is neither null nor empty."""
    return value is not None and value not in ("", [], {})


def heading(key: str) -> str:
    """Return a field's name as people write it."""
    words = key.removesuffix("_slug").replace("_", " ").strip()
    return (words[:1].upper() + words[1:]) or key


def _moment(text: str) -> str:
    if not re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d", text):
        return text
    try:
        return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return text


def _escaped(text: str) -> str:
    flat = " ".join(text.split()).replace("|", "\\|")
    return flat if len(flat) <= LONGEST_CELL else flat[: LONGEST_CELL - 1] + "…"


def _short(value: JsonValue) -> str:
    if isinstance(value, dict):
        return name_of(value) or "…"
    return "…" if isinstance(value, list) else cell(value)


def _plain(result: ToolResult) -> str:
    text = result.text.strip() or "(nothing)"
    shown = text[:LONGEST_TEXT]
    more = f"\n\n*…and {len(text) - len(shown)} more characters.*" if len(text) > len(shown) else ""
    return f"```text\n{shown}\n```{more}" if "\n" in shown else f"> {shown}{more}"
