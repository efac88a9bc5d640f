"""Organizations and what belongs to one: teams, project types, environments, links and tags."""

from pydantic import BaseModel, Field, JsonValue

from local.demo_api.schemas.common import Entity, Fields, RelationshipLink, Slug


class OrganizationFields(Fields):
    """The fields of an organization that a client writes."""


class Organization(Entity):
    """The top of everything: teams, projects, types and environments belong to an organization."""


class TeamFields(Fields):
    """The fields of a team that a client writes."""


class Team(Entity):
    """A group of people that owns projects."""


class TeamResponse(Team):
    """A team with its organization."""

    organization: Organization
    relationships: dict[str, RelationshipLink] = Field(description="Links to its `projects` and `members`.")


class TeamMember(BaseModel):
    """A member of a team."""

    email: str
    display_name: str


class TeamMemberFields(BaseModel):
    """A user to add to a team."""

    email: str = Field(description="Email of an existing user.", examples=["developer@example.com"])


class TeamMemberAdded(BaseModel):
    """The user who was added to a team."""

    email: str
    team: str = Field(description="The team's slug.")


class OrganizationMember(TeamMember):
    """A member of an organization."""

    role: str = Field(description="The role's slug.")


class Deployability(BaseModel):
    """The ways in which projects of a type are delivered."""

    deployable: bool = Field(default=False, description="Whether its projects are deployed to environments.")
    releasable: bool = Field(default=False, description="Whether its projects have releases.")


class ProjectTypeFields(Deployability, Fields):
    """The fields of a project type that a client writes."""


class ProjectType(Deployability, Entity):
    """A kind of project, such as an HTTP API or a library."""


class FilterableAttribute(BaseModel):
    """A blueprint-defined attribute that projects can be filtered by."""

    field: str = Field(description="The attribute's name, the first part of a `filter`.")
    type: str | None
    format: str | None = None
    enum: list[JsonValue] | None = Field(None, description="All possible values, where there is a fixed list.")


class ProjectTypeResponse(ProjectType):
    """A project type with its organization."""

    organization: Organization
    relationships: dict[str, RelationshipLink] = Field(description="A link to its `projects`.")
    attributes: list[FilterableAttribute] | None = Field(
        None,
        alias="schema",
        exclude_if=lambda attributes: attributes is None,
        description="With `include_schema=true`: the attributes that projects of this type can be filtered by.",
    )


class Promotion(BaseModel):
    """The operations that an environment allows."""

    sort_order: int = Field(0, description="Environments are listed by this, lowest first.")
    label_color: str | None = Field(
        None, pattern="^#[0-9A-Fa-f]{6}$", description="Hex color of its label, such as `#3B82F6`."
    )
    can_deploy: bool = Field(default=True, description="Whether projects can be deployed to it.")
    can_promote: bool = Field(default=False, description="Whether releases are promoted to it.")


class EnvironmentFields(Promotion, Fields):
    """The fields of an environment that a client writes."""


class Environment(Promotion, Entity):
    """An environment that projects are deployed to, such as staging or production."""


class EnvironmentResponse(Environment):
    """An environment with its organization."""

    organization: Organization
    relationships: dict[str, RelationshipLink] = Field(description="A link to its `projects`.")


class LinkDefinition(Entity):
    """A kind of link that projects have."""

    url_template: str | None = Field(None, description="How the URL is usually made, with `{team}` and `{slug}`.")


class LinkDefinitionResponse(LinkDefinition):
    """A kind of link with its organization."""

    organization: Organization


class TagFields(Fields):
    """The fields of a tag that a client writes."""

    slug: Slug | None = Field(None, description="Made from the name where it is left out.")  # type: ignore[assignment]  # only what is written may leave it out


class Tag(Entity):
    """A word that documents are sorted by."""


class TagResponse(Tag):
    """A tag with its organization."""

    organization: Organization
