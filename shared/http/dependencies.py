"""What handlers depend on: the runtime, a conversation's id, the caller.

A handler that names a conversation's id before the caller answers 404 to an id that is none without any query, but 401
first to a token that is none.
"""

from __future__ import annotations

from typing import Annotated, cast
from uuid import UUID

from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared import logs
from shared.auth.api_keys import ApiKey
from shared.auth.tokens import Claims
from shared.errors import ConversationNotFound, Unauthenticated
from shared.http.app import RuntimeSource
from shared.models import Caller
from shared.runtime import Runtime

_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT")


async def _source(request: Request) -> RuntimeSource:
    return cast("RuntimeSource", request.app.state.runtime)


CurrentSource = Annotated[RuntimeSource, Depends(_source)]


async def _runtime(source: CurrentSource) -> Runtime:
    return await source.get()


CurrentRuntime = Annotated[Runtime, Depends(_runtime)]


async def _token(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str:
    if credentials is None:
        raise Unauthenticated
    return credentials.credentials


_Token = Annotated[str, Depends(_token)]


async def _credential(runtime: CurrentRuntime, token: _Token) -> Claims | ApiKey:
    return runtime.authenticator.read(token)


_Credential = Annotated[Claims | ApiKey, Depends(_credential)]


async def _conversation_id(_credential: _Credential, conversation_id: Annotated[str, Path()]) -> UUID:
    try:
        read = UUID(conversation_id)
    except ValueError:
        raise ConversationNotFound from None
    if str(read) != conversation_id.lower():
        raise ConversationNotFound
    logs.bind(conversation_id=str(read))
    return read


async def _caller(runtime: CurrentRuntime, token: _Token, credential: _Credential) -> Caller:
    caller = await runtime.authenticator.identify(token, credential)
    logs.bind(user=caller.principal.subject)
    return caller


ConversationId = Annotated[UUID, Depends(_conversation_id)]
CurrentCaller = Annotated[Caller, Depends(_caller)]
