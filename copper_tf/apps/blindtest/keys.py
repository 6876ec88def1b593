"""Keys of the page: typed stress times, and the few lines of JavaScript that tell the server of a key."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from panel.custom import JSComponent

__all__ = ["Keys", "TypedLabel"]

# After so many seconds a digit begins a new number.
_WINDOW = 1.2


class TypedLabel:
    """A stress time typed digit by digit: ``1`` and ``2`` soon after is 12 where there is such a label.

    As much as tells it from the other labels is enough: ``7`` is 7.25 where no other begins with 7.

    Args:
        texts: the numbers of the labels as shown, in order.
        clock: seconds that only go forward.
    """

    def __init__(self, texts: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._texts, self._clock = list(texts), clock
        self.forget()

    def forget(self) -> None:
        """Begins anew, as after another picture is shown."""
        self._typed, self._last = "", float("-inf")

    def add(self, key: str) -> int | None:
        """Takes a digit or a decimal point.

        Returns:
            The label that is meant by what has been typed by now; None where it can be several, or none.
        """
        now = self._clock()
        soon, self._last = now - self._last <= _WINDOW, now
        longer = self._typed + key if soon else key
        self._typed = longer if any(text.startswith(longer) for text in self._texts) else key
        if self._typed in self._texts:
            return self._texts.index(self._typed)
        meant = [k for k, text in enumerate(self._texts) if text.startswith(self._typed)]
        return meant[0] if len(meant) == 1 else None


class Keys(JSComponent):
    """Tells the server which key was pressed, unless it was typed into a field."""

    _esm = """
    const ours = /^([0-9.]|Enter|Arrow(Left|Right|Up|Down)|Home|End|[a-zA-Z])$/;
    export function render({ model }) {
      const told = (event) => {
        const place = event.composedPath()[0];
        const typing = ["INPUT", "TEXTAREA", "SELECT"].includes(place.tagName);
        if (typing || event.ctrlKey || event.altKey || event.metaKey || !ours.test(event.key)) return;
        event.preventDefault();
        if (!event.repeat || event.key.startsWith("Arrow")) model.send_msg(event.key);
      };
      window.addEventListener("keydown", told);
      model.on("remove", () => window.removeEventListener("keydown", told));
      const mark = document.createElement("span");
      mark.dataset.listening = "";
      return mark;
    }
    """

    def __init__(self, pressed: Callable[[str], None], **params: Any) -> None:
        super().__init__(**params)
        self._pressed = pressed

    def _handle_msg(self, data: Any) -> None:
        if isinstance(data, str) and 0 < len(data) <= len("ArrowRight"):
            self._pressed(data)
