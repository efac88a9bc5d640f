"""The embedded database, as its clients see it."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from psycopg_pool import AsyncConnectionPool

from local.embedded_database import embedded_database
from tests.support.embedded import CREATE_NOTE, connect, pipeline, value
from tests.support.raw_client import connected, message, opened

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


WAIT_SECONDS = 30


@pytest.fixture(scope="module")
async def dsn(tmp_path_factory: pytest.TempPathFactory, anyio_backend: str) -> AsyncIterator[str]:  # noqa: ARG001  # an async fixture of a module needs the module's loop
    async with embedded_database(tmp_path_factory.mktemp("data"), report=print) as address:
        yield address


async def test_cypher_runs(dsn: str) -> None:
    text = "it's $$ {} \\ \n 🙂"
    async with await connect(dsn) as connection, connection.transaction():
        await connection.execute("SET LOCAL search_path = ag_catalog, public")
        await connection.execute("SELECT create_graph('notes')")
        assert json.loads(await value(connection, CREATE_NOTE, json.dumps({"text": text}))) == text


async def test_a_large_parameter_comes_back_whole(dsn: str) -> None:
    large = os.urandom(2_500_000).hex()
    async with await connect(dsn) as connection:
        assert await value(connection, "SELECT %s::text", large) == large


async def test_a_statement_that_is_too_deep_is_an_error_and_harms_nothing(dsn: str) -> None:
    async with await connect(dsn) as connection:
        with pytest.raises(psycopg.errors.StatementTooComplex):
            await connection.execute(b"SELECT " + b"+".join([b"1"] * 30_000))
        assert await value(connection, "SELECT length(%s::ag_catalog.agtype::text)", "[" * 500 + "]" * 500) == 1000


async def test_copy_from_standard_input_is_refused_and_harms_nothing(dsn: str) -> None:
    async with await connect(dsn) as connection:
        await connection.execute("CREATE TABLE copied (a text)")
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="not available in the embedded database"):
            async with connection.cursor().copy("COPY copied (a) FROM STDIN"):
                pass
        assert await value(connection, "SELECT count(*) FROM copied") == 0


async def test_a_pool_works_on_it(dsn: str) -> None:
    async with AsyncConnectionPool(dsn, min_size=4, max_size=4, open=False) as pool:

        async def double(number: int) -> int:
            async with pool.connection() as connection, connection.transaction():
                return int(await value(connection, "SELECT %s::int * 2", number))

        assert await asyncio.gather(*map(double, range(40))) == [number * 2 for number in range(40)]


# Connections that work at the same time


async def count_in_pipelines(dsn: str, client: int) -> None:
    async with await connect(dsn) as connection:
        for step in range(15):
            async with connection.pipeline():
                await connection.execute("BEGIN")
                first = await connection.execute("SELECT %s::text", (f"{client}-{step}-a",))
                await connection.execute("INSERT INTO crowd VALUES (%s, %s)", (client, step))
                last = await connection.execute(
                    "SELECT %s::text, count(*) FROM crowd WHERE client = %s", (f"{client}-{step}-b", client)
                )
                await connection.execute("COMMIT")
            assert await first.fetchall() == [(f"{client}-{step}-a",)]
            assert await last.fetchall() == [(f"{client}-{step}-b", step + 1)]


async def count_one_by_one(dsn: str, client: int) -> None:
    async with await connect(dsn) as connection:
        for step in range(15):
            assert await value(connection, "SELECT %s::text", f"{client}-{step}") == f"{client}-{step}"
            async with connection.transaction():
                await connection.execute("INSERT INTO crowd VALUES (%s, %s)", (client, step))
                assert await value(connection, "SELECT count(*) FROM crowd WHERE client = %s", client) == step + 1


async def test_results_of_eight_busy_connections_never_mix(dsn: str) -> None:
    async with await connect(dsn) as connection:
        await connection.execute("CREATE TABLE crowd (client int, step int)")
        clients = [count_in_pipelines(dsn, n) for n in range(4)] + [count_one_by_one(dsn, n) for n in range(4, 8)]
        await asyncio.gather(*clients)
        assert await value(connection, "SELECT count(*) FROM crowd") == 8 * 15


async def test_an_error_in_a_pipeline_undoes_it_and_the_connection_goes_on(dsn: str) -> None:
    async with await connect(dsn) as connection, await connect(dsn) as other:
        await connection.execute("CREATE TABLE undone (a int)")
        with pytest.raises(psycopg.errors.DivisionByZero):
            await pipeline(connection, "BEGIN", "INSERT INTO undone VALUES (1)", "SELECT 1/0", "COMMIT")
        await connection.rollback()
        assert await value(other, "SELECT count(*) FROM undone") == 0
        assert await value(connection, "SELECT 1") == 1


async def test_a_transaction_makes_the_others_wait(dsn: str) -> None:
    async with await connect(dsn) as first, await connect(dsn) as second:
        await first.execute("CREATE TABLE turns (a int)")
        async with first.transaction():
            await first.execute("INSERT INTO turns VALUES (1)")
            waiting = asyncio.create_task(value(second, "SELECT count(*) FROM turns"))
            await first.execute("INSERT INTO turns VALUES (2)")
            assert not waiting.done()
        assert await waiting == 2


async def test_a_connection_lost_in_a_transaction_leaves_nothing_and_blocks_no_other(dsn: str) -> None:
    async with await connect(dsn) as other:
        await other.execute("CREATE TABLE lost (a int)")
        async with connected(dsn) as client, asyncio.timeout(WAIT_SECONDS):
            client.send(b"Q", b"BEGIN\0")
            client.send(b"Q", b"INSERT INTO lost VALUES (1)\0")
            await client.receive(b"Z")
            waiting = asyncio.create_task(value(other, "SELECT count(*) FROM lost"))
            await client.receive(b"Z")
            client.drop()
            assert await waiting == 0


async def test_a_connection_lost_while_it_waits_blocks_no_other(dsn: str) -> None:
    async with await connect(dsn) as holder, connected(dsn) as impatient:
        await holder.execute("CREATE TABLE waited (a int)")
        async with holder.transaction():
            await holder.execute("INSERT INTO waited VALUES (1)")
            impatient.send(b"Q", b"INSERT INTO waited VALUES (2)\0")
            await impatient.writer.drain()
            impatient.drop()
            await holder.execute("INSERT INTO waited VALUES (3)")
        # Whether the 2 was still run depends on when the loss was noticed, as with any PostgreSQL.
        assert await value(holder, "SELECT array_agg(a) FROM waited WHERE a <> 2") == [1, 3]


async def test_a_pipeline_that_is_flushed_but_not_synced_keeps_its_turn(dsn: str) -> None:
    async with await connect(dsn) as other, connected(dsn) as client:
        client.send(b"P", b"\0SELECT 7\0\0\0")
        client.send(b"H")
        await client.receive(b"1")
        waiting = asyncio.create_task(value(other, "SELECT 1"))
        client.send(b"B", b"\0" * 8)
        client.send(b"E", b"\0" * 5)
        client.send(b"H")
        assert b"7" in await client.receive(b"D")
        assert not waiting.done()
        client.send(b"S")
        await client.receive(b"Z")
        assert await waiting == 1


# Prepared statements


async def test_statements_of_two_connections_have_the_same_name_and_do_not_meet(dsn: str) -> None:
    async with await connect(dsn) as first, await connect(dsn) as second:
        for _ in range(3):
            ones = await first.execute("SELECT %s::text || ' of the first'", ("a",), prepare=True)
            others = await second.execute("SELECT %s::int + 1", (1,), prepare=True)
            assert await ones.fetchall() == [("a of the first",)]
            assert await others.fetchall() == [(2,)]


@pytest.mark.parametrize("statement", ["DEALLOCATE ALL", "DISCARD ALL"])
async def test_dropping_all_statements_drops_the_own_ones(dsn: str, statement: str) -> None:
    async with await connect(dsn) as first, await connect(dsn) as second:
        await first.execute("SELECT 1", prepare=True)
        await second.execute("SELECT 2", prepare=True)
        mine = await value(first, "SELECT array_agg(name) FROM pg_prepared_statements")
        await first.execute(sql.SQL(statement))
        left = await value(second, "SELECT array_agg(name) FROM pg_prepared_statements")
        assert len(mine) == len(left) + 1
        assert await (await second.execute("SELECT 2", prepare=True)).fetchone() == (2,)


async def test_a_statement_is_dropped_by_its_name(dsn: str) -> None:
    async with connected(dsn) as client:
        for name, drop in ((b"Plain", b'DEALLOCATE "Plain"'), (b"lower", b"DEALLOCATE PREPARE LOWER")):
            client.send(b"P", name + b"\0SELECT 1\0\0\0")
            client.send(b"S")
            await client.receive(b"Z")
            client.send(b"Q", drop + b"\0")
            assert b"DEALLOCATE" in await client.receive(b"C")
            await client.receive(b"Z")


async def test_statements_go_with_their_connection(dsn: str) -> None:
    async with await connect(dsn) as observer:
        before = await value(observer, "SELECT count(*) FROM pg_prepared_statements")
        async with await connect(dsn) as connection:
            await connection.execute("SELECT 1", prepare=True)
            assert await value(observer, "SELECT count(*) FROM pg_prepared_statements") == before + 1
        async with asyncio.timeout(WAIT_SECONDS):  # a closed connection is noticed a little later
            while await value(observer, "SELECT count(*) FROM pg_prepared_statements") != before:
                pass


# Strange clients


async def test_a_client_of_another_protocol_is_disconnected(dsn: str) -> None:
    async with opened(dsn) as client:
        client.writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"invalid message length" in await client.receive(b"E")


async def test_an_unknown_message_ends_its_connection_alone(dsn: str) -> None:
    async with connected(dsn) as client, await connect(dsn) as other:
        client.send(b"Z")
        assert b"invalid frontend message type" in await client.receive(b"E")
        assert await value(other, "SELECT 1") == 1


async def test_a_message_that_comes_in_pieces_is_understood(dsn: str) -> None:
    async with connected(dsn) as client:
        for byte in message(b"Q", b"SELECT 5\0"):
            client.writer.write(bytes([byte]))
            await client.writer.drain()
        assert b"5" in await client.receive(b"D")


async def test_a_newer_protocol_is_negotiated_down(dsn: str) -> None:
    async with await psycopg.AsyncConnection.connect(dsn, max_protocol_version="3.2") as connection:
        assert await value(connection, "SELECT 1") == 1
