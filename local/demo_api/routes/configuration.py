"""The configuration of projects, including secrets; `x-imbi-ai-tool` excludes it from the assistant's tools."""

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from local.demo_api.auth import OrganizationOf, Requires
from local.demo_api.schemas.common import now
from local.demo_api.schemas.projects import ConfigurationKey, ConfigurationValue

router = APIRouter(
    prefix="/organizations/{org_slug}/projects/{project_id}/configuration",
    tags=["Organizations", "Project: Configuration"],
)
_NO_TOOL = {"x-imbi-ai-tool": False}


class ConfigurationFields(BaseModel):
    """Fields of a configuration value that a client writes."""

    value: str = Field(max_length=65536)
    secret: bool = False


@router.get("/", dependencies=[Depends(Requires("project:configuration:read"))], openapi_extra=_NO_TOOL)
async def get_configuration(organization: OrganizationOf, project_id: str) -> list[ConfigurationKey]:
    """List the configuration keys of a project, without their values."""
    configuration = organization.projects.by_id(project_id).configuration
    return [_key(name, value) for name, value in sorted(configuration.items())]


@router.put("/{key}", dependencies=[Depends(Requires("project:configuration:write"))], openapi_extra=_NO_TOOL)
async def set_configuration_value(
    organization: OrganizationOf, project_id: str, key: str, fields: ConfigurationFields
) -> ConfigurationKey:
    """Set a configuration value of a project."""
    value = ConfigurationValue(value=fields.value, secret=fields.secret, last_modified=now())
    organization.projects.by_id(project_id).configuration[key] = value
    return _key(key, value)


def _key(name: str, value: ConfigurationValue) -> ConfigurationKey:
    return ConfigurationKey(key=name, data_type="string", last_modified=value.last_modified, secret=value.secret)
