"""The results of calls, in requests to the model and in the stream to the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.model_server import ModelServer
    from tests.support.sse import Answer


def result_of(model_server: ModelServer, call_id: str, request: int = 1) -> dict[str, Any]:
    result: dict[str, Any] = model_server.chats[request].results[call_id]
    return result


def told(result: dict[str, Any]) -> str:
    content = result["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def of_call(answer: Answer, call_id: str) -> list[str]:
    return [event.name for event in answer.events if event.data.get("id") == call_id]
