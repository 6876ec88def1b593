"""The style sheets that the web pages share; the colours are those of the report, see `utils.colours`."""

from __future__ import annotations

from collections.abc import Sequence

from copper_tf.utils.colours import ACCENT, EDGE, INK, MUTED

__all__ = ["BUTTONS", "FIELDS", "FONT", "MONOSPACE", "NARROW", "RADIO_BUTTONS", "ROWS", "gradient"]

FONT = '-apple-system, "Segoe UI", "Helvetica Neue", "Liberation Sans", Arial, "DejaVu Sans", sans-serif'
MONOSPACE = 'ui-monospace, "DejaVu Sans Mono", monospace'
# Screens on which everything stands in one column.
NARROW = "@media (max-width: 900px)"

ROWS = f"""
:host(.wrapping) {{ flex-wrap: wrap; min-width: 0 !important; height: auto !important; }}
{NARROW} {{
  :host(.row) {{ flex-wrap: wrap; min-width: 0 !important; height: auto !important; }}
  /* The buttons of the labels get a line of their own. */
  :host(.labels) {{ order: -1; flex: 1 0 100% !important; }}
}}
"""

FIELDS = f"""
:host {{ font: 14px/1.45 {FONT}; color: {INK}; }}
label {{ font-size: .85rem; color: {MUTED}; }}
.bk-input {{ font: 1rem {FONT}; border: 1.5px solid {EDGE}; border-radius: 6px; min-height: 34px; }}
.bk-input:focus {{ border-color: {ACCENT}; outline: 2px solid {ACCENT}; }}
"""

# `!important` here and below outweighs the more specific selectors of Panel's own design.
BUTTONS = f"""
:host .bk-btn {{ font: 600 .86rem/1.2 {FONT} !important; border: 1.5px solid {EDGE} !important;
  color: {INK} !important; background: #fff !important; border-radius: 6px; min-height: 32px; padding: 3px 9px;
  font-variant-numeric: tabular-nums; }}
:host .bk-btn:hover {{ border-color: {ACCENT} !important; background: #eef5fa !important; }}
:host .bk-btn:focus-visible {{ outline: 2px solid {ACCENT}; outline-offset: 2px; }}
:host(.primary) .bk-btn, :host(.chosen) .bk-btn, :host .bk-btn.bk-active {{ background: {ACCENT} !important;
  border-color: {ACCENT} !important; color: #fff !important; }}
:host(.subtle) .bk-btn {{ border-color: transparent !important; color: {MUTED} !important; padding: 2px 6px;
  min-height: 24px; }}
:host(.subtle) .bk-btn:hover {{ color: {ACCENT} !important; }}
:host(.large) .bk-btn {{ font-size: 1rem !important; min-height: 42px; padding: 4px 2px; }}
"""

RADIO_BUTTONS = (
    BUTTONS
    + """
:host .bk-btn-group { display: flex; width: 100%; } :host .bk-btn-group .bk-btn { flex: 1; border-radius: 0;
  margin-left: -1.5px; white-space: nowrap; padding: 3px 6px; }
:host .bk-btn-group .bk-btn:first-child { border-radius: 6px 0 0 6px; margin-left: 0; }
:host .bk-btn-group .bk-btn:last-child { border-radius: 0 6px 6px 0; }
"""
)


def gradient(colours: Sequence[str]) -> str:
    """A strip from the first colour to the last, as CSS.

    Args:
        colours: as CSS writes them.

    Example:
        >>> gradient(["#000", "#fff"])
        'background: linear-gradient(90deg, #000, #fff)'
    """
    return f"background: linear-gradient(90deg, {', '.join(colours)})"
