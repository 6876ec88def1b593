"""The keyboard: stress times typed digit by digit, and the JavaScript that sends keys to the server."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from panel.custom import JSComponent

__all__ = ["KeyListener", "TypedLabel"]

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


class KeyListener(JSComponent):
    """Sends pressed keys to the server, except those typed into a field."""

    _esm = """
    const accepted = /^([0-9.]|Enter|Arrow(Left|Right|Up|Down)|Home|End|[a-zA-Z])$/;
    export function render({ model }) {
      const listener = (event) => {
        const target = event.composedPath()[0];
        const typing = ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
        if (typing || event.ctrlKey || event.altKey || event.metaKey || !accepted.test(event.key)) return;
        event.preventDefault();
        if (!event.repeat || event.key.startsWith("Arrow")) model.send_msg(event.key);
      };
      window.addEventListener("keydown", listener);
      model.on("remove", () => window.removeEventListener("keydown", listener));
      const marker = document.createElement("span");
      marker.dataset.listening = "";
      return marker;
    }
    """

    def __init__(self, on_key: Callable[[str], None], **params: Any) -> None:
        super().__init__(**params)
        self._on_key = on_key

    def _handle_msg(self, data: Any) -> None:
        if isinstance(data, str) and 0 < len(data) <= len("ArrowRight"):
            self._on_key(data)
