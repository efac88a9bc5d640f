"""The figures in `docs/performance.md`, which are rendered from `bench/figures.json`: `python -m bench.page`.

A run with `--publish` writes both files. Without names of scenarios it measures all of them; otherwise the figures of
the other scenarios stay.
"""

from __future__ import annotations

from bench import runs
from bench.figures import table
from bench.processes import ROOT
from bench.runs import Run, Runs
from bench.scenarios import SCENARIOS

FIGURES = ROOT / "bench" / "figures.json"
PAGE = ROOT / "docs" / "performance.md"
BEGIN = "<!-- The figures begin: `python -m bench.page` renders them from bench/figures.json. -->\n"
END = "<!-- The figures end. -->\n"


def publish(measured: Runs) -> None:
    """Add runs to the published ones, without the details, and render the page."""
    kept = runs.load(FIGURES)
    for name, run in measured.items():
        shown = [each for each in run.figures if not each.is_detail]
        kept[name] = Run(
            run.measured_on, run.python, run.processors, run.load, run.database, run.is_quick, figures=shown
        )
    runs.save(FIGURES, kept)
    render()


def render() -> None:
    """Write the published figures into the page."""
    PAGE.write_text(with_figures(PAGE.read_text(), runs.load(FIGURES)))


def with_figures(page: str, published: Runs) -> str:
    """Return the page's text with these figures."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    sections = (f"### `{name}`\n\n{_circumstances(run)}\n\n{table(run.figures)}\n\n" for name, run in published.items())
    missing = [f"`{name}`" for name in SCENARIOS if name not in published]
    note = f"Not measured since their last change: {', '.join(missing)}.\n\n" if missing else ""
    return f"{before}{BEGIN}\n{''.join(sections)}{note}{END}{after}"


def _circumstances(run: Run) -> str:
    samples = ", with few samples" if run.is_quick else ""
    return (
        f"Measured on {run.measured_on}{samples}: Python {run.python}, {run.processors} processors, {run.database}; the"
        f" load was {run.load} at the end."
    )


if __name__ == "__main__":
    render()
