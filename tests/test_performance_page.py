"""The figures in `docs/performance.md` are those of `bench/figures.json`."""

from __future__ import annotations

from dataclasses import replace

from bench import runs
from bench.page import BEGIN, END, FIGURES, PAGE, with_figures
from bench.scenarios import SCENARIOS

PUBLISHED = runs.load(FIGURES)


def test_the_page_shows_the_published_figures() -> None:
    page = PAGE.read_text()
    assert page == with_figures(page, PUBLISHED)
    assert (page.count(BEGIN), page.count(END)) == (1, 1)


def test_another_figure_would_change_the_page() -> None:
    name, run = next(iter(PUBLISHED.items()))
    changed = replace(run, figures=[replace(run.figures[0], value=run.figures[0].value * 2 + 1), *run.figures[1:]])
    assert PAGE.read_text() != with_figures(PAGE.read_text(), {**PUBLISHED, name: changed})


def test_only_scenarios_are_published() -> None:
    assert PUBLISHED
    assert PUBLISHED.keys() <= SCENARIOS.keys()


def test_the_page_names_the_scenarios_that_are_not_published() -> None:
    assert "Not measured" in with_figures(PAGE.read_text(), {})
