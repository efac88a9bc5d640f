"""Signing in and out; these operations are not tools for an assistant."""

import secrets
from typing import Annotated

from fastapi import APIRouter, Form, status
from pydantic import BaseModel, Field

from local.company.principals import USERS
from local.demo_api.auth import ACCESS_SECONDS, REFRESH_SECONDS, CallerOf, ClaimsOf, StoreOf, Tokens, TokensOf
from local.demo_api.errors import BadRequest, Unauthorized
from local.demo_api.store import Store

auth = APIRouter(prefix="/auth", tags=["Authentication"])
mfa = APIRouter(prefix="/mfa", tags=["MFA"])

DEMO_PASSWORD = "fernwood"  # noqa: S105  # the demo API is for a developer's machine; its users are made up


class Credentials(BaseModel):
    """The credentials of a user."""

    email: str
    password: str
    mfa_code: str | None = None


class TokenRequest(BaseModel):
    """An OAuth 2.0 token request (RFC 6749)."""

    grant_type: str
    refresh_token: str | None = None


class TokenResponse(BaseModel):
    """A pair of tokens."""

    access_token: str
    refresh_token: str
    token_type: str = "bearer"  # noqa: S105  # the type's name, no token
    expires_in: int = ACCESS_SECONDS


class AuthProvider(BaseModel):
    """A way to sign in."""

    id: str
    type: str
    name: str
    enabled: bool


class AuthProvidersResponse(BaseModel):
    """All ways to sign in."""

    providers: list[AuthProvider]
    default_redirect: str = "/dashboard"


class MFAStatusResponse(BaseModel):
    """Whether signing in requires a second factor."""

    enabled: bool = Field(description="Whether MFA is enabled")
    backup_codes_remaining: int = Field(description="Number of unused backup codes")


@auth.get("/providers")
async def get_auth_providers() -> AuthProvidersResponse:
    """Get the ways to sign in."""
    password = AuthProvider(id="local", type="password", name="Email and password", enabled=True)
    return AuthProvidersResponse(providers=[password])


@auth.post("/login")
async def login(credentials: Credentials, store: StoreOf, tokens: TokensOf) -> TokenResponse:
    """Log in with email and password; only the development users can."""
    known = any(user.email == credentials.email for user in USERS)
    right = secrets.compare_digest(credentials.password.encode(), DEMO_PASSWORD.encode())
    if not (known and right):
        raise Unauthorized("Invalid credentials")
    return _pair(credentials.email, store, tokens)


@auth.post("/token")
async def token(request: Annotated[TokenRequest, Form()], store: StoreOf, tokens: TokensOf) -> TokenResponse:
    """OAuth2 token endpoint (RFC 6749), form-encoded: exchanges a refresh token for a new pair."""
    if request.grant_type != "refresh_token" or request.refresh_token is None:
        raise BadRequest("The only grant is refresh_token, with a refresh_token")
    claims = tokens.verify(request.refresh_token, "refresh")
    if claims.jti in store.revoked_tokens:
        raise Unauthorized("Token has been revoked")
    store.revoked_tokens.add(claims.jti)
    return _pair(claims.sub, store, tokens)


@auth.post("/logout", status_code=status.HTTP_204_NO_CONTENT)
async def logout(claims: ClaimsOf, store: StoreOf) -> None:
    """Log out: the access token is revoked."""
    store.revoked_tokens.add(claims.jti)


@mfa.get("/status")
async def get_mfa_status(_: CallerOf) -> MFAStatusResponse:
    """Get the caller's MFA status; signing in to the demo takes no second factor."""
    return MFAStatusResponse(enabled=False, backup_codes_remaining=0)


def _pair(email: str, store: Store, tokens: Tokens) -> TokenResponse:
    if store.principal(email, is_service_account=False) is None:
        raise Unauthorized("Unknown or inactive user")
    return TokenResponse(
        access_token=tokens.issue(email, "access", ACCESS_SECONDS),
        refresh_token=tokens.issue(email, "refresh", REFRESH_SECONDS),
    )
