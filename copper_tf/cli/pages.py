"""The flags of commands that serve a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from copper_tf.api.apps import LOOPBACK

__all__ = ["address_option", "port_option"]

address_option = click.option(
    "--address", default=LOOPBACK, show_default=True,
    help="IP address to listen on; its page needs the token in the URL that is printed.",
)  # fmt: skip


def port_option(default: int) -> Callable[[Any], Any]:
    """``--port``."""
    kind = click.IntRange(0, 65535)
    return click.option("--port", type=kind, default=default, show_default=True, help="Port; 0 picks a free one.")
