"""The search over a user's own conversations, among a million messages of others."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from bench.client import Target, exchange
from bench.environment import token_of
from bench.figures import Figure, Goal, percentile
from shared.graph.search_vectors import vectors
from tests.support.multitude import add_conversations

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.environment import Bench, Floor, Service

_VOCABULARY = tuple(
    f"{syllable}{number}" for number in range(2_000) for syllable in ("kubernetes", "rollback", "de", "err")
)
_FREQUENCIES = tuple(accumulate(1 / place for place in range(1, len(_VOCABULARY) + 1)))
"""The n-th word occurs 1/n times as often as the first one, as in natural texts."""
_WORDS = 60
_MESSAGES = 10
_OTHERS_EACH = 200
_GOAL = Goal(30)
_BATCH = 1_000
_ARRAYS = "%s::text[], %s::text[], %s::int[], %s::text[], %s::real[], %s::timestamptz[], %s::tsvector[]"
"""The columns of the search's table."""
_KINDS = ("one word", "two words", "the beginning of a word", "a phrase", "a word that most messages have")


async def measure(bench: Bench) -> list[Figure]:
    """Search for words of several kinds, for users with 20 and 1,000 conversations."""
    others = 20_000 if bench.is_quick or bench.is_embedded else 1_000_000
    chance = random.Random(13)  # noqa: S311  # no secret
    await _fill(bench, _others(others))
    users = {size: await _user(bench, size) for size in (20, 1_000)}
    figures = []
    async with bench.service("0") as service, bench.floor() as floor:
        for size, email in users.items():
            for kind in _KINDS:
                ours, theirs = await _times(bench, service, floor, email, _queries(kind, chance))
                name = f"{kind} among {size * _MESSAGES:,} own and {others:,} other messages"
                figures.append(Figure("search", f"{name}, median", "ms", ours[0], theirs[0]))
                figures.append(Figure("search", f"{name}, p95", "ms", ours[1], theirs[1], goal=_GOAL))
    return figures


def _others(messages: int) -> Iterator[tuple[str, str, str]]:
    for number in range(messages):
        email = f"other-{number // _OTHERS_EACH}@example.com"
        yield email, f"{email}/{number // _MESSAGES}", f"message {number}"


async def _user(bench: Bench, conversations: int) -> str:
    """Add a user whose conversations have random words."""
    email = await bench.database.add_user()
    await add_conversations(bench.database, email, conversations, _MESSAGES)
    found = await bench.database.cypher(
        "MATCH (m:Message), (c:Conversation) WHERE c.user_email = $email AND m.conversation_id = c.id"
        " RETURN [m.conversation_id, m.id]",
        email=email,
    )
    await _fill(bench, ((email, conversation, message) for conversation, message in found))
    return email


async def _fill(bench: Bench, messages: Iterator[tuple[str, str, str]]) -> None:
    """Make messages findable by random words, without a statement for each of them."""
    chance = random.Random(7)  # noqa: S311  # no secret
    table = f'"{bench.database.graph_name}".imbi_assistant_search'
    now = datetime.now(UTC)
    rows = (
        (conversation, message, 0, email, 0.2, now - timedelta(minutes=number % 500_000), next(vectors(email, text)))
        for number, (email, conversation, message) in enumerate(messages)
        for text in (" ".join(chance.choices(_VOCABULARY, cum_weights=_FREQUENCIES, k=_WORDS)),)
    )
    insert = f"INSERT INTO {table} SELECT * FROM unnest({_ARRAYS})"  # noqa: S608  # our own text
    async with bench.database.connected() as connection:
        while batch := [*islice(rows, _BATCH)]:
            await connection.execute(insert.encode(), [*map(list, zip(*batch, strict=True))])
        await connection.execute(f"ANALYZE {table}".encode())


def _queries(kind: str, chance: random.Random) -> Iterator[str]:
    while True:
        words = chance.choices(_VOCABULARY, cum_weights=_FREQUENCIES, k=2)
        match kind:
            case "one word":
                yield f'"{words[0]}"'
            case "two words":
                yield " ".join(words)
            case "the beginning of a word":
                yield words[0][: chance.randrange(1, 5)]
            case "a phrase":
                yield f'"{" ".join(words)}"'
            case _:
                yield _VOCABULARY[0]


async def _times(
    bench: Bench, service: Service, floor: Floor, email: str, queries: Iterator[str]
) -> tuple[Sequence[float], Sequence[float]]:
    """Return the median and the 95th percentile of service and relay, in milliseconds."""
    authorized = f"authorization: Bearer {token_of(email)}\r\n".encode()
    ours = Target(service.target.host, service.target.port, authorized, b"{", b"")
    mine: list[float] = []
    theirs: list[float] = []
    for _ in range(40 if bench.is_quick else 400):
        path = "/conversations?" + urlencode({"q": next(queries)})
        outcome = await exchange(ours, "GET", path)
        assert outcome.is_good  # noqa: S101  # nothing can be measured
        mine.append(outcome.whole * 1000)
        theirs.append((await exchange(floor.target, "GET", f"/bytes/{outcome.size}")).whole * 1000)
    return [percentile(mine, share) for share in (0.5, 0.95)], [percentile(theirs, share) for share in (0.5, 0.95)]
