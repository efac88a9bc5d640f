"""The exceptions of this service, with the HTTP status of each one.

AssistantError
├── SettingsError                 a setting is missing or invalid; one line for each variable
├── StartupError                  the service cannot start; one line for the terminal
├── Unauthenticated               401
├── Forbidden                     403
├── PermissionMissing             403
├── ConversationNotFound          404
├── AnswerNotFound                404, the conversation has no such answer
├── UserNotFound                  404
├── ConversationFull              400
├── AssistantUnavailable          503, the assistant is switched off or has no model
├── GraphError                    500, the database reported an error
│   ├── GraphUnavailable          503
│   │   └── GraphRefused          503, the database does not accept the user, the password or the DSN
│   ├── GraphMissing              500, the database has no graph of this name
│   ├── GraphBusy                 503, too many requests wait for the database
│   ├── GraphConflict             409, another writer changed the same data
│   └── ConversationLost          another answer holds the conversation's lease
├── ConversationBusy              409, another answer is being streamed
├── AnswerRunning                 409, the answer to the same question is being streamed
├── ApprovalNotFound              404
├── ApprovalClosed                409, the approval was decided before, or it has expired
├── NotReplaceable                404, a message names a question that it cannot replace
├── KeyReused                     422, an idempotency key was used again with other content
├── LimitReached                  429, a limit of the user is reached
├── TooManyStreams                503, this process streams the maximum number of answers
├── ModelError                    the model's API failed; has a code and says whether a retry can help
└── ToolError                     a tool call failed; the message is sent to the model
    └── OutcomeUnknown            the call may have taken effect
"""

from __future__ import annotations

from typing import Literal, TypeAlias

SOMETHING_WENT_WRONG = "Something went wrong while answering. Please try again."
"""The message for an unexpected failure; the user can only try again."""
BUSY = frozenset({"overloaded", "rate_limited"})
"""The codes of a ModelError for a model that is too busy; another one may answer."""
CONTEXT_OVERFLOW = "context_overflow"
"""The code of a ModelError for a request that exceeds the model's context window."""


RefusedPart: TypeAlias = Literal["thinking", "image", "block"]
"""A part of a history: a thinking block or its signature, an image, or any other content block."""


class AssistantError(Exception):
    """The base class of this service's exceptions."""


class SettingsError(AssistantError):
    """Settings are missing or invalid; `problems` has one line for each variable."""

    def __init__(self, problems: list[str]) -> None:
        """Join the lines to one message."""
        super().__init__("\n".join(problems))
        self.problems = problems


class StartupError(AssistantError):
    """The service cannot start; the message is one line for the terminal."""


class Unauthenticated(AssistantError):
    """The request has no valid credential (RFC 6750)."""


class Forbidden(AssistantError):
    """The caller is a service account; only users have conversations."""


class PermissionMissing(AssistantError):
    """The caller lacks the permission for a route."""


class ConversationNotFound(AssistantError):
    """The user has no such conversation."""


class AnswerNotFound(AssistantError):
    """The conversation has no such answer."""


class UserNotFound(AssistantError):
    """There is no such user."""


class ConversationFull(AssistantError):
    """The conversation has reached its maximum number of turns."""


class AssistantUnavailable(AssistantError):
    """The assistant is switched off or has no model."""


class GraphError(AssistantError):
    """The database reported an error."""


class GraphUnavailable(GraphError):
    """The database cannot be reached, or it does not answer in time."""


class GraphRefused(GraphUnavailable):
    """The database does not accept the user, the password or the DSN, so waiting does not help."""


class GraphMissing(GraphError):
    """The database has no graph of this name."""


class GraphBusy(GraphError):
    """Too many requests wait for the database; nothing was sent to it."""


class GraphConflict(GraphError):
    """Another writer changed the same data at the same time."""


class ConversationLost(GraphError):
    """Another answer holds the conversation's lease."""


class ConversationBusy(AssistantError):
    """Another answer in this conversation is being streamed."""


class AnswerRunning(AssistantError):
    """The answer to the same question, by its idempotency key, is being streamed."""


class ApprovalNotFound(AssistantError):
    """The conversation has no such approval."""


class ApprovalClosed(AssistantError):
    """The approval was decided before, or it has expired; the message is a sentence for the user."""


class KeyReused(AssistantError):
    """The idempotency key was used before with other content."""


class NotReplaceable(AssistantError):
    """A message names a question that it cannot replace: there is no such question, or it has been replaced."""


class LimitReached(AssistantError):
    """A limit of the user is reached; the message is a sentence for the user."""

    def __init__(self, message: str = "A limit is reached.", retry_after: int = 1) -> None:
        """Take the sentence, and the seconds after which the request may succeed."""
        super().__init__(message)
        self.retry_after = retry_after


class TooManyStreams(AssistantError):
    """This process streams the maximum number of answers."""


class ModelError(AssistantError):
    """The model's API failed; the message is a sentence for the user."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        retryable: bool,
        refused: RefusedPart | None = None,
        retry_after: int | None = None,
    ) -> None:
        """Take the sentence and the code for the client; `retryable` says whether a retry can help.

        `refused` is the part of the history that the API does not accept, if its error names one. `retry_after` is the
        number of seconds after which a retry may succeed, if the API names it.
        """
        super().__init__(message)
        self.message = message
        self.code = code
        self.retryable = retryable
        self.refused = refused
        self.retry_after = retry_after


class ToolError(AssistantError):
    """A tool call failed; the message is sent to the model."""

    def __init__(self, message: str = "", *, code: str | None = None) -> None:
        """Take the message and a code for the log."""
        super().__init__(message)
        self.code = code or self.default_code

    default_code = "tool_error"


class OutcomeUnknown(ToolError):
    """A call was sent, and no complete answer came; if it changes something, the change may have been made."""

    default_code = "no_answer"
