"""A progress bar with time left on a terminal, a line for every tenth elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from copper_tf.cli.output import SHOWN

if TYPE_CHECKING:
    from copper_tf.api.settings import Progress


__all__ = ["progress_bar"]

# Lines that a log gets of each kind of work, beside its first.
_LINES = 10


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


@contextlib.contextmanager
def _lines() -> Iterator[Progress]:
    """For logs and pipes: one line when something new starts, then one for every tenth of it."""
    shown, started, phase = 0, time.monotonic(), ("", 0)

    def tell(done: int, total: int, what: str) -> None:
        nonlocal shown, started, phase
        now = time.monotonic()
        if (kind := (what.split(" ")[0], total)) != phase:
            phase, started, shown = kind, now, -1
        tenths = _LINES * done // total if total else _LINES
        if tenths <= shown:
            return
        shown = tenths
        left = f", {_clock((now - started) / done * (total - done))} left" if 0 < done < total else ""
        click.echo(f"{what}: {done}/{total}{left}", err=True)

    yield tell


@contextlib.contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[tuple[str, int], TaskID] = {}

        def tell(done: int, total: int, what: str) -> None:
            key = (what.split(" ")[0], total)
            if key not in tasks:
                tasks[key] = bar.add_task(what, total=total)
            for other, task in tasks.items():
                bar.update(task, visible=other == key)
            bar.update(tasks[key], completed=done, description=what)

        yield tell


@contextlib.contextmanager
def progress_bar() -> Iterator[Progress]:
    """Yields ``progress(done, total, what)`` for the library to call."""
    if SHOWN.quiet:
        yield lambda done, total, what: None
        return
    with _bar() if sys.stderr.isatty() else _lines() as tell:
        yield tell
