"""An in-memory collection of entities with unique slugs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from local.demo_api.errors import Conflict, NotFound
from local.demo_api.schemas.common import Entity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

E = TypeVar("E", bound=Entity)


class Catalog(Generic[E]):
    """Entities of one kind; `noun` names the kind in error messages."""

    def __init__(self, noun: str, entities: Iterable[E] = ()) -> None:
        self._noun = noun
        self._by_id: dict[str, E] = {entity.id: entity for entity in entities}

    def __iter__(self) -> Iterator[E]:
        return iter(sorted(self._by_id.values(), key=lambda entity: entity.name.casefold()))

    def __len__(self) -> int:
        return len(self._by_id)

    def get(self, slug: str) -> E:
        """Return the entity with this slug, or answer 404."""
        entity = self._find(slug)
        if entity is None:
            raise NotFound(f"{self._noun} with slug {slug!r} not found")
        return entity

    def by_id(self, entity_id: str) -> E:
        """Return the entity with this id, or answer 404."""
        entity = self._by_id.get(entity_id)
        if entity is None:
            raise NotFound(f"{self._noun} with id {entity_id!r} not found")
        return entity

    def put(self, entity: E) -> E:
        """Add an entity, or replace the one with the same id; answer 409 if another one has its slug."""
        holder = self._find(entity.slug)
        if holder is not None and holder.id != entity.id:
            raise Conflict(f"{self._noun} with slug {entity.slug!r} already exists")
        self._by_id[entity.id] = entity
        return entity

    def remove(self, entity: E) -> None:
        """Remove an entity."""
        del self._by_id[entity.id]

    def _find(self, slug: str) -> E | None:
        return next((entity for entity in self._by_id.values() if entity.slug == slug), None)
