"""Definitions that describe projects and documents: blueprints, link definitions and tags."""

import json
from typing import Annotated, Literal, TypeAlias

from fastapi import APIRouter, Depends, Query, status
from pydantic import BaseModel, Field

from local.company.blueprints import BlueprintFacts
from local.demo_api.auth import OrganizationOf, Requires, StoreOf
from local.demo_api.errors import NotFound, Unprocessable
from local.demo_api.schemas.common import stable_id
from local.demo_api.schemas.organizations import LinkDefinitionResponse, Tag, TagFields, TagResponse
from local.slugs import slug_of

blueprints = APIRouter(prefix="/blueprints", tags=["Blueprints"])
link_definitions = APIRouter(
    prefix="/organizations/{org_slug}/link-definitions", tags=["Organizations", "Link Definitions"]
)
tags = APIRouter(prefix="/organizations/{org_slug}/tags", tags=["Organizations", "Tags"])
_READ_BLUEPRINTS = Depends(Requires("blueprint:read"))

BlueprintType: TypeAlias = Literal["Project", "relationship"]


class Blueprint(BaseModel):
    """A blueprint: a JSON Schema of the attributes that projects of certain types have."""

    id: str
    name: str
    slug: str
    description: str | None = None
    kind: Literal["node", "relationship"] = "node"
    type: Literal["Project"] | None = None
    source: str | None = None
    target: str | None = None
    edge: str | None = None
    enabled: bool = True
    filter: str | None = Field(None, description="JSON: the project types that it applies to; null means all.")
    json_schema: str = Field(description="JSON Schema of the attributes, as text.")


class BlueprintQuery(BaseModel):
    """Filters of the list of blueprints."""

    enabled: bool | None = Field(None, description="Only enabled ones, or only disabled ones.")


@blueprints.get("/", dependencies=[_READ_BLUEPRINTS])
async def list_blueprints(query: Annotated[BlueprintQuery, Query()], store: StoreOf) -> list[Blueprint]:
    """Retrieve all blueprints: what attributes there are, and for which project types."""
    found = [_blueprint(facts) for facts in store.blueprints]
    return [blueprint for blueprint in found if query.enabled in {None, blueprint.enabled}]


@blueprints.get("/{type}/{slug}", dependencies=[_READ_BLUEPRINTS])
async def get_blueprint(type: BlueprintType, slug: str, store: StoreOf) -> Blueprint:  # noqa: A002  # the path's name
    """Retrieve a blueprint by type (or 'relationship') and slug."""
    for facts in store.blueprints:
        blueprint = _blueprint(facts)
        if blueprint.slug == slug and type == (blueprint.type or blueprint.kind):
            return blueprint
    raise NotFound(f"Blueprint {type}/{slug} not found")


def _blueprint(facts: BlueprintFacts) -> Blueprint:
    on_edge = facts.edge is not None
    return Blueprint(
        id=stable_id("blueprint", facts.slug),
        name=facts.name,
        slug=facts.slug,
        description=facts.description,
        kind="relationship" if on_edge else "node",
        type=None if on_edge else "Project",
        source="Project" if on_edge else None,
        target="Environment" if on_edge else None,
        edge=facts.edge,
        filter=json.dumps({"project_type": list(facts.project_types)}) if facts.project_types else None,
        json_schema=json.dumps({"type": "object", "properties": facts.properties}),
    )


@link_definitions.get("/", dependencies=[Depends(Requires("link_definition:read"))])
async def list_link_definitions(organization: OrganizationOf) -> list[LinkDefinitionResponse]:
    """List all link definitions in an organization, ordered by name; their slugs are the keys of projects' `links`."""
    return [
        LinkDefinitionResponse(**definition.model_dump(), organization=organization.organization)
        for definition in organization.link_definitions
    ]


@tags.get("/", dependencies=[Depends(Requires("tag:read"))])
async def list_tags(organization: OrganizationOf) -> list[TagResponse]:
    """List the tags of an organization, ordered by name."""
    return [TagResponse(**tag.model_dump(), organization=organization.organization) for tag in organization.tags]


@tags.post("/", status_code=status.HTTP_201_CREATED, dependencies=[Depends(Requires("tag:create"))])
async def create_tag(organization: OrganizationOf, tag: TagFields) -> TagResponse:
    """Create a new tag in an organization.

    Answers 409 where a tag has the slug already.
    """
    slug = tag.slug or slug_of(tag.name)
    if not slug:
        raise Unprocessable(f"No slug can be made from {tag.name!r}; give one")
    created = organization.tags.put(Tag.model_validate({**tag.model_dump(), "slug": slug}))
    return TagResponse(**created.model_dump(), organization=organization.organization)
