"""A response that sends frames of server-sent events as they come, with comments in the silence."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from typing import TYPE_CHECKING

from starlette.responses import Response

from shared.agent.outcome import Interruption
from shared.util.byte_pipe import BytePipe
from shared.util.deadline import Deadline

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

log = logging.getLogger(__name__)

PING = b": ping\n\n"
SILENCE_SECONDS = 9.0
"""After this time without an event a comment is sent, so that no proxy closes the stream as idle."""
_MOST_WAITING_BYTES = 16_384
"""If more bytes wait for a slow client, the producer waits, too."""
_SEND_TIMEOUT_SECONDS = 60.0
"""A client that accepts no data for this time counts as disconnected. Its answer ends and frees the conversation."""

_left_running: set[asyncio.Task[None]] = set()
"""The tasks that go on without a client. The set keeps them from being garbage-collected."""


class FrameStream(Response):
    """The base of streams. A subclass produces the frames, in a task of its own, and can be interrupted.

    If the client disconnects, the producer is interrupted, unless it `keeps_running`. If the client reads slowly, the
    producer waits, so memory use stays bounded.
    """

    media_type = "text/event-stream"

    def __init__(self, *, keeps_running: bool = False) -> None:
        super().__init__(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._keeps_running = keeps_running
        self._frames = BytePipe(_MOST_WAITING_BYTES)
        self._loop = asyncio.get_running_loop()
        self._last_sent_at = self._loop.time()
        self._pinger: asyncio.TimerHandle | None = None

    async def produce(self) -> None:
        """Put all frames."""
        raise NotImplementedError

    def interrupt(self, reason: Interruption) -> None:
        """End the production early."""
        raise NotImplementedError

    async def put(self, frame: bytes) -> None:
        """Send a frame; wait if the client is slow. If the client is gone, do nothing."""
        self._frames.write(frame)
        if self._frames.is_full:
            await self._frames.room()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the frames until the producer ends, the client disconnects, or the deadline passes.

        The deadline is the optional `deadline` of the scope's state, in seconds since the epoch. At the deadline the
        producer is interrupted.
        """
        producing = asyncio.create_task(self._run())
        seconds = scope.get("state", {}).get("deadline", math.inf) - time.time()
        if seconds < math.inf:
            timer = asyncio.get_running_loop().call_later(seconds, self.interrupt, Interruption.DEADLINE)
            producing.add_done_callback(lambda _done: timer.cancel())
        watcher = asyncio.create_task(_wait_for_disconnect(receive))
        watcher.add_done_callback(lambda _done: self._stop_sending())
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._send_frames(send)
        except OSError:
            log.info("the client disconnected")
        finally:
            watcher.cancel()
            self._stop_sending()
            if self._keeps_running:
                _left_running.add(producing)
                producing.add_done_callback(_left_running.discard)
                await asyncio.wait({watcher})
            else:
                await asyncio.wait({producing, watcher})

    async def _run(self) -> None:
        try:
            await self.produce()
        finally:
            self._frames.end()

    def _stop_sending(self) -> None:
        """Interrupt the producer, which waits for the client no more."""
        if not self._keeps_running:
            self.interrupt(Interruption.STOPPED)
        self._frames.abandon()

    async def _send_frames(self, send: Send) -> None:
        deadline = Deadline()
        self._ping_in_silence()
        has_more = True
        try:
            while has_more:
                frames = await self._frames.read()
                has_more = not self._frames.is_at_end
                with deadline.within(_SEND_TIMEOUT_SECONDS):
                    await send({"type": "http.response.body", "body": frames, "more_body": has_more})
                self._last_sent_at = self._loop.time()
        finally:
            deadline.close()
            if self._pinger is not None:
                self._pinger.cancel()

    def _ping_in_silence(self) -> None:
        """Send a comment if nothing was sent for a while, and look again later."""
        silence = self._loop.time() - self._last_sent_at
        if silence >= SILENCE_SECONDS:
            self._frames.write(PING)
            silence = 0.0
        self._pinger = self._loop.call_later(SILENCE_SECONDS - silence, self._ping_in_silence)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
