"""How the viewer looks; its visual language is that of the blind test and the report."""

from __future__ import annotations

import html

from bokeh.palettes import Inferno256

from copper_tf.apps.web.styles import ACCENT, EDGE, INK, SOFT, WRONG, gradient
from copper_tf.utils.drawing import PALETTES

__all__ = ["BUTTONS", "CHECK", "CHOICE", "DROP", "FIELDS", "PAGE", "SLIDER", "TEXT", "THUMBS", "ramp"]

_LINE = "#dfe3e7"
_FONT = '-apple-system, "Segoe UI", "Helvetica Neue", "Liberation Sans", Arial, "DejaVu Sans", sans-serif'

PAGE = f"""
:host(.page) {{ height: 100vh; box-sizing: border-box; background: #fff; overflow: hidden; }}
:host(.top) {{ padding: 10px 20px; border-bottom: 1px solid {_LINE}; box-sizing: border-box; }}
:host(.side) {{ padding: 14px 14px 14px 20px; border-right: 1px solid {_LINE}; box-sizing: border-box; }}
:host(.tools) {{ padding: 14px 20px 20px 18px; border-left: 1px solid {_LINE}; box-sizing: border-box;
  overflow-y: auto; }}
:host(.middle) {{ padding: 14px 16px 12px; box-sizing: border-box; }}
"""

TEXT = f"""
:host {{ font: 14px/1.45 {_FONT}; color: {INK}; }}
p {{ margin: 0; }} b {{ font-weight: 600; }}
h1 {{ font-size: 1.15rem; line-height: 1.25; margin: 0; overflow-wrap: anywhere; }}
h2 {{ font-size: .78rem; letter-spacing: .05em; text-transform: uppercase; color: {SOFT}; font-weight: 600;
  margin: 0; }}
.soft {{ color: {SOFT}; }} .small {{ font-size: .82rem; }}
.big {{ font-size: 1.55rem; font-weight: 600; line-height: 1.1; font-variant-numeric: tabular-nums; }}
.head {{ display: flex; justify-content: space-between; align-items: flex-end; gap: 2rem; }}
.numbers {{ font-variant-numeric: tabular-nums; }}
.warn {{ border-left: 4px solid {WRONG}; padding: .1rem 0 .1rem .6rem; overflow-wrap: anywhere; }}
.ramp {{ display: flex; align-items: center; gap: .6rem; font-size: .85rem; color: {SOFT}; white-space: nowrap; }}
.ramp i {{ width: 130px; height: 12px; border: 1px solid {EDGE}; }}
a {{ color: {ACCENT}; }} a.file {{ display: block; padding: .14rem 0; }}
.pin {{ display: inline-block; min-width: 1.35em; border-radius: 1em; background: {INK}; color: #fff;
  text-align: center;  font-weight: 600; font-size: .8rem; line-height: 1.35em; margin-right: .35em; }}
.note {{ overflow-wrap: anywhere; }}
progress {{ width: 160px; height: 8px; accent-color: {ACCENT}; vertical-align: middle; }}
details summary {{ cursor: pointer; color: {ACCENT}; }} details p {{ margin-top: .5rem; }}
"""

FIELDS = f"""
:host {{ font: 14px/1.45 {_FONT}; color: {INK}; }}
label {{ font-size: .82rem; color: {SOFT}; }}
.bk-input {{ font: .95rem {_FONT}; border: 1.5px solid {EDGE}; border-radius: 6px; }}
.bk-input:focus {{ border-color: {ACCENT}; outline: 2px solid {ACCENT}; }}
"""

# Panel's own design has more specific selectors, hence all that is important here and below.
BUTTONS = f"""
:host .bk-btn {{ font: 600 .86rem/1.2 {_FONT} !important; border: 1.5px solid {EDGE} !important;
  color: {INK} !important; background: #fff !important; border-radius: 6px; min-height: 32px; padding: 3px 9px; }}
:host .bk-btn:hover {{ border-color: {ACCENT} !important; background: #eef5fa !important; }}
:host .bk-btn:focus-visible {{ outline: 2px solid {ACCENT}; outline-offset: 2px; }}
:host(.main) .bk-btn, :host .bk-btn.bk-active {{ background: {ACCENT} !important; border-color: {ACCENT} !important;
  color: #fff !important; }}
:host(.plain) .bk-btn {{ border-color: transparent !important; color: {SOFT} !important; padding: 2px 6px;
  min-height: 24px; }}
:host(.plain) .bk-btn:hover {{ color: {ACCENT} !important; }}
"""

