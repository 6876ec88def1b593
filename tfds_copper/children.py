"""Processes that we start: they import nothing of the current folder, where a random.py may lie beside the pictures."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

__all__ = ["SAFE_PATH", "safe_children"]

# With it Python leaves the current folder, and that of a script, off the path that it imports from.
SAFE_PATH = {"PYTHONSAFEPATH": "1"}


@contextlib.contextmanager
def safe_children() -> Iterator[None]:
    """While it is entered, all Python that this process starts does without the current folder, also in pools.

    To be entered before a pool or a context of processes is made, since these start a process at once.
    """
    before = {name: os.environ.get(name) for name in SAFE_PATH}
    os.environ.update(SAFE_PATH)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
