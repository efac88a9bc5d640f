"""Releases of a project and their deployments to environments."""

from datetime import datetime
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from local.demo_api.schemas.common import new_id, now

DeploymentStatus: TypeAlias = Literal["pending", "in_progress", "success", "failed", "rolled_back"]


class ReleaseLink(BaseModel):
    """A typed external link of a release."""

    type: str = Field(description="What it leads to, such as `release_notes`.")
    url: str = Field(min_length=1, max_length=2083)
    label: str | None = None


class ReleaseCreate(BaseModel):
    """A new release."""

    model_config = ConfigDict(extra="forbid")

    tag: str | None = Field(None, description="The version, for example `2.4.0`; unique within the project.")
    committish: str = Field(
        pattern="^[0-9a-f]{7}$", description="The commit: 7 lower-case hexadecimal characters of its SHA."
    )
    title: str = Field(min_length=1)
    description: str | None = Field(None, description="Release notes in Markdown.")
    links: list[ReleaseLink] = Field([])
    created_by: str | None = Field(None, description="Email; the caller where it is left out.")


class ReleaseResponse(BaseModel):
    """A release of a project."""

    id: str = Field(default_factory=new_id)
    project_id: str
    tag: str | None = None
    committish: str | None = None
    title: str
    description: str | None = None
    links: list[ReleaseLink] = Field([])
    created_at: datetime = Field(default_factory=now)
    updated_at: datetime | None = None
    created_by: str


class DeploymentEventInput(BaseModel):
    """A new status of a deployment."""

    model_config = ConfigDict(extra="forbid")

    status: DeploymentStatus
    note: str | None = None
    external_run_id: str | None = None
    external_run_url: str | None = None


class DeploymentEvent(DeploymentEventInput):
    """A single change of a deployment's status."""

    timestamp: datetime = Field(default_factory=now)
    performed_by: str | None = None


class Release(ReleaseResponse):
    """A release with its deployments: the events of each environment, oldest first, by the environment's id."""

    deployments: dict[str, list[DeploymentEvent]] = Field({})


class ReleaseEnvironmentRef(BaseModel):
    """An environment's identity."""

    slug: str
    name: str


class ReleaseEnvironmentEdgeResponse(BaseModel):
    """A release's deployment to an environment."""

    environment: ReleaseEnvironmentRef
    deployments: list[DeploymentEvent] = Field([])
    current_status: DeploymentStatus | None = None


class ReleaseInfo(BaseModel):
    """The release that an environment serves."""

    deployed_at: datetime
    performed_by: str | None = None
    tag: str | None = None
    committish: str | None = None


class LatestDeployment(BaseModel):
    """A deployment newer than the release that is served: in flight, or failed."""

    status: DeploymentStatus
    deployed_at: datetime
    tag: str | None = None
    committish: str | None = None


class CurrentReleaseEnvironment(BaseModel):
    """The current release of a project in one environment."""

    environment: ReleaseEnvironmentRef
    release: ReleaseResponse | None = Field(None, description="Null where nothing was deployed yet.")
    latest_deployment: LatestDeployment | None = None
    current_status: DeploymentStatus | None = None
    last_event_at: datetime | None = None
    performed_by: str | None = None
