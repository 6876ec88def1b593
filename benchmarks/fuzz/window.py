"""A window of one of our pages without a browser: what it says to the server is written by hand."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import urllib.request
from collections.abc import AsyncIterator, Iterator
from http.cookiejar import CookieJar
from typing import Any

__all__ = ["Window", "cookie_of", "models_in", "opened"]

_SECONDS = 20.0


def opened(address: str) -> tuple[str, urllib.request.OpenerDirector]:
    """The address of a page without its token, and what opens it with the cookie that the token was changed for."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    opener.open(address, timeout=_SECONDS).close()
    return address.partition("?")[0], opener


def cookie_of(address: str) -> str:
    """The cookie that the token in a page's address is changed for."""
    base, _, token = address.partition("?token=")
    return f"copper-token-{base.rstrip('/').rpartition(':')[2]}={token}"


def models_in(values: Any) -> Iterator[dict[str, Any]]:
    """All models in what a server sends, as JSON."""
    if isinstance(values, dict) and values.get("type") == "object" and "id" in values:
        yield values
    for inner in values.values() if isinstance(values, dict) else values if isinstance(values, list) else ():
        yield from models_in(inner)


class Window:
    """A connection of its own session.

    Attributes:
        received: all JSON that came, without the bytes of pictures.
    """

    def __init__(self, connection: Any) -> None:
        self._connection, self._sent, self.received = connection, 0, list[str]()

    @classmethod
    @contextlib.asynccontextmanager
    async def opened(cls, address: str) -> AsyncIterator[Window]:
        """A window, closed in the end."""
        from tornado.httpclient import HTTPRequest
        from tornado.websocket import websocket_connect

        base, cookie = address.partition("?")[0], {"Cookie": cookie_of(address)}
        asked = urllib.request.Request(base, headers=cookie)
        page = await asyncio.to_thread(lambda: urllib.request.urlopen(asked, timeout=_SECONDS).read().decode())
        found = re.search(r'"token":"([^"]+)"', page)
        assert found
        headers = {"Origin": base.rstrip("/"), **cookie}
        request = HTTPRequest(f"ws{base.removeprefix('http')}ws", headers=headers)
        connection = await websocket_connect(request, subprotocols=["bokeh", found[1]], max_message_size=2**26)
        stream = connection.protocol.stream
        stream.set_nodelay(True)
        try:
            window = cls(connection)
            await window.receive()
            yield window
        finally:
            connection.close()
            stream.close()  # messages that no one reads keep it open else

    async def receive(self) -> dict[str, Any] | None:
        """The next message, with its ``kind`` and the number that it ``answers``; None where the window was closed."""
        parts: list[Any] = [await self._connection.read_message()]
        if parts[0] is None:
            return None
        head = json.loads(parts[0])
        for _ in range(2 + 2 * head.get("num_buffers", 0)):
            parts.append(await self._connection.read_message())
        if parts[2] is None:
            return None
        self.received.append(parts[2])
        # Each time that a buffer is sent it has another name.
        content = re.sub(r'"data": *\{"id": *"\w+"\}', '"data": 0', parts[2])
        return {"answers": head.get("reqid"), "kind": head["msgtype"], **json.loads(content)}

    async def send(self, kind: str, content: str | bytes, *buffers: bytes) -> str:
        """Sends a message and returns its number."""
        self._sent += 1
        head = json.dumps({"msgid": str(self._sent), "msgtype": kind, "num_buffers": len(buffers)})
        for part in (head, "{}", content):
            await self._connection.write_message(part, binary=isinstance(part, bytes))
        for number, buffer in enumerate(buffers):
            await self._connection.write_message(json.dumps({"id": str(number)}))
            await self._connection.write_message(buffer, binary=True)
        return str(self._sent)

    async def ask(self, kind: str, content: str | bytes, *buffers: bytes) -> dict[str, Any] | None:
        """Sends a message and returns its answer; None where the window was closed for it."""
        from tornado.websocket import WebSocketClosedError

        try:
            number = await self.send(kind, content, *buffers)
        except WebSocketClosedError:
            return None
        try:
            while (message := await asyncio.wait_for(self.receive(), _SECONDS)) and message["answers"] != number:
                pass
        except TimeoutError:
            raise AssertionError(f"no answer to {kind} {content[:300]!r}") from None
        return message

    async def models(self) -> list[dict[str, Any]]:
        """All models of the page as they are now."""
        message = await self.ask("PULL-DOC-REQ", "{}")
        assert message
        return list(models_in(message["doc"]))

    async def document(self) -> list[dict[str, Any]]:
        """All models of the page, once nothing changes any more."""
        seen: list[list[dict[str, Any]]] = [[], await self.models()]
        while seen[-1] != seen[-2]:
            await asyncio.sleep(0.3)
            seen.append(await self.models())
        return seen[-1]
