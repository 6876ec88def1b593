"""Flags made from the settings themselves, and the flags that mean the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from copper_tf.api.settings import Group, field_types, setting_fields
from copper_tf.cli.verbs import GroupedOption, Verb

__all__ = ["Variadic", "data_option", "explicit", "flags", "folder_option", "force_option", "group_of"]

Decorator = Callable[[Any], Any]
# Of the options of each group of settings in a command's help.
_HEADINGS = {
    "DataSettings": "Crops and grey values",
    "ModelSettings": "Network",
    "TrainingSettings": "Training",
    "SplitSettings": "How pictures are split",
    "ReadSettings": "How pictures are read",
    "SimulationSettings": "The simulated pictures",
    "BlindSettings": "The test",
}


class Variadic(Verb):
    """A command whose repeatable options take several values after one flag: ``--compare linear sqrt``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeats the flag before every further value, up to the next flag."""
        several = {flag for p in self.params if isinstance(p, click.Option) and p.multiple for flag in p.opts}
        spelled, flag = [], ""
        for k, word in enumerate(args):
            before = args[k - 1] if k else ""
            if word.startswith("-"):
                flag = next((f for f in several if word == f or word.startswith(f"{f}=")), "")
            elif flag and before != flag:
                spelled.append(flag)
            spelled.append(word)
        try:
            return super().parse_args(ctx, spelled)
        except click.MissingParameter as error:
            name = error.param.human_readable_name if error.param else ""
            raise click.UsageError(
                f"{name} must be given, before the options that take several values ({', '.join(sorted(several))}). "
                "Received: none", ctx,
            ) from None  # fmt: skip


def _kind(kind: type, metadata: Any) -> click.ParamType:
    """How click reads a value; the limits themselves are checked by the group, in one place."""
    if metadata["choices"] and kind is str:
        return click.Choice(list(metadata["choices"]))
    kinds: dict[type, click.ParamType] = {int: click.INT, float: click.FLOAT}
    return kinds.get(kind, click.STRING)


def flags(group: type[Group], defaults: Group | None = None, omit: tuple[str, ...] = ()) -> Decorator:
    """Adds a flag for every setting of a group, spelled exactly as the setting (``_`` becomes ``-``).

    Args:
        group: the settings.
        defaults: the values shown and used where no flag is given; the group's own by default.
        omit: settings that get no flag.
    """
    base = defaults or group()
    kinds = field_types(group)

    def add(function: Any) -> Any:
        for field in reversed(setting_fields(group)):
            if field.name in omit:
                continue
            unit = f" ({field.metadata['unit']})" if field.metadata["unit"] else ""
            switch = kinds[field.name] is bool
            function = click.option(
                f"--{field.name.replace('_', '-')}",
                field.name,
                type=None if switch else _kind(kinds[field.name], field.metadata),
                is_flag=switch,
                default=getattr(base, field.name),
                show_default=not switch and getattr(base, field.name) != "",
                help=field.metadata["help"] + unit,
                cls=GroupedOption,
                heading=_HEADINGS[group.__name__],
            )(function)
        return function

    return add


def group_of(group: type[Group], values: dict[str, Any]) -> Any:
    """The group from the values of a command's flags, checked."""
    return group.from_dict({f.name: values[f.name] for f in setting_fields(group) if f.name in values})


def explicit(values: dict[str, Any]) -> dict[str, Any]:
    """Only those values that the user gave on the command line."""
    context = click.get_current_context()
    given = click.core.ParameterSource.COMMANDLINE
    return {name: value for name, value in values.items() if context.get_parameter_source(name) == given}


def folder_option(what: str, required: bool = True, default: str | None = None) -> Decorator:
    """``-o``, always a folder."""
    # To Click a default of None is one, and what has a default is never missing.
    known: dict[str, Any] = {"required": required} if default is None else {"default": default, "show_default": True}
    return click.option("-o", "--output", type=click.Path(path_type=Path), help=what, **known)


force_option = click.option("--force", is_flag=True, help="Replace what an earlier call left in the output folder.")
data_option = click.option(
    "--data", type=click.Path(path_type=Path),
    help="Where the dataset lies now, if it has moved since training; runs note it.",
)  # fmt: skip
