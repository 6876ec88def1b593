"""What a command prints: text, or with --json its result alone, or with -q neither."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import platform
import sys
import time
from typing import Any

import click

import copper_tf

__all__ = ["SHOWN", "Shown", "give", "output_options", "say", "warn"]


@dataclasses.dataclass
class Shown:
    """What the flags of a call ask for.

    Attributes:
        quiet: print errors and warnings alone.
        verbose: print versions, times and tracebacks, too.
        as_json: print the result as JSON, and nothing else on standard output.
    """

    quiet: bool = False
    verbose: bool = False
    as_json: bool = False
    started: float = 0.0

    @property
    def text(self) -> bool:
        """Whether text is printed."""
        return not (self.quiet or self.as_json)

    def reset(self) -> None:
        """As at the start of a call."""
        self.quiet = self.verbose = self.as_json = False
        self.started = time.monotonic()


# Of the call that is being made: a process makes one after the other.
SHOWN = Shown()
_PACKAGES = ("tensorflow", "keras", "numpy")


def say(text: object) -> None:
    """Prints a line for people."""
    if SHOWN.text:
        click.echo(text)


def warn(text: object, level: str = "warning") -> None:
    """Prints a warning: with the text, or on standard error where there is none.

    Args:
        text: of it.
        level: how bad it is.
    """
    click.echo(f"{level}: {text}", err=not SHOWN.text)


def give(result: Any) -> None:
    """Prints a result as JSON where that is asked for."""
    if SHOWN.as_json:
        from copper_tf.api.results import as_json

        click.echo(as_json(result))


def _shown(name: str) -> Any:
    def note(_: click.Context, __: click.Parameter, value: bool) -> None:
        if value:
            setattr(SHOWN, name, True)
        if value and name == "verbose":
            versions = [f"{package} {importlib.metadata.version(package)}" for package in _PACKAGES]
            python = f"Python {platform.python_version()} on {platform.platform()}"
            click.echo(", ".join([f"copper-tf {copper_tf.__version__}", python, *versions]), err=True)
            click.echo(f"arguments: {' '.join(sys.argv[1:])}", err=True)

    return note


def output_options(gives: bool) -> list[click.Option]:
    """``-q``, ``-v`` and, of a command that gives a result, ``--json``."""
    names: list[tuple[tuple[str, ...], str, str]] = [
        (("-q", "--quiet"), "quiet", "Print errors and warnings alone."),
        (("-v", "--verbose"), "verbose", "Also print versions, how long it took, and where an error comes from."),
    ]
    if gives:
        names.append((("--json",), "as_json", "Print the result as JSON on standard output, and nothing else there."))
    return [
        click.Option([*flags, name], is_flag=True, expose_value=False, callback=_shown(name), help=text)
        for flags, name, text in names
    ]
