"""Turn a request's stream into its body, within limits of size, time and room."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from ....pipeline.core.errors import Permanent
from .. import admission
from ..door.words import length_required
from ..guard.in_hand import Hold
from ..rim import Rim
from . import words


class Incoming:
    """The body of one request, on its way."""

    def __init__(self, request: web.Request, rim: Rim, limit_bytes: int, timeout_s: float) -> None:
        """Take so many bytes at most, and wait for them for so long in all."""
        self._request = request
        self._rim = rim
        self._content = request.content
        self._limit_bytes = limit_bytes
        self._timeout_s = timeout_s
        self._until_s = 0.0
        self._began = b""

    @property
    def is_here(self) -> bool:
        """Whether all of it has come."""
        return self._content.is_eof()

    def see_length(self, hold: Hold) -> None:
        """Judge it by the length its head claims.

        Raises:
            Permanent: none is claimed (``length_required``), or too much (``too_large``).
            Retryable: there is no room for it now.

        """
        length = self._request.content_length
        if length is None:
            if "Transfer-Encoding" not in self._request.headers:
                raise length_required()
            return
        self._see_fits(length)
        hold.see_room(length)

    async def begin(self) -> None:
        """Ask for it if its sender waits to be asked, and wait for the first of it.

        Raises:
            Permanent: it cannot be read, or the client is gone.
            Retryable: nothing came in time, or before the receiver stopped.

        """
        self._until_s = asyncio.get_running_loop().time() + self._timeout_s
        await _ask_for_body(self._request)
        async with self._in_time():
            self._began = await self._content.readany()

    async def whole(self, hold: Hold) -> bytes:
        """Give all of it; its bytes are held as they come. Raises as ``begin``."""
        if self.is_here and not self._began:
            body = self._content.read_nowait()
            self._take(len(body), hold)
            return body
        chunks, came_bytes = [self._began], len(self._began)
        self._take(came_bytes, hold)
        async with self._in_time():
            while chunk := await self._content.readany():
                chunks.append(chunk)
                came_bytes += len(chunk)
                self._take(came_bytes, hold)
        return b"".join(chunks)

    def _take(self, came_bytes: int, hold: Hold) -> None:
        self._see_fits(came_bytes)
        hold.resize(came_bytes)

    def _see_fits(self, nbytes: int) -> None:
        if nbytes > self._limit_bytes:
            raise admission.too_large(self._limit_bytes)

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        """Wait in the block; say in words why what it waits for did not come."""
        try:
            async with self._rim.patience(self._until_s):
                yield
        except TimeoutError as error:
            raise admission.too_slow(self._timeout_s) from error
        except ConnectionError as error:
            raise Permanent("The client went away.", reason="client_gone") from error
        except web.RequestPayloadError as error:
            raise words.broken_body(error) from error


async def _ask_for_body(request: web.Request) -> None:
    asked = request.headers.get("Expect", "").strip().lower() == "100-continue"
    if asked and request.version >= (1, 1):
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        # As aiohttp's own handler does: the response has not begun yet.
        request.writer.output_size = 0
