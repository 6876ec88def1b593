"""Has Sphinx show the help of commands as it stands: stars, bars and backslashes of patterns mean nothing there."""

from __future__ import annotations

import re

import click
from sphinx.application import Sphinx

from copper_tf.cli.main import cli


def _escaped(text: str) -> str:
    """The text for reStructuredText, outside of backticks."""
    return re.sub(r"([\\*|_])", r"\\\1", text)


def escape_help(command: click.Command) -> None:
    """Escapes the help of a command, of its options, and of the commands within it."""
    command.help = _escaped(command.help or "")
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.help:
            parameter.help = _escaped(parameter.help)
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            if inner is not None:
                escape_help(inner)


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", lambda _: escape_help(cli))
    return {"parallel_read_safe": True}
