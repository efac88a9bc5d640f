"""The real service under a real server in the background, for tests that use nothing but HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

import jwt

from local.tokens import issue_token
from local_server import application
from shared.http.server import bind, create_server
from shared.settings import load
from tests.support.client import Client

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from fastapi import FastAPI

    from shared.http.bounded_protocol import ConnectionLimits
    from shared.http.server import GracefulServer

JWT_SECRET = "a secret of the tests that is long enough for every HMAC, even SHA-512"
DEVELOPER = "developer@example.com"
SECONDS = 60
"""How long the service may take to start and to stop."""


class Service:
    """The service with the given variables and nothing else of the environment; use it as a context manager."""

    def __init__(self, variables: Mapping[str, str], limits: ConnectionLimits | None = None) -> None:
        self.limits = limits
        self.variables = dict(variables)
        self.settings = load(self.variables)
        self._listening = bind("127.0.0.1", 0)
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.url = self.address + self.settings.route_prefix
        self._started: Future[GracefulServer] = Future()
        self._thread = threading.Thread(target=self._run, name="service", daemon=True)

    def start(self) -> Self:
        """Start the service; it listens already and answers as soon as it has started."""
        self._thread.start()
        self._started.result(SECONDS)
        return self

    def stop(self, *, at_once: bool = False) -> None:
        """Stop the service as SIGTERM does, `at_once` as a second one does: without waiting for answers to end."""
        if self._started.done():
            server = self._started.result()
            with contextlib.suppress(RuntimeError):  # the loop has ended before
                self._loop.call_soon_threadsafe(partial(server.stop, at_once=at_once))
            self._thread.join(SECONDS)
        self._listening.close()
        assert not self._thread.is_alive(), "the service did not stop in time"

    def client(self, email: str = DEVELOPER) -> Client:
        """Return a user's client."""
        return Client(self.url, token_of(email), email)

    def client_with(self, token: str | None) -> Client:
        """Return a client with any token, or none."""
        return Client(self.url, token)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop(at_once=kind is not None)

    def application(self) -> FastAPI:
        """Make the application that is served."""
        return application(self.settings)

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = create_server(self.application(), log_level="warning", limits=self.limits)
        self._started.set_result(server)
        await server.serve([self._listening])


def token_of(email: str) -> str:
    """Issue a user's token as the command line does."""
    return issue_token(JWT_SECRET, email)


def claims_of(email: str, **changes: Any) -> dict[str, Any]:
    """Return the claims of a good token with some changed; one that is changed to Ellipsis is left out."""
    now = int(time.time())
    claims = {"sub": email, "jti": str(uuid4()), "type": "access", "iat": now, "exp": now + 600}
    return {name: value for name, value in (claims | changes).items() if value is not ...}


def forged(claims: Mapping[str, Any], secret: str = JWT_SECRET, algorithm: str = "HS256", **headers: Any) -> str:
    """Sign any claims in any way."""
    return jwt.encode(dict(claims), secret, algorithm=algorithm, headers=headers or None)
