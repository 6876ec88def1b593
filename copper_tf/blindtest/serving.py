"""The web server of a blind test."""

from __future__ import annotations

from collections.abc import Callable

from copper_tf.blindtest.folder import BlindTest

__all__ = ["serve"]


def serve(test: BlindTest, port: int, open_page: bool, tell: Callable[[str], None]) -> None:
    """Serves the page until it is interrupted."""
    import panel as pn

    from copper_tf.blindtest.page import Page

    pn.extension()
    pn.serve(lambda: Page(test).view, port=port, address="127.0.0.1", show=open_page, title="Blind test", verbose=False)
