"""The websocket of a window: who may open it, how much it may send, and what it tells of errors."""

from __future__ import annotations

import logging
import time
from typing import Any

from bokeh.util.token import check_token_signature, get_token_payload
from tornado.web import Application

from copper_tf.apps.compat import connection_handler, replace_connection_handler
from copper_tf.apps.web.protocol import Refused, allowed

__all__ = ["Connection", "install_connection"]

# Characters of a part of a message in JSON; files come as bytes.
_MAX_JSON = 2**18
_LOG = logging.getLogger(__name__)


class Connection(connection_handler()):  # type: ignore[misc]
    """Panel's websocket handler, with limits against hostile clients.

    Bokeh accepts a connection before it looks at its session, limits the parts of a message but not their number, and
    answers an error with a traceback, which names folders of this machine.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._received_bytes, self._has_refused = 0, False
        super().__init__(*args, **kwargs)

    async def prepare(self) -> None:
        """Refuses, before the handshake, a client without the session of a served page."""
        await super().prepare()
        offered = [part.strip() for part in self.request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
        if self._finished or (len(offered) == 2 and offered[0] == "bokeh" and self._is_session(offered[1])):
            return
        self.set_status(403)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("The session of a page is needed; load the page again.\n")

    def _is_session(self, token: str) -> bool:
        """Whether a token is of a session of this server and not expired."""
        signed = {"signed": self.application.sign_sessions, "secret_key": self.application.secret_key}
        try:
            return check_token_signature(token, **signed) and get_token_payload(token)["session_expiry"] > time.time()
        except (ValueError, KeyError, TypeError, RecursionError):
            return False

    async def _receive(self, fragment: str | bytes) -> Any:
        self._received_bytes += len(fragment)
        long = isinstance(fragment, str) and len(fragment) > _MAX_JSON
        if long or self._received_bytes > self.settings["websocket_max_message_size"]:
            self._protocol_error("a message is too long")
            return None
        try:
            message = await super()._receive(fragment)
        except Exception as error:  # noqa: BLE001 - nothing that a client sends may end otherwise
            self._protocol_error(f"a message can't be read: {type(error).__name__}")
            return None
        if message is not None:
            self._received_bytes = 0
        return message

    async def _handle(self, message: Any) -> Any:
        """Hands on what `protocol` allows, and answers all else with an error."""
        try:
            message.content = allowed(message.msgtype, message.content, self.connection.session.document.models)
        except Refused as reason:
            if not self._has_refused:
                _LOG.warning("refused a message of a window, and all others of its kind: %s", reason)
                self._has_refused = True
            return self.connection.error(message, "refused")
        return await super()._handle(message)

    async def send_message(self, message: Any) -> None:
        """Sends a message; of an error only that there was one, the rest is in the server's log."""
        if message.msgtype == "ERROR":
            message.content = {"text": "the server could not use a message", "traceback": None}
        await super().send_message(message)


def install_connection(application: Application) -> None:
    """Makes an application of Panel use `Connection` for its websockets.

    Raises:
        RuntimeError: if this version of Panel has its websockets elsewhere.
    """
    replace_connection_handler(application, Connection)
