"""The demo API's application."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError

from local.demo_api.auth import Tokens, declare_permissions
from local.demo_api.errors import invalid_request
from local.demo_api.initial_data import create_company
from local.demo_api.routes import (
    access,
    configuration,
    definitions,
    environments,
    operations,
    organizations,
    people,
    project_types,
    projects,
    relationships,
    releases,
    search,
    service,
    teams,
)

_ROUTERS = (
    access.auth,
    access.mfa,
    service.status,
    organizations.router,
    teams.router,
    project_types.router,
    environments.router,
    projects.router,
    relationships.router,
    releases.router,
    operations.router,
    operations.project_router,
    configuration.router,
    definitions.blueprints,
    definitions.link_definitions,
    definitions.tags,
    search.router,
    search.scores,
    people.users,
    people.service_accounts,
    people.roles,
    service.uploads,
)


def create_demo_api(jwt_secret: str) -> FastAPI:
    """Create a demo Imbi API with its own data; access tokens are verified with the secret.

    The operations are under `/api`, the OpenAPI document is at `/openapi.json`, the UI's URL patterns at `/llms.txt`.
    """
    app = FastAPI(
        title="Imbi",
        summary="A demo of the Imbi API over a made-up company, kept in memory",
        license_info={"name": "BSD 3-Clause"},
        version="2.29.1",
    )
    app.state.store = create_company(datetime.now(UTC))
    app.state.tokens = Tokens(jwt_secret)
    app.add_exception_handler(RequestValidationError, invalid_request)
    for router in _ROUTERS:
        declare_permissions(router)
        app.include_router(router, prefix="/api")
    app.include_router(service.ui)
    return app
