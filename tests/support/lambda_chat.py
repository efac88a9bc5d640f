"""Questions to the deployed chat, and its answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.lambda_events import function_url_event, rest_api_event
from tests.support.sse import Answer, EventReader

if TYPE_CHECKING:
    from tests.support.client import Client
    from tests.support.lambda_events import Event
    from tests.support.runtime_api import Invocation


def question(client: Client, conversation_id: str, content: str, *, rest: bool = False) -> Event:
    headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"}
    make = rest_api_event if rest else function_url_event
    path = f"/conversations/{conversation_id}/messages"
    return make("POST", path, headers=headers, body=json.dumps({"content": content}))


def answer_of(invocation: Invocation) -> Answer:
    reader = EventReader()
    reader.feed(invocation.body)
    reader.finish()
    return Answer(reader.events)
