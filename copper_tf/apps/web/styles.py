"""The colours of the local pages; those of the report's pages have the same values."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["ACCENT", "EDGE", "INK", "SOFT", "WRONG", "gradient"]

INK, SOFT, EDGE, ACCENT, WRONG = "#1d2126", "#5b6470", "#aab2bb", "#0b5c8f", "#b54a00"


def gradient(shades: Sequence[str]) -> str:
    """A strip from the first colour to the last, as CSS.

    Args:
        shades: colours as CSS writes them.
    """
    return f"background: linear-gradient(90deg, {', '.join(shades)})"