CHOICE = (
    BUTTONS
    + """
:host .bk-btn-group { display: flex; width: 100%; } :host .bk-btn-group .bk-btn { flex: 1; border-radius: 0;
  margin-left: -1.5px; white-space: nowrap; padding: 3px 6px; }
:host .bk-btn-group .bk-btn:first-child { border-radius: 6px 0 0 6px; margin-left: 0; }
:host .bk-btn-group .bk-btn:last-child { border-radius: 0 6px 6px 0; }
"""
)

SLIDER = f"""
:host {{ font: 14px/1.45 {_FONT}; color: {INK}; }}
.bk-slider-title {{ font-size: .9rem !important; color: {INK}; padding: 0; }}
.noUi-target {{ height: 6px; border: none; background: {_LINE}; box-shadow: none; }}
.noUi-connect {{ background: {ACCENT} !important; }}
.noUi-handle {{ border: 1.5px solid {ACCENT} !important; border-radius: 50% !important; background: #fff !important;
  box-shadow: none !important; }}
.noUi-handle::before, .noUi-handle::after {{ display: none; }}
"""

CHECK = f"""
:host {{ font: 14px/1.45 {_FONT}; color: {INK}; }} input {{ accent-color: {ACCENT}; }}
"""

DROP = f"""
.filepond--root.filepond--root {{ font: 13px {_FONT}; margin: 0; background: #f7f8f9; border: 1.5px dashed {EDGE};
  border-radius: 8px; box-sizing: border-box; }}
.filepond--root .filepond--panel-root, .filepond--root .filepond--drop-label {{ background: transparent; }}
.filepond--root .filepond--drop-label {{ color: {SOFT}; min-height: 76px; }}
.filepond--root .filepond--drop-label label {{ font-size: 13px; padding: 4px; }}
.filepond--root .filepond--label-action {{ color: {ACCENT}; text-decoration: underline; }}
.filepond--root .filepond--item-panel {{ background: {SOFT}; }}
"""

THUMBS = f"""
:host {{ font: 13px/1.35 {_FONT}; color: {INK}; display: block; overflow-y: auto; overflow-x: hidden; }}
h2 {{ font-size: .78rem; letter-spacing: .03em; color: {SOFT}; font-weight: 600; margin: 12px 0 5px; }}
h2:first-child {{ margin-top: 0; }}
div.group {{ display: grid; grid-template-columns: 1fr 1fr; gap: 8px; padding: 2px 4px 2px 2px; }}
button {{ all: unset; cursor: pointer; border-radius: 6px; display: block; min-width: 0; }}
button img {{ display: block; width: 100%; aspect-ratio: 4 / 3; object-fit: cover; border-radius: 5px;
  background: {_LINE};  outline: 1px solid {EDGE}; outline-offset: -1px; }}
button span {{ display: block; font-size: .8rem; color: {SOFT}; font-variant-numeric: tabular-nums;
  overflow: hidden;  text-overflow: ellipsis; white-space: nowrap; padding-top: 1px; }}
button:hover img {{ outline-color: {ACCENT}; }} button:focus-visible {{ outline: 2px solid {ACCENT};
  outline-offset: 2px; }}
button.chosen img {{ outline: 3px solid {ACCENT}; outline-offset: -1px; }} button.chosen span {{ color: {INK};
  font-weight: 600; }}
"""


def ramp(palette: str, low: str, high: str) -> str:
    """A strip of colours between what they stand for.

    Args:
        palette: a name in `draw.PALETTES`; any other is that of the scatter.
        low: what its first colour means.
        high: what its last one means.
    """
    shades = [f"rgb{colour}" for colour in PALETTES[palette]] if palette in PALETTES else Inferno256[::32]
    texts = [html.escape(text) for text in (low, high)]
    return f'<div class="ramp">{texts[0]} <i style="{gradient(shades)}"></i> {texts[1]}</div>'
