"""What handlers depend on: the runtime, a conversation's id, the caller.

A handler that names a conversation's id before the caller answers 404 to an id that is none without any query, but 401
first to a token that is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast
from uuid import UUID

from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.auth.caller import identify
from shared.auth.tokens import Claims, verify
from shared.errors import ConversationNotFound, Unauthenticated
from shared.models import Caller
from shared.runtime import Runtime

if TYPE_CHECKING:
    from shared.http.app import RuntimeSource

_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT")


async def _runtime(request: Request) -> Runtime:
    return await cast("RuntimeSource", request.app.state.runtime).get()


CurrentRuntime = Annotated[Runtime, Depends(_runtime)]


async def _token(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str:
    if credentials is None:
        raise Unauthenticated
    return credentials.credentials


_Token = Annotated[str, Depends(_token)]


async def _claims(runtime: CurrentRuntime, token: _Token) -> Claims:
    return verify(token, runtime.settings.jwt_secret.get_secret_value())


_Claims = Annotated[Claims, Depends(_claims)]


async def _conversation_id(_claims: _Claims, conversation_id: Annotated[str, Path()]) -> UUID:
    try:
        read = UUID(conversation_id)
    except ValueError:
        raise ConversationNotFound from None
    if str(read) != conversation_id.lower():
        raise ConversationNotFound
    return read


async def _caller(runtime: CurrentRuntime, token: _Token, claims: _Claims) -> Caller:
    return await identify(token, claims, runtime.principals)


ConversationId = Annotated[UUID, Depends(_conversation_id)]
CurrentCaller = Annotated[Caller, Depends(_caller)]
