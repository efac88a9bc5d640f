"""Converts projects between the form that clients write, with slugs, and the stored form, with ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from local.demo_api.errors import NotFound, Unprocessable
from local.demo_api.schemas.common import Entity, JsonObject, now
from local.demo_api.schemas.projects import Project, ProjectCreate

if TYPE_CHECKING:
    from pydantic import JsonValue

    from local.demo_api.collection import Catalog
    from local.demo_api.store import OrganizationData, Store

E = TypeVar("E", bound=Entity)

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {"string": (str,), "number": (int, float), "boolean": (bool,)}


def to_client_fields(data: OrganizationData, project: Project) -> ProjectCreate:
    """Convert a stored project to the form that clients write."""
    return ProjectCreate.model_validate(
        {
            **project.attributes,
            **project.model_dump(include={"name", "slug", "description", "icon", "links", "identifiers"}),
            "team_slug": data.teams.by_id(project.team_id).slug,
            "project_type_slugs": [data.project_types.by_id(type_id).slug for type_id in project.type_ids],
            "environments": {
                environment.slug: project.environments[environment.id] for environment in data.environments_of(project)
            },
        }
    )


def to_project(store: Store, data: OrganizationData, fields: ProjectCreate, project: Project | None = None) -> Project:
    """Convert a client's fields to a new project or to a changed one; answer 422 for unknown references."""
    types = [_referred(data.project_types, slug) for slug in fields.project_type_slugs]
    attributes: JsonObject = {name: value for name, value in fields.__pydantic_extra__.items() if value is not None}
    _check(attributes, store.attributes(types))
    written = {
        **fields.model_dump(include={"name", "slug", "description", "icon", "links", "identifiers"}),
        "team_id": _referred(data.teams, fields.team_slug).id,
        "type_ids": [project_type.id for project_type in types],
        "environments": {
            _referred(data.environments, slug).id: properties for slug, properties in fields.environments.items()
        },
        "attributes": attributes,
    }
    if project is None:
        return Project.model_validate(written)
    return project.model_copy(update={**written, "updated_at": now()})


def _referred(catalog: Catalog[E], slug: str) -> E:
    try:
        return catalog.get(slug)
    except NotFound as error:
        raise Unprocessable(error.detail) from error


def _check(attributes: JsonObject, schemas: dict[str, JsonObject]) -> None:
    for name, value in attributes.items():
        if name not in schemas:
            known = ", ".join(sorted(schemas))
            raise Unprocessable(f"Projects of this type have no attribute {name!r}; they have: {known}")
        _check_value(name, value, schemas[name])


def _check_value(name: str, value: JsonValue, schema: JsonObject) -> None:
    kind = str(schema["type"])
    if not isinstance(value, _PYTHON_TYPES[kind]) or (kind == "number" and isinstance(value, bool)):
        raise Unprocessable(f"Attribute {name!r} is a {kind}, not {value!r}")
    options = schema.get("enum")
    if isinstance(options, list) and value not in options:
        raise Unprocessable(f"Attribute {name!r} is one of {', '.join(map(str, options))}, not {value!r}")
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(value, int | float) and not (_number(low, value) <= value <= _number(high, value)):
        raise Unprocessable(f"Attribute {name!r} lies between {low} and {high}, not at {value!r}")


def _number(bound: JsonValue, otherwise: float) -> float:
    return bound if isinstance(bound, int | float) else otherwise
