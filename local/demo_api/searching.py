"""Searches entities by the words in their names and descriptions."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from pydantic import BaseModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.demo_api.schemas.common import Entity
    from local.demo_api.store import OrganizationData

_WORD = re.compile(r"\w+")
_STOP_WORDS = frozenset(
    "a an and are at by for from in is it of on or our that the to us we what where which who with".split()  # noqa: SIM905  # reads as a sentence
)
_PREFIX_SCORE = 0.9
_SIMILAR = 0.8
_SIMILAR_SCORE = 0.7
_DESCRIPTION_WEIGHT = 0.8
_LENGTH_PENALTY = 0.15


class SearchResult(BaseModel):
    """An entity that matches a search."""

    node_label: str
    node_id: str
    attribute: str
    chunk_text: str
    distance: float
    name: str | None = None
    slug: str | None = None
    project_id: str | None = None


def search_nodes(data: OrganizationData, query: str) -> list[SearchResult]:
    """Find the entities with the query's words in their name or description, best match first."""
    words = _words(query)
    found = []
    for label, entity in _nodes(data):
        for attribute, text in (("name", entity.name), ("description", entity.description or "")):
            score = _score(words, text) * (1 if attribute == "name" else _DESCRIPTION_WEIGHT)
            if score > 0:
                found.append(_result(label, entity, attribute, text, score))
    return sorted(found, key=lambda result: (result.distance, result.chunk_text))


def _nodes(data: OrganizationData) -> Iterator[tuple[str, Entity]]:
    yield from (("Project", project) for project in data.projects)
    yield from (("Team", team) for team in data.teams)
    yield from (("ProjectType", project_type) for project_type in data.project_types)
    yield from (("Environment", environment) for environment in data.environments)


def _result(label: str, entity: Entity, attribute: str, text: str, score: float) -> SearchResult:
    return SearchResult(
        node_label=label,
        node_id=entity.id,
        attribute=attribute,
        chunk_text=text,
        distance=round(1 - score, 4),
        name=entity.name,
        slug=entity.slug,
        project_id=entity.id if label == "Project" else None,
    )


def _words(text: str) -> list[str]:
    words = _WORD.findall(text.casefold())
    return [word for word in words if word not in _STOP_WORDS] or words


def _score(query: list[str], text: str) -> float:
    """Return the mean of the best matches of the query's words, with a small penalty for a longer text."""
    words = _words(text)
    if not words or not query:
        return 0.0
    mean = sum(max(_likeness(wanted, word) for word in words) for wanted in query) / len(query)
    further = max(len(words) - len(query), 0) / len(words)
    return mean * (1 - _LENGTH_PENALTY * further)


def _likeness(wanted: str, word: str) -> float:
    if wanted == word:
        return 1.0
    if word.startswith(wanted):
        return _PREFIX_SCORE
    return _SIMILAR_SCORE if SequenceMatcher(None, wanted, word).ratio() >= _SIMILAR else 0.0
