"""How a command ends that left pictures out which couldn't be read."""

from __future__ import annotations

import click

from copper_tf.api.settings import InputError

__all__ = ["PARTLY", "end_of"]

# Exit code where some pictures couldn't be read and the others are done.
PARTLY = 3


def end_of(failures: int, pictures: int) -> int:
    """The exit code of a command that reads pictures, after a line that says how many couldn't be read.

    Args:
        failures: how many couldn't be read.
        pictures: how many there are in all.

    Raises:
        InputError: if none could be read.
    """
    if not failures:
        return 0
    if failures == pictures:
        raise InputError(f"a picture must be readable. Received: {failures} that are not")
    received = f"{failures} of {pictures} that are not"
    click.echo(f"copper: every picture must be readable; the others are done. Received: {received}", err=True)
    return PARTLY
