"""What the style sheets of the web pages share; the colours are those of the report, see `utils.colours`."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["FONT", "MONOSPACE", "gradient"]

FONT = '-apple-system, "Segoe UI", "Helvetica Neue", "Liberation Sans", Arial, "DejaVu Sans", sans-serif'
MONOSPACE = 'ui-monospace, "DejaVu Sans Mono", monospace'


def gradient(colours: Sequence[str]) -> str:
    """A strip from the first colour to the last, as CSS.

    Args:
        colours: as CSS writes them.

    Example:
        >>> gradient(["#000", "#fff"])
        'background: linear-gradient(90deg, #000, #fff)'
    """
    return f"background: linear-gradient(90deg, {', '.join(colours)})"
