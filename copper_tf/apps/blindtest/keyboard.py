"""The keyboard of a blind test: stress times typed digit by digit."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

__all__ = ["TypedLabel"]

# Seconds after which a digit starts a new number.
_TIMEOUT = 1.2


class TypedLabel:
    """A stress time typed digit by digit: ``1`` and soon after ``2`` is 12 if there is such a label.

    An unambiguous beginning is enough: ``7`` is 7.25 if no other label begins with 7.

    Args:
        texts: the numbers of the labels as shown, in order.
        clock: seconds that only increase.

    Example:
        >>> typed = TypedLabel(["0", "2.5", "10", "12"])
        >>> [typed.add(key) for key in "12"]
        [None, 3]
        >>> typed.add("2")
        1
    """

    def __init__(self, texts: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._texts, self._clock = list(texts), clock
        self.reset()

    def reset(self) -> None:
        """Starts a new number."""
        self._typed, self._last = "", float("-inf")

    def add(self, key: str) -> int | None:
        """Adds a digit or a decimal point.

        Returns:
            The rank of the label typed so far; None while it is ambiguous or matches no label.
        """
        now = self._clock()
        soon, self._last = now - self._last <= _TIMEOUT, now
        longer = self._typed + key if soon else key
        self._typed = longer if any(text.startswith(longer) for text in self._texts) else key
        if self._typed in self._texts:
            return self._texts.index(self._typed)
        matches = [k for k, text in enumerate(self._texts) if text.startswith(self._typed)]
        return matches[0] if len(matches) == 1 else None
