"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["Progress"]

# Called as progress(done, total, what): items done, items in all, and the name of the work.
Progress = Callable[[int, int, str], None]
