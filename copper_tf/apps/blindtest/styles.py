"""The style sheets of a blind test, its figure of a micrograph, and the colour scale of its maps."""

from __future__ import annotations

import base64
import html
import io
from typing import Any

from PIL import Image

from copper_tf.apps.web.styles import FONT, MONOSPACE, NARROW, gradient
from copper_tf.utils.colours import ACCENT, CORRECT, EDGE, INK, MUTED, WARNING
from copper_tf.utils.drawing import PALETTES

__all__ = ["LABELS", "TEXT", "VIEW", "colour_scale", "micrograph_figure"]

# The visual language of the report's pages.
VIEW = f"""
:host(.page) {{ padding: 12px 24px 16px; gap: 10px; height: 100vh; box-sizing: border-box; background: #fff; }}
{NARROW} {{ :host(.page) {{ padding: 8px 12px; min-width: 0 !important; }} }}
"""

TEXT = f"""
:host {{ font: 16px/1.55 {FONT}; color: {INK}; }}
p {{ margin: 0 0 .8rem; }} h1 {{ font-size: 1.7rem; line-height: 1.2; margin: .1rem 0 1rem; }}
.muted {{ color: {MUTED}; }}
.kind {{ color: {MUTED}; font-size: .9rem; letter-spacing: .04em; text-transform: uppercase; margin: 0; }}
.correct {{ color: {CORRECT}; font-weight: 600; }} .wrong {{ color: {WARNING}; font-weight: 600; }}
.warning {{ border-left: 4px solid {WARNING}; padding: .1rem 0 .1rem .8rem; margin: .4rem auto; max-width: 620px; }}
:host(.question) {{ font-size: 1.1rem; text-align: center; }}
:host(.keys) {{ font-size: .85rem; color: {MUTED}; text-align: center; }}
kbd {{ font: 600 .85em/1 {MONOSPACE}; border: 1px solid {EDGE}; border-bottom-width: 2px; border-radius: 4px;
  padding: .1em .4em; background: #f7f8f9; color: {INK}; white-space: nowrap; }}
code {{ font: .95em {MONOSPACE}; letter-spacing: .05em; color: {INK}; }}
.header {{ display: grid; grid-template-columns: auto 1fr auto; gap: 1.4rem; align-items: center; }}
{NARROW} {{ .header {{ grid-template-columns: 1fr; gap: .3rem; }} }}
.progress {{ display: flex; gap: 4px; flex-wrap: wrap; }}
.progress i {{ width: 12px; height: 12px; border: 1.5px solid {EDGE}; border-radius: 2px; box-sizing: border-box; }}
.progress i.answered {{ background: {ACCENT}; border-color: {ACCENT}; }}
.progress i.current {{ outline: 2px solid {INK}; outline-offset: 1px; }}
.colour-scale {{ display: flex; align-items: center; justify-content: flex-end; gap: .6rem; font-size: .85rem;
  color: {MUTED}; }}
.colour-scale b {{ width: 160px; height: 12px; border: 1px solid {EDGE}; }}
"""

# The buttons of the labels after a practice answer.
LABELS = f"""
:host(.true) .bk-btn {{ background: {CORRECT} !important; border-color: {CORRECT} !important; color: #fff !important; }}
:host(.missed) .bk-btn {{ border: 2px dashed {WARNING} !important; color: {WARNING} !important; }}
"""


def colour_scale(first: str, last: str, palette: str = "paper") -> str:
    """The colour scale of the map, with the meanings of its ends.

    Args:
        first: name of the first label.
        last: name of the last.
        palette: a name in `drawing.PALETTES`.
    """
    strip = gradient([f"rgb{colour}" for colour in PALETTES[palette]])
    texts = [f"looks like t = {html.escape(name)}" for name in (last, first)]
    return f'<div class="colour-scale">{texts[0]} <b style="{strip}"></b> {texts[1]}</div>'


def micrograph_figure(png: bytes, linked: Any = None) -> Any:
    """A figure of one picture; the wheel zooms, dragging pans.

    Args:
        png: the picture.
        linked: a figure whose ranges it shares.
    """
    from bokeh.models import DataRange1d, ImageURL, PanTool, ResetTool, WheelZoomTool
    from bokeh.plotting import figure

    with Image.open(io.BytesIO(png)) as image:
        width, height = image.size
    ranges = [getattr(linked, name) if linked else DataRange1d(range_padding=0) for name in ("x_range", "y_range")]
    wheel = WheelZoomTool(visible=False)
    plot = figure(
        x_range=ranges[0], y_range=ranges[1], match_aspect=True, sizing_mode="stretch_both", min_border=0,
        tools=[PanTool(visible=False), wheel, ResetTool()], active_scroll=wheel, toolbar_location="right",
        outline_line_color=None,
    )  # fmt: skip
    plot.toolbar.logo = None
    plot.axis.visible = plot.grid.visible = False
    # The picture is sent as a data URL: an address of its own could reveal something.
    address = "data:image/png;base64," + base64.b64encode(png).decode()
    glyph = ImageURL(url={"value": address}, x=0, y=height, w=width, h=height, anchor="top_left")
    plot.add_glyph(glyph)
    # Its corners set the ranges before the picture itself is decoded.
    plot.scatter([0, width], [0, height], size=0.1, alpha=0)
    return plot
