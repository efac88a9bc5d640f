"""The dependencies of handlers: the services, the caller and the conversation's id.

The dependencies form one chain, so the order of a handler's parameters never decides the status. The chain checks the
token's form first (401, RFC 6750), then the form of the conversation's id (404), and then, with a query, the caller
(401 or 403).
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.auth.api_keys import ApiKey
from shared.auth.tokens import Claims
from shared.composition import Services
from shared.domain.errors import AnswerNotFound, ApprovalNotFound, ConversationNotFound, Unauthenticated
from shared.domain.models import Caller
from shared.graph import admission
from shared.http.app import services_of
from shared.observability import logs

_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT")


async def _services(request: Request) -> Services:
    return services_of(request.app)


CurrentServices = Annotated[Services, Depends(_services)]


async def _token(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> str:
    if credentials is None:
        raise Unauthenticated
    return credentials.credentials


_Token = Annotated[str, Depends(_token)]


async def _credential(services: CurrentServices, token: _Token) -> Claims | ApiKey:
    credential = services.authenticator.read(token)
    # The subject of a token is signed. An API key is not known to be good yet, so all of them wait in one line.
    admission.on_behalf_of(credential.subject if isinstance(credential, Claims) else "")
    return credential


async def check_token(request: Request) -> None:
    """Check what needs no query of a request's token, as the chain does. FastAPI itself would read the body first.

    Raises:
        Unauthenticated: there is no token, or a malformed, expired or foreign one.
    """
    await _credential(services_of(request.app), await _token(await _bearer(request)))


_Credential = Annotated[Claims | ApiKey, Depends(_credential)]


async def _checked_path(_credential: _Credential, request: Request) -> None:
    """Check that the conversation's id is a UUID, before the query that identifies the caller."""
    text = request.path_params.get("conversation_id")
    if text is None:
        return
    try:
        conversation_id = UUID(text)
    except ValueError:
        raise ConversationNotFound from None
    # UUID() also accepts braces, prefixes and missing hyphens.
    if str(conversation_id) != text.lower():
        raise ConversationNotFound
    logs.bind(conversation_id=str(conversation_id))


_CheckedPath = Annotated[None, Depends(_checked_path)]


async def _caller(services: CurrentServices, token: _Token, credential: _Credential, _path: _CheckedPath) -> Caller:
    caller = await services.authenticator.identify(token, credential)
    logs.bind(user=caller.principal.subject)
    return caller


CurrentCaller = Annotated[Caller, Depends(_caller)]


async def _conversation_id(conversation_id: Annotated[str, Path()], _caller: CurrentCaller) -> UUID:
    return UUID(conversation_id)


ConversationId = Annotated[UUID, Depends(_conversation_id)]


async def _approval_id(approval_id: Annotated[str, Path()], _conversation: ConversationId) -> UUID:
    try:
        return UUID(approval_id)
    except ValueError:
        raise ApprovalNotFound from None


ApprovalId = Annotated[UUID, Depends(_approval_id)]


async def _message_id(message_id: Annotated[str, Path()], _conversation: ConversationId) -> UUID:
    try:
        return UUID(message_id)
    except ValueError:
        raise AnswerNotFound from None


MessageId = Annotated[UUID, Depends(_message_id)]
