"""The style sheets of the viewer, in the visual language of the blind test and the report."""

from __future__ import annotations

import html
from typing import Any

import panel as pn
from bokeh.palettes import Inferno256

from copper_tf.apps.web import widgets
from copper_tf.apps.web.styles import FONT, NARROW, gradient
from copper_tf.utils.colours import ACCENT, EDGE, INK, LINE, MUTED, WARNING
from copper_tf.utils.drawing import PALETTES

__all__ = [
    "CHECKBOX",
    "DROP_ZONE",
    "PAGE",
    "SLIDER",
    "TEXT",
    "THUMBNAILS",
    "colour_scale",
    "text",
]

PAGE = f"""
:host(.page) {{ height: 100vh; box-sizing: border-box; background: #fff; overflow: hidden; }}
:host(.title) {{ padding: 10px 20px; border-bottom: 1px solid {LINE}; box-sizing: border-box; }}
:host(.sidebar) {{ padding: 14px 14px 14px 20px; border-right: 1px solid {LINE}; box-sizing: border-box; }}
:host(.toolbar) {{ padding: 14px 20px 20px 18px; border-left: 1px solid {LINE}; box-sizing: border-box;
  overflow-y: auto; }}
:host(.pictures) {{ padding: 14px 16px 12px; box-sizing: border-box; }}
/* On a narrow screen everything stands in one column, which Panel's own widths must not prevent. */
{NARROW} {{
  :host(.page), :host(.columns), :host(.sidebar), :host(.toolbar), :host(.pictures) {{ flex: none !important;
    min-width: 0 !important; height: auto !important; max-height: none !important; overflow: visible; }}
  :host(.columns) {{ flex-direction: column !important; }}
  :host(.sidebar), :host(.toolbar), :host(.pictures) {{ width: 100% !important; border: none; }}
  :host(.sidebar) {{ order: 1; }}
  :host(.pictures) {{ height: 60vh !important; }}
}}
"""

TEXT = f"""
:host {{ font: 14px/1.45 {FONT}; color: {INK}; }}
p {{ margin: 0; }} b {{ font-weight: 600; }}
h1 {{ font-size: 1.15rem; line-height: 1.25; margin: 0; overflow-wrap: anywhere; }}
h2 {{ font-size: .78rem; letter-spacing: .05em; text-transform: uppercase; color: {MUTED}; font-weight: 600;
  margin: 0; }}
.muted {{ color: {MUTED}; }} .small {{ font-size: .82rem; }}
.big {{ font-size: 1.55rem; font-weight: 600; line-height: 1.1; font-variant-numeric: tabular-nums; }}
.header {{ display: flex; flex-wrap: wrap; justify-content: space-between; align-items: flex-end; gap: 0 2rem; }}
.numbers {{ font-variant-numeric: tabular-nums; }}
.warning {{ border-left: 4px solid {WARNING}; padding: .1rem 0 .1rem .6rem; overflow-wrap: anywhere; }}
.colour-scale {{ display: flex; flex-wrap: wrap; align-items: center; gap: 0 .6rem; font-size: .85rem; color: {MUTED};
  white-space: nowrap; }} .colour-scale i {{ width: 130px; height: 12px; border: 1px solid {EDGE}; }}
a {{ color: {ACCENT}; }} a.file {{ display: block; padding: .14rem 0; }}
.number {{ display: inline-block; min-width: 1.35em; border-radius: 1em; background: {INK}; color: #fff;
  text-align: center;  font-weight: 600; font-size: .8rem; line-height: 1.35em; margin-right: .35em; }}
.note {{ overflow-wrap: anywhere; }}
progress {{ width: 160px; height: 8px; accent-color: {ACCENT}; vertical-align: middle; }}
details summary {{ cursor: pointer; color: {ACCENT}; }} details p {{ margin-top: .5rem; }}
"""

SLIDER = f"""
:host {{ font: 14px/1.45 {FONT}; color: {INK}; }}
.bk-slider-title {{ font-size: .9rem !important; color: {INK}; padding: 0; }}
.noUi-target {{ height: 6px; border: none; background: {LINE}; box-shadow: none; }}
.noUi-connect {{ background: {ACCENT} !important; }}
.noUi-handle {{ border: 1.5px solid {ACCENT} !important; border-radius: 50% !important; background: #fff !important;
  box-shadow: none !important; }}
.noUi-handle::before, .noUi-handle::after {{ display: none; }}
"""

CHECKBOX = f"""
:host {{ font: 14px/1.45 {FONT}; color: {INK}; }} input {{ accent-color: {ACCENT}; }}
"""

DROP_ZONE = f"""
.filepond--root.filepond--root {{ font: 13px {FONT}; margin: 0; background: #f7f8f9; border: 1.5px dashed {EDGE};
  border-radius: 8px; box-sizing: border-box; }}
.filepond--root .filepond--panel-root, .filepond--root .filepond--drop-label {{ background: transparent; }}
.filepond--root .filepond--drop-label {{ color: {MUTED}; min-height: 76px; }}
.filepond--root .filepond--drop-label label {{ font-size: 12px; padding: 4px; }}
.filepond--root .filepond--label-action {{ color: {ACCENT}; text-decoration: underline; }}
.filepond--root .filepond--item-panel {{ background: {MUTED}; }}
"""

THUMBNAILS = f"""
:host {{ font: 13px/1.35 {FONT}; color: {INK}; display: block; overflow-y: auto; overflow-x: hidden; }}
{NARROW} {{ :host {{ flex: none !important; height: auto !important; max-height: 40vh; }} }}
h2 {{ font-size: .78rem; letter-spacing: .03em; color: {MUTED}; font-weight: 600; margin: 12px 0 5px; }}
h2:first-child {{ margin-top: 0; }}
div.group {{ display: grid; grid-template-columns: 1fr 1fr; gap: 8px; padding: 2px 4px 2px 2px; }}
button {{ all: unset; cursor: pointer; border-radius: 6px; display: block; min-width: 0; }}
button img {{ display: block; width: 100%; aspect-ratio: 4 / 3; object-fit: cover; border-radius: 5px;
  background: {LINE};  outline: 1px solid {EDGE}; outline-offset: -1px; }}
button span {{ display: block; font-size: .8rem; color: {MUTED}; font-variant-numeric: tabular-nums;
  overflow: hidden;  text-overflow: ellipsis; white-space: nowrap; padding-top: 1px; }}
button:hover img {{ outline-color: {ACCENT}; }} button:focus-visible {{ outline: 2px solid {ACCENT};
  outline-offset: 2px; }}
button.selected img {{ outline: 3px solid {ACCENT}; outline-offset: -1px; }} button.selected span {{ color: {INK};
  font-weight: 600; }}
"""


def text(content: str = "", stretch: bool = False, **params: Any) -> pn.pane.HTML:
    """A text of the page, see `web.widgets.text`; over the whole width if `stretch`."""
    return widgets.text(TEXT, content, **({"sizing_mode": "stretch_width"} if stretch else {}), **params)


def colour_scale(palette: str, low: str, high: str) -> str:
    """A strip of colours between the meanings of its ends.

    Args:
        palette: a name in `drawing.PALETTES`; any other stands for the palette of the scatter.
        low: meaning of the first colour.
        high: meaning of the last colour.
    """
    shades = [f"rgb{colour}" for colour in PALETTES[palette]] if palette in PALETTES else Inferno256[::32]
    texts = [html.escape(text) for text in (low, high)]
    return f'<div class="colour-scale">{texts[0]} <i style="{gradient(shades)}"></i> {texts[1]}</div>'
