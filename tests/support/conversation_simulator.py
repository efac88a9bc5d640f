"""A conversation in memory: the real turn, history, prefix, toolbox and request, with a model that plays a plan.

Every request is encoded as it would be sent and checked with the rules of the API, the binding of thinking too. What is
stored goes through JSON. A killed answer leaves what was stored by then; the next question begins with that alone.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import orjson

from local.messages_api import problems
from local.messages_api.binding import bound_signatures
from shared.agent.answer import Answer
from shared.agent.history import History
from shared.agent.loop import run_turn
from shared.agent.outcome import Interruption
from shared.agent.prefix import first_prefix
from shared.agent.question_facts import question_facts
from shared.agent.turn import Turn, TurnSettings
from shared.claude.capabilities import capabilities_of
from shared.claude.optional_features import Features
from shared.claude.request import encode
from shared.claude.stream import ReplyReader
from shared.domain.errors import ModelError
from shared.domain.events import ApprovalRequired, ReplyFinished
from shared.domain.models import NO_EDITS, Caller, Lease, Principal, StoredMessage
from shared.domain.requests import SystemPrompt
from shared.tools.builtin import CALL_TOOL
from shared.tools.search.resident import RESIDENT
from shared.tools.search.toolset import SearchToolset
from shared.tools.toolbox import Toolbox
from shared.util import clock
from tests.support.agent_fakes import MemoryJournal
from tests.support.model_reply import Envelope, reply
from tests.support.model_steps import Block, Frame, block, text, thinking, tool
from tests.support.tool_world import World

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator, Sequence

    from shared.domain.events import AnswerEvent, AnswerFailed, AnswerStored, ModelEvent, RoundParked, TurnPrepared
    from shared.domain.models import HistoryEdits, Message
    from shared.domain.requests import ModelRequest, Prefix, SearchMode
    from tests.support.conversation_plans import Plan, Question, Round
    from tests.support.model_steps import Step

CALLER = Caller(Principal("user@example.com", "A User"), "a token")
MIDDLE = 2
"""The event of the last reply at which it is stopped or cut."""
SEARCH_OF_API = "tool_search_tool_bm25"


@dataclass
class Stored:
    """What the database has of the conversation."""

    messages: list[StoredMessage] = field(default_factory=list)
    prefix: Prefix | None = None
    edits: HistoryEdits = NO_EDITS


class SimulatedTranscript:
    """A transcript that stores as the graph does, with a kill that comes before its next storing."""

    def __init__(self, stored: Stored, question: StoredMessage, *, is_killed_after: int | None) -> None:
        self.lease = Lease(uuid4(), uuid4())
        self.question_id = question.id
        self._stored = stored
        self._question = question
        self._prepared: TurnPrepared | None = None
        self._left = is_killed_after

    def prepare(self, prepared: TurnPrepared) -> None:
        """Keep the record for the next messages."""
        self._prepared = prepared

    async def append(self, messages: Sequence[Message]) -> None:
        """Store messages with the record."""
        await asyncio.sleep(0)
        if self._left is not None:
            if not self._left:
                raise asyncio.CancelledError
            self._left -= 1
        prepared, stored = self._prepared, self._stored
        if prepared is not None:
            place = self._question.sequence
            stored.messages[place] = replace(stored.messages[place], additions=prepared.question)
            stored.prefix, stored.edits = prepared.prefix, stored.edits | prepared.edits
        for message in messages:
            stored.messages.append(_stored(message, len(stored.messages)))

    async def park(self, parked: RoundParked, outcome: AnswerStored) -> ApprovalRequired:
        """Store a reply that waits for an approval."""
        await self.finish([parked.message], outcome)
        return ApprovalRequired(uuid4(), clock.now(), parked.review.asked)

    async def finish(self, messages: Sequence[Message], outcome: AnswerStored | AnswerFailed) -> None:  # noqa: ARG002  # the port's
        """Store the last messages."""
        await self.append(messages)


def _stored(message: Message, sequence: int) -> StoredMessage:
    """Return a message as it comes back from the database."""
    fields = {name: getattr(message, name) for name in message.__slots__}
    for name in ("tool_use", "tool_results", "blocks"):
        if fields[name] is not None:
            fields[name] = tuple(orjson.loads(orjson.dumps(fields[name])))
    return StoredMessage(conversation_id=UUID(int=1), sequence=sequence, **fields)


class PlannedModel:
    """A model that plays the rounds of a question and checks every request."""

    def __init__(self, world: World, question: Question, mode: SearchMode, features: Features) -> None:
        self.requests = 0
        self.refused: list[str] = []
        self.interrupt: Answer | None = None
        self._world = world
        self._question = question
        self._mode = mode
        self._features = features
        self._rounds = list(question.rounds)

    async def reply(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Check a request and play the next reply."""
        encoded = encode(request, self._features, 100_000)
        body: dict[str, Any] = orjson.loads(encoded.body)
        found = problems(body, betas=encoded.betas.split(",") if encoded.betas else ())
        if found:
            self.refused.append(f"{found[0]}\n{orjson.dumps(body['messages'], option=orjson.OPT_INDENT_2).decode()}")
            raise ModelError("Refused.", code="invalid_request", retryable=False)
        self.requests += 1
        is_last = not self._rounds or not request.may_call_tools
        steps, stop = self._last() if is_last else self._round(self._rounds.pop(0))
        thoughts = [step.unsigned for step in steps if step.unsigned is not None]
        signatures = iter(bound_signatures(body, thoughts))
        signed = [step.signed(next(signatures)) if step.unsigned is not None else step for step in steps]
        ids = {str(each.get("id")) for message in body["messages"] for each in message["content"]}
        reader = ReplyReader(ids)
        for number, event in enumerate(_events(signed, stop, reader)):
            await asyncio.sleep(0)
            yield event
            if is_last and not isinstance(event, ReplyFinished):
                await self._strike(number)

    async def aclose(self) -> None:
        """Close nothing."""

    def _round(self, planned: Round) -> tuple[list[Block], str]:
        steps = [*self._thoughts(planned.thoughts), *([text(planned.text)] if planned.text else [])]
        if not planned.calls:
            return [*steps, *self._searched_by_api(planned)], "pause_turn"
        steps += [self._call(each.kind, each.tool) for each in planned.calls]
        for change in planned.changes[:1]:
            self._world.change(change)
        self._world.coming = list(planned.changes[1:])
        if self._question.fate == "stop in tools" and not self._rounds and self.interrupt is not None:
            asyncio.get_running_loop().call_soon(self.interrupt.interrupt, Interruption.STOPPED)
        return steps, "tool_use"

    def _last(self) -> tuple[list[Block], str]:
        steps = [*self._thoughts(self._question.thoughts), text("Here ", "it is.")]
        if self._question.fate == "max_tokens":
            return [*steps, tool("list_thing0s", '{"a": ')], "max_tokens"
        return steps, "end_turn"

    async def _strike(self, number: int) -> None:
        """End the last reply as the plan says: at its first event or later."""
        fate = self._question.fate
        if (fate == "stop silently" and number == 0) or (fate == "stop" and number == MIDDLE):
            assert self.interrupt is not None
            self.interrupt.interrupt(Interruption.STOPPED)
            await asyncio.sleep(0)
        elif fate == "cut" and number == MIDDLE:
            raise ModelError("Lost.", code="connection_lost", retryable=True)

    def _searched_by_api(self, planned: Round) -> Iterator[Block]:
        """Search as the API does: a search may be pending when the API pauses."""
        if self._mode != "server":
            return
        call_id = f"srvtoolu_{uuid4().hex[:8]}"
        yield block({"type": "server_tool_use", "id": call_id, "name": SEARCH_OF_API, "input": {"query": "x"}})
        names = [name for name in self._world.tools if name not in self._world.lost][: planned.thoughts]
        if names:
            found = [{"type": "tool_reference", "tool_name": name} for name in names]
            content = {"type": "tool_search_tool_search_result", "tool_references": found}
            yield block({"type": "tool_search_tool_result", "tool_use_id": call_id, "content": content})

    @staticmethod
    def _thoughts(count: int) -> list[Block]:
        return [thinking(f"thought {uuid4().hex[:6]}") for _ in range(count)]

    def _call(self, kind: str, number: int) -> Block:
        name, arguments = self._world.name(number), {"n": number}
        if kind == "unknown":
            return tool("no_such_tool", arguments)
        if kind == "long name":
            return tool("list.things" * 40, arguments)
        if kind == "search":
            return tool("search_tools", {"query": self._world.query})
        if self._mode == "indirect" and kind == "deferred":
            return tool(CALL_TOOL, {"name": name, "arguments": arguments})
        return tool(name, arguments)


