"""The events of a streamed message. Page: "Streaming messages"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Json: TypeAlias = "dict[str, Any]"


def message(message_id: str, model: str, content: list[Any], usage: Mapping[str, object], stop: Json) -> Json:
    """Return a message; `stop` is why it ended, see `stopped`."""
    head = {"model": model, "id": message_id, "type": "message", "role": "assistant", "content": content}
    return {**head, **stop, "usage": usage}


def stopped(reason: str | None, sequence: str | None = None) -> Json:
    """Return why a message ended; the reason of one that goes on is None."""
    return {"stop_reason": reason, "stop_sequence": sequence}


def message_start(message_id: str, model: str, usage: Mapping[str, object]) -> Json:
    """Return the first event, with a message that is empty yet."""
    return {"type": "message_start", "message": message(message_id, model, [], usage, stopped(None))}


def block_events(index: int, begin: Json, deltas: Iterable[Json]) -> Iterator[Json]:
    """Yield the events of a content block: how it begins, its deltas, its end."""
    yield {"type": "content_block_start", "index": index, "content_block": begin}
    for delta in deltas:
        yield {"type": "content_block_delta", "index": index, "delta": delta}
    yield {"type": "content_block_stop", "index": index}


def message_end(stop: Json, usage: Mapping[str, object]) -> Iterator[Json]:
    """Yield the last two events."""
    yield {"type": "message_delta", "delta": stop, "usage": usage}
    yield {"type": "message_stop"}


def frame(event: Json) -> bytes:
    """Write an event as a server-sent event."""
    return f"event: {event['type']}\ndata: ".encode() + orjson.dumps(event) + b"\n\n"
