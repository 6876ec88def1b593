"""The flags of commands that serve a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from copper_tf.apps.web.server import HERE

__all__ = ["address_option", "port_option"]

address_option = click.option(
    "--address", default=HERE, show_default=True, help="To listen on; any but this machine's own needs a token."
)


def port_option(default: int) -> Callable[[Any], Any]:
    """``--port``."""
    kind = click.IntRange(0, 65535)
    return click.option("--port", type=kind, default=default, show_default=True, help="Of the page; 0: a free one.")
