"""Limits how often the code of a rater can be guessed."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from tfds_copper.errors import InputError

__all__ = ["Guesses"]

# Wrong codes for one name until nobody gets in under it, and seconds to wait after the first.
_MAX_WRONG, _FIRST_WAIT = 10, 1.0
_LOG = logging.getLogger(__name__)


class Guesses:
    """The wrong codes of all windows of a server, by name: each doubles the wait for the next, up to a lock.

    Args:
        clock: seconds that only increase.

    Example:
        >>> guesses = Guesses(clock=lambda: 0.0)
        >>> guesses.check("Anna")
        >>> guesses.add_wrong("Anna")
        >>> guesses.check("anna")
        Traceback (most recent call last):
        tfds_copper.errors.InputError: anna: after a wrong code, 1 s must pass. Received: another try
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._wrong: dict[str, tuple[int, float]] = {}

    def check(self, name: str) -> None:
        """Lets a try for a name pass.

        Raises:
            InputError: if it comes too early, or there were too many.
        """
        wrong, until = self._wrong.get(name.casefold(), (0, 0.0))
        left = until - self._clock()
        if wrong >= _MAX_WRONG:
            raise InputError(
                f"{name}: after {_MAX_WRONG} wrong codes this name is locked, until who runs the test starts it anew. "
                "Received: another try"
            )
        if wrong and left > 0:
            raise InputError(f"{name}: after a wrong code, {left:.0f} s must pass. Received: another try")

    def add_wrong(self, name: str) -> None:
        """Counts a wrong code, and logs it."""
        wrong, _ = self._wrong.get(name.casefold(), (0, 0.0))
        self._wrong[name.casefold()] = wrong + 1, self._clock() + _FIRST_WAIT * 2**wrong
        locked = ", the name is locked" if wrong + 1 >= _MAX_WRONG else ""
        _LOG.warning("a wrong code for %r, the %d. in all%s", name, wrong + 1, locked)

    def forget(self, name: str) -> None:
        """Begins anew for a name whose code was right."""
        self._wrong.pop(name.casefold(), None)
