"""The dependencies of handlers: the services, the caller and the conversation's id.

One dependency makes all checks, so the order of a handler's parameters never decides the status. It checks the token's
form first (401, RFC 6750), then the form of the conversation's id (404), and then, with a query, the caller (401 or
403). FastAPI visits every dependency of every dependency again for each request, so there are few.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NamedTuple
from uuid import UUID

from fastapi import Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from shared.auth.tokens import Claims
from shared.composition import Services
from shared.domain.errors import AnswerNotFound, ApprovalNotFound, ConversationNotFound, Unauthenticated
from shared.domain.models import Caller
from shared.graph import admission
from shared.http.app import services_of
from shared.observability import logs

if TYPE_CHECKING:
    from shared.auth.api_keys import ApiKey

_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT")


async def _services(request: Request) -> Services:
    return services_of(request.app)


CurrentServices = Annotated[Services, Depends(_services)]


class _Credential(NamedTuple):
    token: str
    read: Claims | ApiKey


async def check_token(request: Request) -> None:
    """Check what needs no query of a request's token. FastAPI itself would read the body first.

    Raises:
        Unauthenticated: there is no token, or a malformed, expired or foreign one.
    """
    request.state.credential = _credential(request, await _bearer(request))


def _credential(request: Request, credentials: HTTPAuthorizationCredentials | None) -> _Credential:
    if credentials is None:
        raise Unauthenticated
    read = services_of(request.app).authenticator.read(credentials.credentials)
    # The subject of a token is signed. An API key is not known to be good yet, so all of them wait in one line.
    admission.on_behalf_of(read.subject if isinstance(read, Claims) else "")
    return _Credential(credentials.credentials, read)


async def _caller(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    checked: _Credential | None = getattr(request.state, "credential", None)
    token, read = checked or _credential(request, credentials)
    _check_conversation_id(request.path_params.get("conversation_id"))
    caller = await services_of(request.app).authenticator.identify(token, read)
    logs.bind(user=caller.principal.subject)
    return caller


def _check_conversation_id(text: str | None) -> None:
    """Check that the conversation's id, if the path has one, is a UUID."""
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
