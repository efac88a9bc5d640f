"""What was sent in a conversation stays as it was sent, whatever happens: no thinking becomes invalid.

The model server signs its thinking and refuses, as the API does, thinking that stands behind something else than it was
made behind. Each path is walked at one service and followed by questions there and at another one, which was started
with another URL of the UI and knows nothing of the conversation: the same as after a restart.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from local.messages_api.models import rules_of
from tests.support.append_only_talk import Talk
from tests.support.background import served
from tests.support.changing_api import ChangingApi
from tests.support.model_server import cut, reply, text, thinking, tool, wait
from tests.support.service import Service

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.support.database import Database
    from tests.support.model_server import ModelServer

MODELS = (
    "claude-sonnet-5-5",
    "claude-opus-5-5",
    "claude-haiku-5-5",
    "claude-fable-5-2",
    "claude-sonnet-5",
    "claude-sonnet-4-6",
    "claude-opus-4-8",
    "somebody-elses-model",
)
FEW_MODELS = frozenset({"claude-sonnet-5-5", "claude-sonnet-4-6", "somebody-elses-model"})
"""The models of the fast suite: one that checks its thinking, one that does not, one that is not known."""
NEVER_REMOVED = frozenset(f"list_kind{number}s" for number in range(20))
ROUNDS = 3
CLEAR_ABOVE = 3_000


Path: TypeAlias = "Callable[[Talk], Awaitable[None]]"


async def search(talk: Talk) -> None:
    await talk.ask(tool("search_tools", {"query": "list kind7s"}), talk.call("list_kind7s"), text("40."))
    assert "list_kind7s 3" in str(talk.model_server.chats[-1].messages)


async def round_limit(talk: Talk) -> None:
    calls = [tool("navigate_to", {"path": f"/{number}"}) for number in range(ROUNDS)]
    await talk.ask(*calls, text("That is what I know."))
    assert talk.model_server.chats[-1].body["tool_choice"] == {"type": "none"}


async def refresh(talk: Talk) -> None:
    old, changed, *_ = [name for name in talk.api.operations if name not in NEVER_REMOVED]
    new = f"list_new_{old}"
    await talk.ask(tool("search_tools", {"query": f"list {old.removeprefix('list_')}"}), talk.call(old), text("Ok."))
    del talk.api.operations[old]
    talk.api.operations[new] = "List what is new."
    talk.api.operations[changed] += " It has changed."
    await talk.ask(tool("refresh_openapi_spec"), tool("search_tools", {"query": new}), text("Ok."))
    assert new in str(talk.model_server.chats[-1].messages)


async def lost_right(talk: Talk) -> None:
    await talk.ask(tool("search_tools", {"query": "list kind8s"}), talk.call("list_kind8s"), text("Ok."))
    await talk.set_role(None)
    await talk.ask((talk.call("list_kind8s"),), text("It is gone."))
    assert "that this user may call now" in str(talk.model_server.chats[-1].messages)
    await talk.set_role("developer")
    await talk.ask((talk.call("list_kind8s"),), text("It is back."))
    assert "list_kind8s 3" in str(talk.model_server.chats[-1].messages[-2:])


async def right_lost_in_a_turn(talk: Talk) -> None:
    await talk.ask(tool("search_tools", {"query": "list kind9s"}), talk.call("list_kind9s"), text("Ok."))
    gate = talk.model_server.gate()
    lost = reply(thinking("Hm"), text("Let me ", wait(gate), "see."), talk.call("list_kind9s"))
    talk.model_server.script(lost, reply(thinking("Oh"), text("It is gone.")))
    async with talk.client.stream(talk.conversation, "And now?") as stream:
        await gate.reached()
        await talk.set_role(None)
        gate.open()
        await stream.rest()
    assert "that this user may call now" in str(talk.model_server.chats[-1].messages[-2:])
    await talk.ask(text("Ok."))
    await talk.set_role("developer")


async def stopped(talk: Talk) -> None:
    await talk.ask(tool("navigate_to", {"path": "/a"}), text("Ok."))
    gate = talk.model_server.gate()
    answer = reply(thinking("Hm"), text("It ", wait(gate), "begins."))
    talk.model_server.script(reply(thinking("Hm"), tool("navigate_to", {"path": "/b"})), answer)
    async with talk.client.stream(talk.conversation, "And now?") as stream:
        await gate.reached()
        await talk.client.http.post(f"/conversations/{talk.conversation}/stop")
        await stream.rest()
    gate.open()


async def cut_off(talk: Talk) -> None:
    await talk.ask(tool("navigate_to", {"path": "/a"}), (text("Hel"), cut()))
    await talk.ask((text("Hel"), cut()))


async def too_long(talk: Talk) -> None:
    broken = reply(thinking("Hm"), text("I call"), tool("navigate_to", '{"pa'), stop="max_tokens")
    talk.model_server.script(reply(thinking("Hm"), tool("navigate_to", {"path": "/a"})), broken)
    await talk.client.ask(talk.conversation, "And now?")


async def nothing(talk: Talk) -> None:
    await talk.ask(tool("navigate_to", {"path": "/a"}), text("Ok."))


PATHS: tuple[Path, ...] = (
    nothing,
    search,
    round_limit,
    refresh,
    lost_right,
    right_lost_in_a_turn,
    stopped,
    cut_off,
    too_long,
)


async def lose_prefix(talk: Talk) -> None:
    """The contents that the prefix is made of are gone."""
    await talk.database.cypher(
        "MATCH (c:Conversation) WHERE c.id = $id SET c.prefix = 'gone' RETURN 1", id=talk.conversation
    )


async def age(talk: Talk) -> None:
    """Leave the rows as a version wrote them that knew no prefix and no additions."""
    await talk.database.cypher(
        "MATCH (c:Conversation) WHERE c.id = $id SET c.prefix = null RETURN 1", id=talk.conversation
    )
    await talk.database.cypher(
        "MATCH (m:Message) WHERE m.conversation_id = $id SET m.additions = null RETURN 1", id=talk.conversation
    )


@pytest.fixture(scope="module")
def changing_api() -> Iterator[tuple[ChangingApi, str]]:
    api = ChangingApi()
    with served(api.app) as url:
        yield api, url


@pytest.fixture(scope="module")
def services(variables: dict[str, str], changing_api: tuple[ChangingApi, str]) -> Iterator[tuple[Service, Service]]:
    """Two services on one database, which differ in the URL of the UI."""
    shared = {"IMBI_INTERNAL_API_URL": changing_api[1], "IMBI_ASSISTANT_MAX_TOOL_ROUNDS": str(ROUNDS)}
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(Service(variables | shared | {"IMBI_UI_URL": f"https://ui-{number}.example.com"}))
            for number in range(2)
        )
        yield first, second


async def begun(model: str, service: Service, database: Database, model_server: ModelServer, api: ChangingApi) -> Talk:
    client = service.client(await database.add_user())
    return Talk(model, client, model_server, database, api, await client.begin(model=model))


async def moved(talk: Talk, service: Service) -> None:
    """Go on at another service."""
    email = talk.client.email
    await talk.client.http.aclose()
    talk.client = service.client(email)


def check_nothing_lost(talk: Talk) -> None:
    server = talk.model_server
    assert (server.refused, server.dropped_thinking, server.stripped_thinking) == ([], 0, 0)
    assert {request.body["model"] for request in server.chats} == {talk.model}


def slow_but_few(*values: Any) -> Any:
    return pytest.param(*values, marks=() if values[0] in FEW_MODELS else pytest.mark.slow)


@pytest.mark.proves("append-only.messages", "append-only.prefix", "append-only.lost-right", "turn.thinking-kept")
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.__name__.replace("_", "-"))
@pytest.mark.parametrize("model", [slow_but_few(model) for model in MODELS])
async def test_no_request_is_refused_and_no_thinking_lost(
    model: str,
    path: Path,
    services: tuple[Service, Service],
    database: Database,
    model_server: ModelServer,
    changing_api: tuple[ChangingApi, str],
) -> None:
    talk = await begun(model, services[0], database, model_server, changing_api[0])
    await path(talk)
    await talk.follow_up()
    await moved(talk, services[1])
    await talk.follow_up()
    check_nothing_lost(talk)
    await talk.client.http.aclose()


@pytest.mark.proves("append-only.healed")
@pytest.mark.parametrize("damage", [lose_prefix, age], ids=["lost-prefix", "older-rows"])
@pytest.mark.parametrize("model", [slow_but_few(model) for model in MODELS])
async def test_a_changed_beginning_is_healed_once(
    model: str,
    damage: Path,
    services: tuple[Service, Service],
    database: Database,
    model_server: ModelServer,
    changing_api: tuple[ChangingApi, str],
) -> None:
    talk = await begun(model, services[0], database, model_server, changing_api[0])
    await search(talk)
    await damage(talk)
    await moved(talk, services[1])
    model_server.allow_refusals()
    await talk.follow_up()
    healed = 1 if rules_of(model).checks_thinking else 0
    assert len(model_server.refused) == healed
    assert all("bound to a different conversation" in problem for problem in model_server.refused)
    await moved(talk, services[0])
    await talk.follow_up()
    assert (len(model_server.refused), model_server.dropped_thinking) == (healed, 0)
    await talk.client.http.aclose()


@pytest.mark.proves("append-only.messages", "costs.cleared-results")
@pytest.mark.parametrize("model", [slow_but_few(model) for model in MODELS])
async def test_cleared_results_cost_no_thinking(
    model: str,
    variables: dict[str, str],
    database: Database,
    model_server: ModelServer,
    changing_api: tuple[ChangingApi, str],
) -> None:
    clearing = {"IMBI_ASSISTANT_CLEAR_RESULTS_TOKENS": str(CLEAR_ABOVE), "IMBI_INTERNAL_API_URL": changing_api[1]}
    with Service(variables | clearing) as first, Service(variables | clearing) as second:
        talk = await begun(model, first, database, model_server, changing_api[0])
        for _ in range(4):
            calls = [talk.call(f"list_kind{number}s") for number in range(10, 14)]
            await talk.ask(tool("search_tools", {"query": "list kind10s kind11s"}), tuple(calls), text("Ok."))
        await talk.follow_up()
        await moved(talk, second)
        await talk.follow_up()
        assert (model_server.refused, model_server.dropped_thinking) == ([], 0)
        if rules_of(model).deferred_tools:
            assert model_server.stripped_thinking == 0
            assert model_server.chats[-1].body["context_management"]["edits"]
        else:
            assert "left out" in str(model_server.chats[-1].messages)
        await talk.client.http.aclose()


@pytest.mark.proves("append-only.messages")
async def test_no_thinking_is_dropped_where_the_account_drops_it(
    services: tuple[Service, Service],
    database: Database,
    model_server: ModelServer,
    changing_api: tuple[ChangingApi, str],
) -> None:
    model_server.prefix_mismatch = "drop"
    talk = await begun("claude-sonnet-5-5", services[0], database, model_server, changing_api[0])
    await refresh(talk)
    await lost_right(talk)
    await moved(talk, services[1])
    await talk.follow_up()
    check_nothing_lost(talk)
    await talk.client.http.aclose()
