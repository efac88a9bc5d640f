"""Projects: the stored form, the form that clients write, the full and the short responses."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from local.demo_api.schemas.common import Entity, JsonObject, Named, RelationshipLink, Slug
from local.demo_api.schemas.organizations import Environment, Organization, ProjectType, TeamResponse
from local.demo_api.schemas.releases import LatestDeployment, Release, ReleaseInfo


class ConfigurationValue(BaseModel):
    """A configuration value of a project."""

    value: str
    secret: bool = False
    last_modified: datetime | None = None


class Project(Entity):
    """A stored project; it refers to teams, types, environments and other projects by id."""

    team_id: str
    type_ids: list[str]
    environments: dict[str, JsonObject] = Field({})
    links: dict[str, str] = Field({})
    identifiers: dict[str, int | str] = Field({})
    attributes: JsonObject = Field({})
    archived_at: datetime | None = None
    open_pr_count: int = 0
    closed_pr_count: int = 0
    depends_on: list[str] = Field([])
    releases: list[Release] = Field([])
    configuration: dict[str, ConfigurationValue] = Field({})


class ProjectCreate(Named):
    """A project as clients write it; blueprint-defined attributes are extra properties."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue]

    team_slug: Slug = Field(description="Slug of the team that owns the project.")
    project_type_slugs: list[Slug] = Field(min_length=1, description="Slugs of its types, mostly one.")
    environments: dict[str, JsonObject] = Field(
        {},
        description="Environment slug → properties of the deployment there.",
        examples=[{"production": {"url": "https://example.com"}, "staging": {}}],
    )
    links: dict[str, str] = Field({}, description="Slug of a link definition, such as `repository` → URL.")
    identifiers: dict[str, int | str] = Field({}, description="System → the project's id there.")


class EnvironmentRef(Environment):
    """An environment with the properties of the project's deployment there."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue]

    organization: Organization


class ProjectTypeRef(ProjectType):
    """A project type with its organization."""

    organization: Organization


class ProjectRelationships(BaseModel):
    """Links to what belongs to a project, and the number of its dependencies."""

    team: RelationshipLink
    environments: RelationshipLink
    href: str
    outbound_count: int = Field(description="Number of projects that it depends on.")
    inbound_count: int = Field(description="Number of projects that depend on it.")


class PolicyContribution(BaseModel):
    """The contribution of a scoring policy to a score."""

    policy_slug: str
    category: Literal["attribute", "presence", "link_presence"]
    attribute_name: str | None = None
    link_slug: str | None = None
    value: JsonValue = None
    mapped_score: float = Field(description="0 to 100, before it is weighted.")
    weight: int
    weighted_contribution: float


class ScoreBreakdown(BaseModel):
    """A score with its contributions."""

    base_score: float
    attribute_contributions: list[PolicyContribution]


class ProjectResponse(Named):
    """A project; its blueprint-defined attributes, such as `programming_language`, are extra properties."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, JsonValue]

    id: str
    created_at: datetime
    updated_at: datetime | None = None
    archived: bool = False
    archived_at: datetime | None = None
    team: TeamResponse
    project_types: list[ProjectTypeRef]
    environments: list[EnvironmentRef]
    links: dict[str, str] = Field({})
    identifiers: dict[str, int | str] = Field({})
    score: float | None = Field(None, description="0 to 100: how well the project keeps the company's rules.")
    breakdown: ScoreBreakdown | None = None
    relationships: ProjectRelationships
    open_pr_count: int = 0
    closed_pr_count: int = 0
    current_releases: dict[str, ReleaseInfo] = Field({}, description="Environment slug → the release that it serves.")
    latest_deployments: dict[str, LatestDeployment] = Field({})


class LifecycleInvocation(BaseModel):
    """An action of an integration after a project changed."""

    integration_id: str
    plugin_slug: str
    status: Literal["ok", "skipped", "failed"]
    message: str | None = None


class ProjectMutationResponse(ProjectResponse):
    """A project after a change."""

    lifecycle_results: list[LifecycleInvocation] = Field([])


class ProjectDeletedResponse(BaseModel):
    """Confirms that a project was deleted."""

    lifecycle_results: list[LifecycleInvocation] = Field([])


class SlimRef(BaseModel):
    """A name and a slug."""

    name: str
    slug: str


class SlimProjectType(SlimRef):
    """A project type's identity."""

    deployable: bool = False
    releasable: bool = False


class SlimEnvironment(SlimRef):
    """An environment's identity."""

    label_color: str | None = None
    sort_order: int = 0


class ProjectListItem(BaseModel):
    """A project in a few hundred bytes, without links, identifiers and blueprint-defined attributes."""

    id: str
    name: str
    slug: str
    description: str | None = None
    archived: bool = False
    score: float | None = None
    team: SlimRef
    project_types: list[SlimProjectType]
    environments: list[SlimEnvironment]
    open_pr_count: int = 0
    closed_pr_count: int = 0
    current_releases: dict[str, ReleaseInfo] = Field({})
    latest_deployments: dict[str, LatestDeployment] = Field({})


class ProjectRelationshipSummary(BaseModel):
    """The project at the other end."""

    id: str
    name: str
    slug: str
    namespace: str | None = Field(None, description="Slug of the team that owns it.")
    project_type: str | None = None
    project_type_icon: str | None = None
    deprecated: bool = False


class ProjectRelationship(BaseModel):
    """A dependency between the project and another one."""

    direction: Literal["inbound", "outbound"] = Field(
        description="`outbound`: the project depends on the other one; `inbound`: the other one depends on it."
    )
    type: Literal["depends_on"] = "depends_on"
    project: ProjectRelationshipSummary


class ProjectRelationshipsResponse(BaseModel):
    """All dependencies of a project, both ways."""

    relationships: list[ProjectRelationship]


class BlueprintSectionProperty(BaseModel):
    """An attribute."""

    type: str | None = None
    format: str | None = None
    title: str | None = None
    description: str | None = None
    enum: list[JsonValue] | None = None
    minimum: float | None = None
    maximum: float | None = None


class BlueprintSection(BaseModel):
    """The attributes that one blueprint defines."""

    name: str
    slug: str
    description: str | None = None
    scope: Literal["project", "environment"] = "project"
    properties: dict[str, BlueprintSectionProperty]


class ProjectSchemaResponse(BaseModel):
    """The attributes that a project can have, by blueprint."""

    sections: list[BlueprintSection]


class ConfigurationKey(BaseModel):
    """A configuration key, without its value."""

    key: str
    data_type: str
    last_modified: datetime | None = None
    secret: bool = False
