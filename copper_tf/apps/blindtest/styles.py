"""How the page of a blind test looks: its style, the micrograph, the colours of the map."""

from __future__ import annotations

import base64
import html
import io
from typing import Any

from PIL import Image

from copper_tf.apps.web.styles import ACCENT, EDGE, INK, SOFT, WRONG, gradient
from copper_tf.utils.drawing import PALETTES

__all__ = ["BUTTONS", "FIELDS", "TEXT", "VIEW", "map_scale", "micrograph"]

_RIGHT = "#00795a"
_FONT = 'system-ui, -apple-system, "Segoe UI", "DejaVu Sans", Arial, sans-serif'
_MONO = 'ui-monospace, "DejaVu Sans Mono", monospace'

# The visual language of the report's pages.
VIEW = """
:host(.page) { padding: 12px 24px 16px; gap: 10px; height: 100vh; box-sizing: border-box; background: #fff; }
"""

TEXT = f"""
:host {{ font: 16px/1.55 {_FONT}; color: {INK}; }}
p {{ margin: 0 0 .8rem; }} h1 {{ font-size: 1.7rem; line-height: 1.2; margin: .1rem 0 1rem; }}
.soft {{ color: {SOFT}; }}
.kind {{ color: {SOFT}; font-size: .9rem; letter-spacing: .04em; text-transform: uppercase; margin: 0; }}
.right {{ color: {_RIGHT}; font-weight: 600; }} .wrong {{ color: {WRONG}; font-weight: 600; }}
.warn {{ border-left: 4px solid {WRONG}; padding: .1rem 0 .1rem .8rem; margin: .4rem auto; max-width: 620px; }}
:host(.question) {{ font-size: 1.1rem; text-align: center; }}
:host(.keys) {{ font-size: .85rem; color: {SOFT}; text-align: center; }}
kbd {{ font: 600 .85em/1 {_MONO}; border: 1px solid {EDGE}; border-bottom-width: 2px; border-radius: 4px;
  padding: .1em .4em; background: #f7f8f9; color: {INK}; white-space: nowrap; }}
code {{ font: .95em {_MONO}; letter-spacing: .05em; color: {INK}; }}
.head {{ display: grid; grid-template-columns: auto 1fr auto; gap: 1.4rem; align-items: center; }}
.strip {{ display: flex; gap: 4px; flex-wrap: wrap; }}
.strip i {{ width: 12px; height: 12px; border: 1.5px solid {EDGE}; border-radius: 2px; box-sizing: border-box; }}
.strip i.done {{ background: {ACCENT}; border-color: {ACCENT}; }}
.strip i.here {{ outline: 2px solid {INK}; outline-offset: 1px; }}
.map {{ display: flex; align-items: center; justify-content: flex-end; gap: .6rem; font-size: .85rem; color: {SOFT}; }}
.map b {{ width: 160px; height: 12px; border: 1px solid {EDGE}; }}
"""

FIELDS = f"""
:host {{ font: 16px/1.5 {_FONT}; color: {INK}; }}
label {{ font-size: .9rem; color: {SOFT}; }}
.bk-input {{ font: 1.05rem {_FONT}; border: 1.5px solid {EDGE}; border-radius: 6px; min-height: 42px; }}
.bk-input:focus {{ border-color: {ACCENT}; outline: 2px solid {ACCENT}; }}
"""

# Panel's own design has more specific selectors, hence all that is important here.
BUTTONS = f"""
:host .bk-btn {{ font: 600 1rem/1.2 {_FONT} !important; border: 1.5px solid {EDGE} !important;
  color: {INK} !important; background: #fff !important; border-radius: 6px; min-height: 42px; padding: 4px 2px;
  font-variant-numeric: tabular-nums; }}
:host .bk-btn:hover {{ border-color: {ACCENT} !important; background: #eef5fa !important; }}
:host .bk-btn:focus-visible {{ outline: 2px solid {ACCENT}; outline-offset: 2px; }}
:host(.chosen) .bk-btn, :host(.main) .bk-btn {{ background: {ACCENT} !important; border-color: {ACCENT} !important;
  color: #fff !important; }}
:host(.true) .bk-btn {{ background: {_RIGHT} !important; border-color: {_RIGHT} !important; color: #fff !important; }}
:host(.missed) .bk-btn {{ border: 2px dashed {WRONG} !important; color: {WRONG} !important; }}
"""


def map_scale(first: str, last: str, palette: str = "paper") -> str:
    """What the colours of the map stand for.

    Args:
        first: name of the first label.
        last: name of the last.
        palette: a name in `PALETTES`.
    """
    strip = gradient([f"rgb{colour}" for colour in PALETTES[palette]])
    texts = [f"looks like t = {html.escape(name)}" for name in (last, first)]
    return f'<div class="map">{texts[0]} <b style="{strip}"></b> {texts[1]}</div>'


def micrograph(png: bytes, beside: Any = None) -> Any:
    """A figure of one picture, to zoom by the wheel and move by dragging.

    Args:
        png: the picture.
        beside: the figure whose view it shares.
    """
    from bokeh.models import DataRange1d, ImageURL, PanTool, ResetTool, WheelZoomTool
    from bokeh.plotting import figure

    with Image.open(io.BytesIO(png)) as image:
        width, height = image.size
    views = [getattr(beside, name) if beside else DataRange1d(range_padding=0) for name in ("x_range", "y_range")]
    wheel = WheelZoomTool(visible=False)
    drawn = figure(
        x_range=views[0], y_range=views[1], match_aspect=True, sizing_mode="stretch_both", min_border=0,
        tools=[PanTool(visible=False), wheel, ResetTool()], active_scroll=wheel, toolbar_location="right",
        outline_line_color=None,
    )  # fmt: skip
    drawn.toolbar.logo = None
    drawn.axis.visible = drawn.grid.visible = False
    # The picture travels inside the page's own connection: it has no address that could tell anything.
    address = "data:image/png;base64," + base64.b64encode(png).decode()
    glyph = ImageURL(url={"value": address}, x=0, y=height, w=width, h=height, anchor="top_left")
    drawn.add_glyph(glyph)
    # Its corners set the view before the picture itself is decoded.
    drawn.scatter([0, width], [0, height], size=0.1, alpha=0)
    return drawn
