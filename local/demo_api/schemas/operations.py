"""The operations log."""

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from local.demo_api.schemas.common import Moment, new_id, now

EntryType: TypeAlias = Literal[
    "Configured",
    "Decommissioned",
    "Deployed",
    "Migrated",
    "Provisioned",
    "Restarted",
    "Rolled Back",
    "Scaled",
    "Upgraded",
]


class OperationLogCreate(BaseModel):
    """A new entry."""

    model_config = ConfigDict(extra="forbid")

    project_id: str
    environment_slug: str
    entry_type: EntryType
    description: str = Field(min_length=1, description="What was done, in one sentence.")
    occurred_at: Moment = Field(default_factory=now, description="When it was done; now where it is left out.")
    completed_at: Moment | None = None
    performed_by: str | None = Field(None, description="Email; the caller where it is left out.")
    link: str | None = None
    notes: str | None = None
    ticket_slug: str | None = None
    version: str | None = None


class OperationLogResponse(OperationLogCreate):
    """An entry of the operations log: something that was done to a project in an environment."""

    model_config = ConfigDict(extra="ignore")

    id: str = Field(default_factory=new_id)
    project_slug: str
    recorded_at: Moment = Field(default_factory=now)
    recorded_by: str
    plugin_slug: str = ""


class OperationLogMetrics(BaseModel):
    """Figures over all entries that match, not only those of the page."""

    event_count: int
    deploys: int
    projects: int
    environments: int
    team_members: int
    deploys_by_environment: dict[str, int]


class OperationLogListResponse(BaseModel):
    """A page of entries, newest first."""

    metrics: OperationLogMetrics
    data: list[OperationLogResponse]


class ProjectOperationLogQuery(BaseModel):
    """Filters of a project's log entries."""

    limit: int = Field(50, ge=1, le=500, description="Size of the page.")
    cursor: str | None = Field(None, description="Id of the last entry of the page before.")
    environment_slug: str | None = Field(None, description="Only this environment, for example `production`.")
    entry_type: EntryType | None = Field(None, description="Only entries of this type, for example `Deployed`.")
    ticket_slug: str | None = Field(None, description="Only entries with this ticket.")
    performed_by: str | None = Field(None, description="Only what was done by the user with this email.")
    since: Moment | None = Field(None, description="Only what was done at or after this time (ISO 8601).")
    until: Moment | None = Field(None, description="Only what was done before this time (ISO 8601).")


class OperationLogQuery(ProjectOperationLogQuery):
    """Filters of log entries."""

    project_id: str | None = Field(None, description="Only the project with this id.")
    project_slug: str | None = Field(None, description="Only the project with this slug.")
    team_slug: str | None = Field(None, description="Only projects that this team owns.")