def _events(steps: Sequence[Step], stop: str, reader: ReplyReader) -> Iterator[ModelEvent]:
    envelope = Envelope("msg_1", "m", {"input_tokens": 1})
    for part in envelope.parts(reply(*steps, stop=stop)):
        if isinstance(part, Frame):
            yield from reader.read(orjson.loads(part.data.split(b"data: ", 1)[1]))


class Simulation:
    """One conversation from its beginning."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.world = World()
        self.stored = Stored()
        self.requests = 0
        self.prompt = "Be brief."
        self._toolbox = Toolbox([self.world, SearchToolset(lambda _caller: self.world.definitions())])

    async def run(self) -> None:
        """Ask all questions."""
        for number, question in enumerate(self.plan.questions):
            for change in question.changes:
                self.world.change(change)
            self.prompt += " It is newer." if question.is_upgraded else ""
            await self._ask(question, f"Question {number}?")

    def _mode(self) -> SearchMode:
        if self.stored.prefix is not None:
            return self.stored.prefix.mode
        can_refer = capabilities_of(self.plan.model).tool_references
        return self.plan.search if can_refer or self.plan.search == "off" else "indirect"

    async def _ask(self, question: Question, words: str) -> None:
        asked = StoredMessage(
            id=uuid4(),
            role="user",
            content=words,
            created_at=clock.now(),
            conversation_id=UUID(int=1),
            sequence=len(self.stored.messages),
        )
        history = History.of(self.stored.messages, asked, self.stored.edits)
        self.stored.messages.append(asked)
        mode = self._mode()
        journal = MemoryJournal()
        tools = self._toolbox.for_caller(CALLER, mode, journal)
        system = SystemPrompt(self.prompt, "The user is somebody.")
        prefix = self.stored.prefix or first_prefix(system, tools.definitions(), mode, RESIDENT)
        facts = question_facts(CALLER.principal, clock.now(), self.world.pages, history.state)
        settings = TurnSettings(self.plan.model, 1000, 3, 100_000, capabilities_of(self.plan.model))
        model = PlannedModel(self.world, question, mode, Features())
        turn = partial(run_turn, model, Turn(settings, prefix, history, tools, facts))
        killed = len(question.rounds) // 2 if question.fate == "kill" else None
        transcript = SimulatedTranscript(self.stored, asked, is_killed_after=killed)
        await self._run(Answer(turn, transcript, _no_title, journal.result_of), model)
        self.requests += model.requests
        assert not model.refused, model.refused[0]
        assert model.requests or self._is_silent(question), "no request was sent"

    @staticmethod
    def _is_silent(question: Question) -> bool:
        return question.fate == "kill"

    async def _run(self, answer: Answer, model: PlannedModel) -> None:
        model.interrupt = answer
        try:
            await answer.run(_ignore)
        except asyncio.CancelledError:
            return


async def _no_title() -> str | None:
    return None


async def _ignore(event: AnswerEvent) -> None:
    del event


async def simulate(plan: Plan) -> Simulation:
    """Run a conversation."""
    simulation = Simulation(plan)
    await simulation.run()
    return simulation
