"""Authentication by access tokens, and permissions."""

import secrets
import time
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import jwt
from fastapi import APIRouter, Depends, Request
from fastapi.params import Depends as Dependency
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ValidationError

from local.demo_api.errors import Forbidden, Unauthorized
from local.demo_api.store import OrganizationData, Store
from shared.domain.models import Principal

ACCESS_SECONDS = 3600
REFRESH_SECONDS = 30 * 24 * 3600
_ALGORITHM = "HS256"
_bearer = HTTPBearer(auto_error=False)


class Claims(BaseModel):
    """A verified token's claims."""

    sub: str
    jti: str
    type: str
    iat: int
    exp: int
    auth_method: str | None = None

    @property
    def is_service_account(self) -> bool:
        """Whether the subject is the slug of a service account."""
        return self.auth_method == "client_credentials"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Signs and verifies tokens with the secret that all Imbi services share."""

    secret: str

    def issue(self, subject: str, kind: str, seconds: int) -> str:
        """Sign a token for a subject. `kind` is `access` or `refresh`; the token expires after the given seconds."""
        issued_at = int(time.time())
        claims = {
            "sub": subject,
            "jti": secrets.token_hex(16),
            "type": kind,
            "iat": issued_at,
            "exp": issued_at + seconds,
        }
        return jwt.encode(claims, self.secret, algorithm=_ALGORITHM)

    def verify(self, token: str, kind: str) -> Claims:
        """Return the claims of a valid token of this kind; otherwise answer 401."""
        try:
            payload = jwt.decode(
                token, self.secret, algorithms=[_ALGORITHM], options={"require": ["sub", "jti", "type", "iat", "exp"]}
            )
            claims = Claims.model_validate(payload)
        except jwt.ExpiredSignatureError as error:
            raise Unauthorized("Token has expired") from error
        except (jwt.InvalidTokenError, ValidationError) as error:
            raise Unauthorized("Invalid token") from error
        if claims.type != kind:
            raise Unauthorized("Invalid token type")
        return claims


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


def _tokens(request: Request) -> Tokens:
    tokens: Tokens = request.app.state.tokens
    return tokens


StoreOf: TypeAlias = Annotated[Store, Depends(_store)]
TokensOf: TypeAlias = Annotated[Tokens, Depends(_tokens)]


def _claims(
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)], store: StoreOf, tokens: TokensOf
) -> Claims:
    if credentials is None:
        raise Unauthorized("Not authenticated")
    claims = tokens.verify(credentials.credentials, "access")
    if claims.jti in store.revoked_tokens:
        raise Unauthorized("Token has been revoked")
    return claims


ClaimsOf: TypeAlias = Annotated[Claims, Depends(_claims)]


def _caller(claims: ClaimsOf, store: StoreOf) -> Principal:
    principal = store.principal(claims.sub, is_service_account=claims.is_service_account)
    if principal is None:
        raise Unauthorized("Unknown or inactive subject")
    return principal


CallerOf: TypeAlias = Annotated[Principal, Depends(_caller)]


@dataclass(frozen=True, slots=True)
class Requires:
    """A dependency that requires a permission."""

    permission: str

    def __call__(self, caller: CallerOf) -> None:
        """Answer 403 if the caller lacks the permission."""
        if not caller.may([self.permission]):
            raise Forbidden(f"Permission denied: this needs {self.permission!r}")


def declare_permissions(router: APIRouter) -> None:
    """Add the permission that each operation of a router requires to the OpenAPI document."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            names = [required for dependency in route.dependencies if (required := _permission(dependency))]
            if names:
                route.openapi_extra = {**(route.openapi_extra or {}), "x-imbi-permission": names}


def _permission(dependency: Dependency) -> str | None:
    return dependency.dependency.permission if isinstance(dependency.dependency, Requires) else None


def _organization(org_slug: str, store: StoreOf, _: CallerOf) -> OrganizationData:
    return store.organization(org_slug)


OrganizationOf: TypeAlias = Annotated[OrganizationData, Depends(_organization)]
