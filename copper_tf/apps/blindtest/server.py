"""The web server of a blind test."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from copper_tf.analysis.blindtest.folder import BlindTest
from copper_tf.apps.web import server

if TYPE_CHECKING:
    import panel as pn

__all__ = ["serve"]


def serve(test: BlindTest, address: str, port: int, on_start: Callable[[str], None]) -> None:
    """Serves the page until it is interrupted, see `apps.web.server.serve`.

    Args:
        test: the test.
        address: to listen on.
        port: to listen on; 0 picks a free one.
        on_start: called with the URL once the server listens.

    Raises:
        SettingError: if the address isn't one of this machine, the port is taken, or Panel isn't installed.
    """

    def page() -> pn.Column:
        from copper_tf.apps.blindtest.page import Page

        return Page(test).view

    server.serve(page, address, port, on_start, "Blind test")
