"""Commands whose help shows options in groups and examples, and groups of commands that say which one was meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

import click

from copper_tf.cli.examples import EXAMPLES
from copper_tf.cli.output import output_options

__all__ = ["GroupedOption", "Verb", "VerbGroup"]

_OPTIONS, _OUTPUT = "Options", "Output"


class GroupedOption(click.Option):
    """An option that stands under a heading of its own in the help.

    Args:
        heading: of its group.
        *args: of `click.Option`.
        **kwargs: of `click.Option`.
    """

    def __init__(self, *args: Any, heading: str = _OPTIONS, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.heading = heading


class Verb(click.Command):
    """A command.

    Args:
        *args: of `click.Command`.
        gives: whether it gives a result, which ``--json`` prints.
        **kwargs: of `click.Command`.
    """

    def __init__(self, *args: Any, gives: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.output_options = output_options(gives)
        self.params.extend(self.output_options)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As Click does; an error points to the help of this command, where Click knows none."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def _heading(self, parameter: click.Parameter) -> str:
        if parameter in self.output_options:
            return _OUTPUT
        return parameter.heading if isinstance(parameter, GroupedOption) else _OPTIONS

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options under their headings, then examples."""
        sections: dict[str, list[tuple[str, str]]] = {_OPTIONS: []}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                sections.setdefault(self._heading(parameter), []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)
        if examples := EXAMPLES.get(ctx.command_path.partition(" ")[2]):
            with formatter.section("Examples"):
                for example in examples:
                    formatter.write(f"{'':{formatter.current_indent}}{example}\n")


class VerbGroup(click.Group):
    """A group of commands; a mistyped name ends in the one that was meant, or in all there are."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:  # fmt: skip
        """As click's own.

        Raises:
            click.UsageError: if there is no such command.
        """
        name, known = args[0], self.list_commands(ctx)
        if name not in known and not name.startswith("-") and not ctx.resilient_parsing:
            raise click.UsageError(f"No such command {name!r}. {_meant(name, known)}", ctx)
        return super().resolve_command(ctx, args)


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name.lower(), known, n=1)
    return f"Did you mean {close[0]}?" if close else f"Commands are {', '.join(known)}."
