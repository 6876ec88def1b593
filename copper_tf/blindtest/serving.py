"""The web server of a blind test."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from copper_tf.blindtest.folder import BlindTest
from tfds_copper.errors import SettingError

__all__ = ["serve"]

_HERE = "127.0.0.1"
# Keys, names and clicks: nothing that a page sends is large.
_LARGEST_MESSAGE = 2**20


def serve(test: BlindTest, port: int, opened: Callable[[str], None]) -> None:
    """Serves the page of a test to this machine alone, until it is interrupted.

    No route of the server leads to a file of the test: pictures travel inside the page's own connection.

    Args:
        test: the test.
        port: where; 0 takes a free one.
        opened: told the address once the server listens.

    Raises:
        SettingError: if the port is taken.
    """
    asyncio.run(_serve(test, port, opened))


async def _serve(test: BlindTest, port: int, opened: Callable[[str], None]) -> None:
    try:
        import panel as pn
    except ModuleNotFoundError:
        raise SettingError("blindtest needs the extra app: pip install 'copper-tf[app]'. Received: no panel") from None
    from copper_tf.blindtest.page import Page

    pn.extension()

    def page() -> Any:
        return Page(test).view

    try:
        server = pn.io.server.get_server(
            {"/": page}, port=port, address=_HERE, title="Blind test", start=False,
            websocket_max_message_size=_LARGEST_MESSAGE,
        )  # fmt: skip
    except OSError as error:
        raise SettingError(
            f"port must be free on this machine; --port 0 finds one. Received: {port} ({error.strerror})"
        ) from None
    server.start()
    opened(f"http://{_HERE}:{server.port}")
    try:
        await asyncio.Event().wait()
    finally:
        server.stop()
