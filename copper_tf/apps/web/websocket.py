"""The connection of one window to its page: who may open it, how much it may send, what errors tell it."""

from __future__ import annotations

import time
from typing import Any

from bokeh.util.token import check_token_signature, get_token_payload
from panel.io.server import WSHandler
from tornado.web import Application

__all__ = ["Window", "connect"]


class Window(WSHandler):  # type: ignore[misc]
    """Panel's connection, less what Bokeh grants to strangers.

    Bokeh takes up a connection before it looks at its session, bounds the parts of a message but not their number, and
    tells of an error by a traceback, which names folders of this machine.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._received = 0
        super().__init__(*args, **kwargs)

    async def prepare(self) -> None:
        """Refuses, before the handshake, who doesn't bring the session of a page that was served."""
        await super().prepare()
        offered = [word.strip() for word in self.request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        if self._finished or (len(offered) == 2 and offered[0] == "bokeh" and self._served(offered[1])):
            return
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("The session of a page is needed; load the page again.\n")

    def _served(self, session: str) -> bool:
        """Whether a session is one of ours and still new."""
        signed = {"signed": self.application.sign_sessions, "secret_key": self.application.secret_key}
        try:
            return (
                check_token_signature(session, **signed) and get_token_payload(session)["session_expiry"] > time.time()
            )
        except (ValueError, KeyError, TypeError, RecursionError):
            return False

    async def _receive(self, fragment: str | bytes) -> Any:
        self._received += len(fragment)
        if self._received > self.settings["websocket_max_message_size"]:
            self._protocol_error("a message is too long")
            return None
        message = await super()._receive(fragment)
        if message is not None:
            self._received = 0
        return message

    async def send_message(self, message: Any) -> None:
        """Sends a message; of an error only that there was one, the rest is in the server's log."""
        if message.msgtype == "ERROR":
            message.content = {"text": "the server could not use a message", "traceback": None}
        await super().send_message(message)


def connect(application: Application) -> None:
    """Makes an application of Panel's take up connections by `Window`.

    Raises:
        RuntimeError: if it has no route to change, as no Panel that is allowed here does.
    """
    routes = [rule for rule in application.wildcard_router.rules if rule.target is WSHandler]
    if not routes:
        raise RuntimeError("Panel's routes of websockets are no longer where they were")
    for rule in routes:
        rule.target = Window
