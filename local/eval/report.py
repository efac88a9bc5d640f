"""The results of an evaluation, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.eval.results import CaseResult

    Row = Sequence[CaseResult]
    """The results of one case, one for each model."""

_MAX_NAME = 60
_GAP = "  "


def line(result: CaseResult) -> str:
    """Return a result as one line, for the progress of a run."""
    return f"{_state(result)}  {result.case}{f' ({result.model})' if result.model else ''}"


def table(rows: Sequence[Row]) -> str:
    """Return the results as a table: a column for each model, the difference of two, and the problems below a case."""
    models = _models(rows)
    heads = ["CASE", *models, *(["DIFFERENCE"] if len(models) > 1 else [])]
    cells = [[row[0].case[:_MAX_NAME], *map(_cell, row), *_difference(row)] for row in rows]
    foot = [
        f"{len(rows)} case{'' if len(rows) == 1 else 's'}",
        *(_total([row[at] for row in rows]) for at in range(len(models))),
        *_sums(rows),
    ]
    widths = [max(len(each[at]) for each in [heads, *cells, foot]) for at in range(len(heads))]
    lines = [_joined(heads, widths)]
    for row, each in zip(rows, cells, strict=True):
        lines.append(_joined(each, widths))
        lines += [
            f"    {result.model}: {problem}" if len(models) > 1 else f"    {problem}"
            for result in row
            for problem in result.problems
        ]
    return "\n".join([*lines, _joined(foot, widths)]) + "\n"


def as_json(rows: Sequence[Row]) -> str:
    """Return the results as a JSON object with a member for the models, the cases and the totals."""
    totals = [
        {
            "model": model,
            "passed": sum(row[at].has_passed for row in rows),
            "failed": sum(not row[at].has_passed for row in rows),
            "seconds": round(sum(row[at].seconds for row in rows), 3),
            "cost": _cost([row[at] for row in rows]),
        }
        for at, model in enumerate(_models(rows))
    ]
    cases = [{"name": row[0].case, "results": [_object(result) for result in row]} for row in rows]
    return json.dumps({"models": _models(rows), "cases": cases, "totals": totals}, ensure_ascii=False, indent=2) + "\n"


def _object(result: CaseResult) -> dict[str, object]:
    found = asdict(result) | {"passed": result.has_passed, "seconds": round(result.seconds, 3)}
    found["conversation_id"] = result.conversation_id and str(result.conversation_id)
    del found["case"]
    return found


def _models(rows: Sequence[Row]) -> list[str]:
    """Return the models' names; one of which no conversation could be created has the name that was asked for."""
    columns = zip(*rows, strict=True)
    return [next((result.model for result in column if result.model), "model") for column in columns]


def _state(result: CaseResult) -> str:
    return "ok    " if result.has_passed else "FAILED"


def _cell(result: CaseResult) -> str:
    spent = "" if result.cost is None else f"  ${result.cost:.4f}"
    return f"{_state(result)}  {result.seconds:5.1f} s{spent}"


def _difference(row: Row) -> list[str]:
    if len(row) == 1:
        return []
    first, second = row
    judgement = "same"
    if first.has_passed != second.has_passed:
        judgement = "better" if second.has_passed else "WORSE"
    return [f"{judgement:<6}  {_change([first], [second])}"]


def _sums(rows: Sequence[Row]) -> list[str]:
    return [] if not rows or len(rows[0]) == 1 else [f"{'':<6}  {_change(*zip(*rows, strict=True))}"]


def _change(first: Row, second: Row) -> str:
    seconds = sum(each.seconds for each in second) - sum(each.seconds for each in first)
    before, after = _cost(first), _cost(second)
    spent = "" if before is None or after is None else f"  {'-' if after < before else '+'}${abs(after - before):.4f}"
    return f"{seconds:+5.1f} s{spent}"


def _total(results: Row) -> str:
    passed = sum(result.has_passed for result in results)
    spent = _cost(results)
    cost = "" if spent is None else f"  ${spent:.4f}"
    return f"{passed} ok, {len(results) - passed} failed  {sum(result.seconds for result in results):.1f} s{cost}"


def _cost(results: Row) -> float | None:
    costs = [result.cost for result in results if result.cost is not None]
    return round(sum(costs), 6) if costs else None


def _joined(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()
